"""All charging stations of a site."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Mapping
from pathlib import Path
from typing import Final

from simems_core import Clock, ProcessImage

from simems_edge.bridges.connection import ConnectionState
from simems_edge.bridges.ocpp.connector import Connector, ImageRows
from simems_edge.bridges.ocpp.ledger import Cap, Ledger
from simems_edge.bridges.ocpp.limits import LimitBook, Timing
from simems_edge.bridges.ocpp.office import ChargingOffice
from simems_edge.bridges.ocpp.server import StationServer
from simems_edge.bridges.ocpp.station import NANOSECONDS, Station, Surroundings
from simems_edge.bridges.ocpp.store import SessionStore, SessionStoreError
from simems_edge.bridges.reporter import OnClear, OnProblem, Reporter
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.config import ClusterEntry, Component, Control, Site
from simems_edge.devices import Profile

log = logging.getLogger(__name__)
PUBLISH_S: Final = 1.0
LISTEN_AGAIN_S: Final = 5.0
LOST_S: Final = 30.0
"""A station that is away for so long is told to a person."""
LARGEST_CURRENT_A: Final = 32.0


class OcppBridge:
    """Stations connect to it; setpoints are written to it. The session store lies in ``data``."""

    def __init__(
        self,
        site: Site,
        profiles: Mapping[str, Profile],
        image: ProcessImage,
        clock: Clock,
        *,
        on_problem: OnProblem,
        on_clear: OnClear,
        data: Path,
        office: ChargingOffice | None = None,
    ) -> None:
        """``office``: what shows the stations to screens. While sessions cannot be kept no station is answered."""
        settings = site.ocpp
        if settings is None:
            raise ValueError("the site file has no section ocpp")
        self._site, self._settings, self._image, self._data = site, settings, image, data
        self._clock, self._setpoints = clock, SetpointStore()
        self._ours = [component for component in site.components if component.connection.ocpp is not None]
        self._reporters = {one.id: Reporter(one.id, on_problem, on_clear) for one in self._ours}
        self._station_of = {
            one.id: one.connection.ocpp.station for one in self._ours if one.connection.ocpp is not None
        }
        self._loop: asyncio.AbstractEventLoop | None = None
        self._office = office or ChargingOffice(data)
        self.stations: dict[str, Station] = {}
        self.caps = caps_of(site, self._ours)
        self._build()

    def _build(self) -> bool:
        """Stations as they stood; False (and told) while the disk refuses."""
        try:
            self.store = SessionStore(self._data, self._clock.utc_us(self._clock.now_ns()))
            connectors = {one.id: self._connector(one) for one in self._ours}
            self.ledger = Ledger(self.caps, {name: one.book for name, one in connectors.items()})
            around = Surroundings(self._settings, self._clock, self.store, self._setpoints, self.ledger, self._wake)
            self.stations = {
                station.id: Station(station, mine, around)
                for station in self._settings.stations
                if (mine := [connectors[one.id] for one in self._ours if _at(one, station.id)])
            }
        except SessionStoreError as error:
            self._tell_all("charging_store_failed", f"no station is answered: {error}")
            return False
        self._clear_all("charging_store_failed")
        self._away_s = dict.fromkeys(self.stations, self._now_s())
        self._office.announce(self.stations)
        return True

    def _connector(self, component: Component) -> Connector:
        place, control = component.connection.ocpp, component.control or Control()
        assert place is not None  # noqa: S101 - only those are asked for
        maximum_a = control.maximum_current_a or LARGEST_CURRENT_A
        timing = Timing(self._settings.limit_lifetime_s, self._settings.clock_slack_s)
        safe_a = self.store.safe_current_a(place.station, place.connector)
        return Connector(
            component=component.id,
            number=place.connector,
            safe_a=min(control.safe_current_a, maximum_a),
            maximum_a=maximum_a,
            minimum_a=min(control.minimum_current_a, maximum_a),
            book=LimitBook(maximum_a, safe_a, timing, self._now_s()),
            rows=ImageRows(component.id, self._image),
            reporter=self._reporters[component.id],
            switches=control.switch_phases,
            offered=self.store.offered_phases(place.station, place.connector),
        )

    @property
    def addresses(self) -> frozenset[str]:
        """What it can set."""
        switching = [f"{one.id}/phases" for one in self._ours if one.control is not None and one.control.switch_phases]
        return frozenset([f"{one.id}/current_limit_a" for one in self._ours] + switching)

    def write(self, address: str, setpoint: float) -> None:
        """Any thread; the latest wins. One that is not repeated for 5 s is no longer renewed at the station."""
        changed, loop = self._setpoints.give(address, setpoint, self._now_s()), self._loop
        if changed and loop is not None:
            loop.call_soon_threadsafe(self._wake_for, address)

    # ---- life

    async def run(self) -> None:
        """Until cancelled. A port that is taken or a certificate that cannot be read is told and tried again."""
        self._loop = asyncio.get_running_loop()
        self._office.runs_on(self._loop)
        try:
            while not self.stations and not self._build():  # noqa: ASYNC110 - a disk tells nobody
                await asyncio.sleep(LISTEN_AGAIN_S)
            async with asyncio.TaskGroup() as tasks:
                tasks.create_task(self.look(), name="charging stations")
                tasks.create_task(self._listen(), name="ocpp server")
        finally:
            self._loop = None
            self._office.runs_on(None)

    async def _listen(self) -> None:
        while True:
            server = StationServer(self._settings, self.stations.__getitem__)
            try:
                async with server.listening() as listening:
                    self._clear_all("ocpp_not_listening")
                    await listening.serve_forever()
            except (OSError, ssl.SSLError) as error:
                log.exception("stations cannot connect")
                self._tell_all("ocpp_not_listening", f"stations cannot connect: {error}; see ocpp in the site file")
            await asyncio.sleep(LISTEN_AGAIN_S)

    async def look(self) -> None:
        """Once a second: the image, stations that are away, sessions that nobody ended."""
        while True:
            for station in self.stations.values():
                self._publish(station)
                station.look_after()
            self._judge_caps()
            await asyncio.sleep(PUBLISH_S / (self._clock.speed or 1.0))

    def _publish(self, station: Station) -> None:
        now_ns, now_s, connected = self._clock.now_ns(), self._now_s(), station.link is not None
        if connected:
            self._away_s[station.id] = now_s
        away_s = now_s - self._away_s[station.id]
        state = ConnectionState.CONNECTED if connected else ConnectionState.CONNECTING
        state = ConnectionState.BACKING_OFF if away_s > LOST_S else state
        for one in station.connectors.values():
            values = {"communication": float(connected), "connection_state": float(state)}
            one.rows.publish({**values, "reserved_current_a": one.book.bound_a(now_s)}, now_ns)
            if connected:
                one.publish(now_ns, now_s)
            _judge(one, station, lost=away_s > LOST_S)

    def _judge_caps(self) -> None:
        """Told at the first member of each cap that is passed."""
        told: dict[str, list[str]] = {}
        for cap in self.ledger.over(self._now_s()):
            told.setdefault(min(cap.members), []).append(f"{cap.name} ({cap.limit_a:g} A)")
        for name, reporter in self._reporters.items():
            if name in told:
                text = f"connectors may draw more than {', '.join(told[name])} together until stations answer"
                reporter.problem("cap_passed", text)
            else:
                reporter.clear("cap_passed")

    def _tell_all(self, code: str, text: str) -> None:
        for reporter in self._reporters.values():
            reporter.problem(code, text)

    def _clear_all(self, code: str) -> None:
        for reporter in self._reporters.values():
            reporter.clear(code)

    # ---- who waits

    def _wake(self) -> None:
        for station in self.stations.values():
            station.woken.set()

    def _wake_for(self, address: str) -> None:
        station = self.stations.get(self._station_of[address.partition("/")[0]])
        if station is not None:
            station.woken.set()

    def _now_s(self) -> float:
        return self._clock.now_ns() * NANOSECONDS


def _at(component: Component, station: str) -> bool:
    return component.connection.ocpp is not None and component.connection.ocpp.station == station


def _judge(one: Connector, station: Station, *, lost: bool) -> None:
    if lost:
        one.reporter.problem("communication_lost", f"charging station {station.id} is not connected")
    else:
        one.reporter.clear("communication_lost")
    if station.clock.off:
        seconds = round(station.clock.offset_us / 1e6)
        one.reporter.problem("device_clock_off", f"the clock of station {station.id} is about {seconds} s off")
    else:
        one.reporter.clear("device_clock_off")


def caps_of(site: Site, ours: list[Component]) -> list[Cap]:
    """Of clusters (their sum, and each phase's fuse) and of stations."""
    names = {one.id for one in ours}
    found = []
    for cluster in site.clusters:
        if names.issuperset(cluster.members):
            found.extend(_cluster_caps(site, cluster))
    for station in site.ocpp.stations if site.ocpp else ():
        members = frozenset(one.id for one in ours if _at(one, station.id))
        if station.maximum_current_a is not None and members:
            found.append(Cap(f"station {station.id}", station.maximum_current_a, members))
    return found


def _cluster_caps(site: Site, cluster: ClusterEntry) -> list[Cap]:
    found = []
    if cluster.limit_a is not None:
        found.append(Cap(cluster.id, cluster.limit_a, frozenset(cluster.members)))
    if cluster.fuse_a is not None:
        for phase in (1, 2, 3):
            on = frozenset(name for name in cluster.members if phase in _phases(site.component(name)))
            if on:
                found.append(Cap(f"{cluster.id}_l{phase}", cluster.fuse_a, on))
    return found


def _phases(component: Component) -> tuple[int, ...]:
    return (component.control or Control()).phases

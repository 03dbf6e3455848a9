"""A garage in simulated time: stations connect, charge and drop at random while the house's load steps.

The stations are clients of the ``ocpp`` package, their cars and meters the truth. Everything between them and the
grid meter is the product: sharing, arbitration, guards, ledger, profiles, messages, session store (a real file).
"""

from __future__ import annotations

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from charge_points import CLIENTS, Client, Outlet, Station
from simems_core import Clock
from simems_edge.bridges.ocpp.server import link_of
from virtual_time import Pipe, VirtualLoop
from whole_edge import SAMPLE_S, Edge, garage_site

START_US = 1_790_000_000_000_000
VOLTAGE_V = 230.0
VERSIONS = ("ocpp1.6", "ocpp2.0.1")
WITHIN_S = 10.0


@dataclass
class Charge:
    """The truth of one transaction."""

    station: str
    connector: int
    start_wh: float
    stop_wh: float | None = None
    transaction: str = ""


@dataclass
class Findings:
    charges: list[Charge] = field(default_factory=list)
    connections: int = 0
    repeated: int = 0
    steps: int = 0
    over_cap_s: int = 0
    """Seconds in which cars drew, or were allowed, more than the cap."""
    late_s: int = 0
    """Seconds in which the site was over its limit, later than 10 s after the last step of the load."""
    worst_a: float = 0.0
    peak_share: float = 0.0
    answered_late: int = 0
    longest_s: float = 0.0
    """Over the site's limit, since the last step of the load."""
    drawn_as: float = 0.0
    """Of all cars, per phase."""


class Garage:
    def __init__(self, folder: Path, stations: int, cap_a: float, seed: int, late_share: float = 0.02) -> None:
        """``late_share``: of requests that a station answers, and does, 3 to 25 s late."""
        self.dice = random.Random(seed)
        self.cap_a, self.late_share, self.found = cap_a, late_share, Findings()
        names = [f"CP{number:03d}" for number in range(stations)]
        self.clock = Clock.simulated(START_US)
        self.edge = Edge(garage_site(names, cap_a), folder, self.clock)
        self.stations = [
            Station(
                name,
                utc=self.utc,
                seconds=self.seconds,
                wrong_clock=timedelta(hours=self.dice.choice([0, 0, 0, -3, 7])),
            )
            for name in names
        ]
        self.base_w = 0.0
        self._stepped_s = 0.0

    def utc(self) -> datetime:
        return datetime(1970, 1, 1, tzinfo=UTC) + timedelta(microseconds=self.clock.utc_us(self.clock.now_ns()))

    def seconds(self) -> float:
        return self.clock.now_ns() * 1e-9

    def run(self, simulated_s: float) -> Findings:
        with asyncio.Runner(loop_factory=lambda: VirtualLoop(self.clock)) as runner:
            runner.run(self._live(simulated_s))
        return self.found

    async def _live(self, simulated_s: float) -> None:
        lives = [Life(self, station, VERSIONS[n % 2]) for n, station in enumerate(self.stations)]
        tasks = [asyncio.create_task(one.live(simulated_s)) for one in lives]
        tasks += [asyncio.create_task(self.edge.bridge.run()), asyncio.create_task(self._load())]
        while self.seconds() < simulated_s:
            self._check()
            self.edge.turn(self.drawn_w() + self.base_w)
            await asyncio.sleep(1.0)
        async with asyncio.timeout(9000.0):
            await asyncio.gather(*tasks[: len(lives)])
        for one in tasks[len(lives) :]:
            one.cancel()

    async def _load(self) -> None:
        while True:
            self.base_w = self.dice.uniform(0.05, 0.55) * self.cap_a * 3 * VOLTAGE_V
            self._stepped_s = self.seconds()
            self.found.steps += 1
            await asyncio.sleep(self.dice.uniform(60.0, 900.0))

    # ---- the truth

    def drawn_w(self) -> float:
        return sum(outlet.power_w() for station in self.stations for outlet in station.outlets.values())

    def _check(self) -> None:
        outlets = [outlet for station in self.stations for outlet in station.outlets.values()]
        drawn_a = sum(outlet.draws_a() for outlet in outlets)
        allowed_a = sum(outlet.allowed_a() for outlet in outlets if outlet.transaction is not None)
        self.found.worst_a = max(self.found.worst_a, drawn_a, allowed_a)
        if max(drawn_a, allowed_a) > self.cap_a + 1e-6:
            self.found.over_cap_s += 1
        self.found.drawn_as += drawn_a
        site_share = (drawn_a * 3 * VOLTAGE_V + self.base_w) / (self.cap_a * 3 * VOLTAGE_V)
        self.found.peak_share = max(self.found.peak_share, site_share)
        if site_share > 1.0 + 1e-9:
            after_s = self.seconds() - self._stepped_s
            self.found.longest_s = max(self.found.longest_s, after_s)
            if after_s > WITHIN_S:
                self.found.late_s += 1


class Life:
    """One station through the day. Transaction messages wait in its outbox until they are answered."""

    def __init__(self, garage: Garage, station: Station, version: str) -> None:
        self.garage, self.station, self.version = garage, station, version
        self.dice = random.Random(garage.dice.random())
        self.outlet: Outlet = station.outlets[1]
        self.outlet.factory_a = 0.0
        self.outbox: list[Callable[[Client], Awaitable[None]]] = []
        self.charge: Charge | None = None
        self.sequence = 0
        self.ended = False
        station.before_answer = self._sometimes_late
        station.tells_meter = self._tells_meter

    async def _sometimes_late(self, _action: str) -> None:
        chance = self.dice.random()
        if chance < self.garage.late_share:
            self.garage.found.answered_late += 1
            await asyncio.sleep(self.dice.uniform(3.0, 25.0))

    async def _tells_meter(self, client: Client) -> None:
        with contextlib.suppress(ConnectionError, TimeoutError):
            if self.charge is not None and self.charge.transaction:
                await self._meter(client)

    async def live(self, until_s: float) -> None:
        traffic = asyncio.create_task(self._traffic(until_s))
        await asyncio.sleep(self.dice.uniform(0.0, 120.0))
        while not (traffic.done() and not self.outbox):
            with contextlib.suppress(ConnectionError, TimeoutError):
                await self._connection()
            await asyncio.sleep(self.dice.choice([1.0, 5.0, 30.0, 300.0]))
        traffic.result()

    # ---- connections

    async def _connection(self) -> None:
        server, client_end = Pipe.pair(self.dice.uniform(0.01, 0.3))
        self.garage.found.connections += 1
        desk = self.garage.edge.bridge.stations[self.station.identity]
        settings = self.garage.edge.site.ocpp
        assert settings is not None
        one = settings.station(self.station.identity)
        assert one is not None
        serving = asyncio.create_task(desk.serve(link_of(one, self.version, server, desk, settings)))  # type: ignore[arg-type]
        client = CLIENTS[self.version](self.station, client_end, answer_s=30.0)
        hearing = asyncio.create_task(client.start())
        cutting = asyncio.get_running_loop().call_later(self.dice.expovariate(1 / 1500.0), server.cut)
        try:
            await self._talk(client, client_end)
        finally:
            cutting.cancel()
            server.cut()
            await asyncio.gather(serving, hearing, return_exceptions=True)

    async def _talk(self, client: Client, end: Pipe) -> None:
        if self.dice.random() < 0.5:
            await client.boot()
        told_s, said = self.garage.seconds(), ""
        while not end.closed and not (self.ended and not self.outbox):
            if said != (said := "Available" if self.charge is None else "Charging"):
                await client.say_status(1, said)
            while self.outbox:
                await self._deliver(client, end)
            if self.garage.seconds() - told_s >= SAMPLE_S and self.charge is not None and self.charge.transaction:
                told_s = self.garage.seconds()
                await self._meter(client)
            elif self.garage.seconds() - told_s >= 240.0:
                told_s = self.garage.seconds()
                await client.beat()
            await asyncio.sleep(1.0)

    async def _deliver(self, client: Client, end: Pipe) -> None:
        """Sometimes the connection breaks between the message and its answer: it is told again."""
        if self.dice.random() < 0.1:
            self.garage.found.repeated += 1
            asyncio.get_running_loop().call_later(self.dice.uniform(0.0, 0.6), end.cut)
        await self.outbox[0](client)
        self.outbox.pop(0)

    async def _meter(self, client: Client) -> None:
        if self.version == "ocpp1.6":
            await client.meter(1)
        elif self.charge is not None:
            self.sequence += 1
            await client.event("Updated", 1, self.charge.transaction, sequence=self.sequence)

    # ---- cars, also while nobody is connected

    async def _traffic(self, until_s: float) -> None:
        while self.garage.seconds() < until_s - 900.0:
            await asyncio.sleep(self.dice.uniform(60.0, 2400.0))
            if self.garage.seconds() >= until_s - 900.0:
                break
            self._plug_in()
            await asyncio.sleep(self.dice.uniform(120.0, 5400.0))
            self._leave()
        self.ended = True

    def _plug_in(self) -> None:
        self.outlet.draws_a()
        self.outlet.car_a = self.dice.choice([10.0, 16.0, 16.0, 32.0])
        self.outlet.meter_wh = float(round(self.outlet.meter_wh))
        charge = self.charge = Charge(self.station.identity, 1, self.outlet.meter_wh)
        self.garage.found.charges.append(charge)
        self.outlet.plugged, at = True, self.station.utc()
        self.sequence = 0
        if self.version != "ocpp1.6":
            charge.transaction = f"{self.station.identity}-{len(self.garage.found.charges)}"
        self.outlet.transaction = charge.transaction or "not told yet"
        self.outbox.append(lambda client: self._tell_start(client, charge, at))

    async def _tell_start(self, client: Any, charge: Charge, at: datetime) -> None:
        if self.version == "ocpp1.6":
            from ocpp.v16 import call

            request = call.StartTransaction(1, "TAG", round(charge.start_wh), _iso(at))
            answer = await client.call(request, suppress=False)
            charge.transaction = str(answer.transaction_id)
        else:
            await self._event(client, "Started", charge, charge.start_wh, at, 0)
        if self.charge is charge:
            self.outlet.transaction = charge.transaction

    def _leave(self) -> None:
        charge = self.charge
        assert charge is not None
        self.outlet.draws_a()
        self.outlet.meter_wh = float(round(self.outlet.meter_wh))
        charge.stop_wh, at = self.outlet.meter_wh, self.station.utc()
        self.outlet.plugged, self.outlet.transaction, self.charge = False, None, None
        self.outlet.draws_a()
        last = self.sequence + 1
        self.outbox.append(lambda client: self._tell_stop(client, charge, at, last))

    async def _tell_stop(self, client: Any, charge: Charge, at: datetime, sequence: int) -> None:
        assert charge.stop_wh is not None
        if self.version == "ocpp1.6":
            from ocpp.v16 import call

            request = call.StopTransaction(round(charge.stop_wh), _iso(at), int(charge.transaction))
            await client.call(request, suppress=False)
        else:
            await self._event(client, "Ended", charge, charge.stop_wh, at, sequence)

    async def _event(
        self, client: Any, kind: str, charge: Charge, meter_wh: float, at: datetime, sequence: int
    ) -> None:
        from ocpp.v201 import call

        rows = [{"value": meter_wh, "measurand": "Energy.Active.Import.Register"}]
        request = call.TransactionEvent(
            kind, _iso(at), "Authorized", sequence, {"transaction_id": charge.transaction},
            [{"timestamp": _iso(at), "sampled_value": rows}],
            evse={"id": 1}, id_token={"id_token": "TAG", "type": "Central"},
        )  # fmt: skip
        await client.call(request, suppress=False)


def _iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")

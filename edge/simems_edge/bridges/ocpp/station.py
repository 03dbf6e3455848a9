"""One charging station: what it says, what it is to be asked next, and the talk with it while it is connected.

One order at a time, the most urgent first: lower a limit, then what a new car begins with, then renew and raise. The
room for a raise is taken from the ledger and booked in the same step, so that no two connectors get the same ampere.
"""

from __future__ import annotations

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Final

from simems_core import Clock

from simems_edge.bridges.ocpp.connector import Connector
from simems_edge.bridges.ocpp.ledger import Ledger
from simems_edge.bridges.ocpp.measurands import Measured
from simems_edge.bridges.ocpp.orders import (
    CONFIGURE_PARTS,
    Configure,
    DefaultCurrent,
    Link,
    LocalList,
    Order,
    SessionCurrent,
    StationMaximum,
    Trigger,
)
from simems_edge.bridges.ocpp.peer import NoAnswerError, RefusedError
from simems_edge.bridges.ocpp.sessions import Report, Session
from simems_edge.bridges.ocpp.store import SessionStore, SessionStoreError
from simems_edge.bridges.ocpp.times import StationClock
from simems_edge.bridges.setpoints import SetpointStore
from simems_edge.config import ChargingStation, OcppSettings
from simems_edge.kit.side_by_side import until_first_ends

log = logging.getLogger(__name__)
RETRY_S: Final = 5.0
"""After a request that failed."""
REFUSED_RETRY_S: Final = (1.0, 30.0)
"""First and longest wait after a refusal: a station may know a transaction a moment later than its answer came."""
LOOK_S: Final = 1.0
"""How often the next order is looked for when nothing woke the talk."""
SILENT_HEARTBEATS: Final = 2.5
START_EARLY_US: Final = 2_000_000
"""A limit begins this much in the past: the station's clock is known to a second or so."""
NANOSECONDS: Final = 1e-9
LARGEST_CONNECTOR: Final = 999
LARGEST_SEQUENCE: Final = 2**53


@dataclass(frozen=True)
class Surroundings:
    """What all stations of a bridge share."""

    settings: OcppSettings
    clock: Clock
    store: SessionStore
    setpoints: SetpointStore
    ledger: Ledger
    changed: Callable[[], None]
    """Some connector may draw less now: others may get more."""

    def now_s(self) -> float:
        return self.clock.now_ns() * NANOSECONDS

    def utc_us(self) -> int:
        return self.clock.utc_us(self.clock.now_ns())


class Station:
    def __init__(self, settings: ChargingStation, connectors: Sequence[Connector], around: Surroundings) -> None:
        self.id = settings.id
        self.connectors = {one.number: one for one in connectors}
        self.woken = asyncio.Event()
        self.model = ""
        self._settings, self._around = settings, around
        self._link: Link | None = None
        self._heard_s = around.now_s()
        self._tells_when_asked = True
        """False after it did not, until it connects again."""
        self._clock = StationClock()
        self._todo: deque[Order] = deque()
        for session in around.store.open_sessions(self.id):
            self._adopt(session)

    @property
    def link(self) -> Link | None:
        """The conversation; None while it is not connected."""
        return self._link

    @property
    def clock(self) -> StationClock:
        return self._clock

    # ---- the conversation

    async def serve(self, link: Link) -> None:
        """Until the connection ends, falls silent or a newer one takes its place."""
        self._link, self._heard_s, self._tells_when_asked = link, self._around.now_s(), True
        self._introduce()
        try:
            await until_first_ends(self._talk(link), link.run())
        finally:
            if self._link is link:
                self._link = None

    def _introduce(self) -> None:
        """What every station is told when it connects, after what is urgent."""
        settings = self._around.settings
        tags = settings.id_tags if settings.authorise == "listed" else ()
        self._todo.clear()
        if self._settings.maximum_current_a is not None:
            self._todo.append(StationMaximum(self._settings.maximum_current_a))
        told = (round(settings.sample_s), settings.offline_charging, round(settings.heartbeat_s))
        self._todo.extend(Configure(*told, part) for part in range(CONFIGURE_PARTS))
        if tags:
            self._todo.append(LocalList(_list_version(tags), tags))
        if not self.model:
            self._todo.append(Trigger("BootNotification"))
        self._todo.extend(Trigger("StatusNotification", number) for number in self.connectors)

    async def _talk(self, link: Link) -> None:
        look_s = LOOK_S / (self._around.clock.speed or 1.0)  # a clock that is stepped has no speed
        while self._link is link:
            if self._around.now_s() - self._heard_s > SILENT_HEARTBEATS * self._around.settings.heartbeat_s:
                log.warning("station is silent", extra={"station": self.id})
                return
            order = self._next()
            if order is None:
                await _woken(self.woken, look_s)
                continue
            await self._carry_out(link, *order)

    async def _carry_out(self, link: Link, order: Order, connector: Connector | None) -> None:
        """``connector``: whose limit it is; booked before it is sent."""
        now_s = self._around.now_s
        ticket = None if connector is None else connector.before(order, now_s())
        try:
            await link.ask(order)
        except RefusedError as error:
            self._not_told(order)
            self._failed(connector, "request_refused", str(error), _refused_retry_s(connector))
            if connector is not None:
                connector.refused(ticket)
        except NoAnswerError as error:
            self._not_told(order)
            self._failed(connector, "no_answer", str(error), RETRY_S)
        else:
            if connector is not None:
                self._done(connector, order, ticket)

    def _not_told(self, order: Order) -> None:
        if isinstance(order, Trigger) and order.what == "MeterValues":
            self._tells_when_asked = False

    def _failed(self, connector: Connector | None, code: str, text: str, retry_s: float) -> None:
        log.warning("station did not do it", extra={"station": self.id, "reason": text})
        if connector is not None:
            connector.retry_s = self._around.now_s() + retry_s
            connector.reporter.problem(code, f"station {self.id}: {text}")

    def _done(self, connector: Connector, order: Order, ticket: int | None) -> None:
        connector.reporter.clear("request_refused", "no_answer")
        connector.taken(order, ticket, self._around.now_s())
        if isinstance(order, DefaultCurrent):
            safe_a = order.limit_a
            self._remember(connector, lambda: self._around.store.set_safe_current(self.id, connector.number, safe_a))
        self._around.changed()

    def _remember(self, connector: Connector, keep: Callable[[], None]) -> None:
        """Over a restart. What the disk refuses costs that a restart reserves more, or begins with other phases; it
        is told."""
        try:
            keep()
        except SessionStoreError as error:
            connector.reporter.problem("charging_store_failed", str(error))
        else:
            connector.reporter.clear("charging_store_failed")

    # ---- what to ask next

    def _next(self) -> tuple[Order, Connector | None] | None:
        now_s = self._around.now_s()
        wishes = [wish for one in self.connectors.values() if (wish := self._wish(one, now_s)) is not None]
        if wishes:
            _, order, connector = min(wishes, key=lambda wish: wish[0])
            return order, connector
        due = next((one for one in self.connectors.values() if one.needs_reading(now_s)), None)
        if due is not None and self._tells_when_asked:
            due.asked_reading()
            return Trigger("MeterValues", due.number), None
        return (self._todo.popleft(), None) if self._todo else None

    def _wish(self, one: Connector, now_s: float) -> tuple[int, Order, Connector] | None:
        """(urgency, order, connector), 0 first."""
        if now_s < one.retry_s or (one.session is None and one.default_told):
            return None
        room_a = self._around.ledger.room_a(one.component, now_s)
        wanted_a = self._around.setpoints.alive(one.address, now_s)
        if one.choose_phases(self._around.setpoints.alive(one.phases_address, now_s), now_s):
            self._remember(one, lambda: self._around.store.set_offered_phases(self.id, one.number, one.offered))
        limit_a = one.limit_to_send(wanted_a, room_a, now_s)
        if limit_a is not None and one.lowers(limit_a, now_s):
            return 0, self._limit(one, limit_a), one
        if not one.default_told and one.may_tell_safe(room_a):
            return 1, DefaultCurrent(one.number, one.safe_a), one
        if one.session is not None and one.safe_told != one.session.number:
            return 2, SessionCurrent(one.number, one.session.transaction, one.safe_a), one
        return None if limit_a is None else (3, self._limit(one, limit_a), one)

    def _limit(self, one: Connector, limit_a: float) -> SessionCurrent:
        assert one.session is not None  # noqa: S101 - limits are of sessions
        start_us = self._around.utc_us() + self._clock.offset_us - START_EARLY_US
        duration_s = round(self._around.settings.limit_lifetime_s) + START_EARLY_US // 1_000_000
        phases = one.offered if one.switches else None
        if self._settings.limit_unit == "W":
            phases = one.phases_used or (1 if one.switches and one.offered == 1 else None)
        return SessionCurrent(one.number, one.session.transaction, limit_a, start_us, duration_s, phases)

    # ---- what it says (see Desk)

    def booted(self, vendor: str, model: str, firmware: str) -> None:
        self.model = f"{vendor} {model} {firmware}".strip()
        self._hear()
        for one in self.connectors.values():
            one.default_told, one.safe_told = False, None
        log.info("station booted", extra={"station": self.id, "model": self.model})
        self._introduce()

    def status(self, connector: int, status: str, error: str) -> None:
        self._hear()
        one = self._connector(connector)
        if one is not None:
            one.told_status(status, error, self._around.now_s())

    def allows(self, id_tag: str) -> bool:
        self._hear()
        settings = self._around.settings
        return settings.authorise == "everybody" or id_tag.casefold() in {tag.casefold() for tag in settings.id_tags}

    def report(self, report: Report) -> Session:
        """On disk when it returns; raises SessionStoreError."""
        self._hear()
        session, new = self._around.store.take(_sane(report))
        if new:
            log.info("session", extra={"station": self.id, "session": session.number, "told": report.kind})
        if session.open:
            self._adopt(session)
        else:
            self._released(session)
        self.woken.set()
        return session

    def progress(self, report: Report) -> None:
        """A reading in a transaction; one that nobody knows is not made up from it."""
        if self._around.store.find(report) is not None:
            self.report(report)

    def measured(self, connector: int, values: Measured) -> None:
        self._hear()
        one = self._connector(connector)
        if one is not None:
            one.measured(values, self._around.clock.now_ns())

    def needs(self, connector: int, energy_wh: float | None, departure_us: int | None) -> None:
        self._hear()
        one = self._connector(connector)
        if one is not None:
            one.energy_request_wh, one.departure_us = energy_wh, departure_us

    def told_time(self, time_us: int | None) -> None:
        if time_us is not None:
            self._clock.told(time_us, self._around.utc_us())

    def told(self, what: str, text: str) -> None:
        self._hear()
        log.info("station says", extra={"station": self.id, "about": what, "says": text[:200]})

    def utc_us(self) -> int:
        self._hear()
        return self._around.utc_us()

    def _hear(self) -> None:
        self._heard_s = self._around.now_s()

    def _connector(self, number: int) -> Connector | None:
        """None for the station as a whole (0) and for a connector that the site file does not have, which is said."""
        one = self.connectors.get(number)
        if one is None and number > 0:
            first = next(iter(self.connectors.values()))
            text = f"station {self.id} has a connector {number} that no component names: nothing limits it"
            first.reporter.problem("connector_not_listed", text)
        return one

    # ---- sessions

    def _adopt(self, session: Session) -> None:
        """The connector's session from now on, unless it has a later one."""
        one = self.connectors.get(session.connector)
        if one is None:
            return
        current = one.session
        if current is not None and current.number != session.number:
            if (current.started_us or 0) > (session.started_us or 0):
                return
            self._abandon(one, current)
            one.release(self._around.now_s())
        one.session = session
        one.authorised = self.allows(session.id_tag)

    def _released(self, session: Session) -> None:
        for one in self.connectors.values():
            if one.session is not None and one.session.number == session.number:
                one.release(self._around.now_s())
                self._around.changed()

    def look_after(self) -> None:
        """Once a second: a session whose connector has long been free is over, though nobody told."""
        now_s = self._around.now_s()
        for one in self.connectors.values():
            if one.session is not None and one.free_long(now_s):
                self._abandon(one, one.session)
                one.release(now_s)

    def _abandon(self, one: Connector, session: Session) -> None:
        """A disk that refuses leaves it open there: its next start, or end, says so again."""
        try:
            self._around.store.abandon(session, self._around.utc_us())
        except SessionStoreError as error:
            one.reporter.problem("charging_store_failed", str(error))


def _refused_retry_s(connector: Connector | None) -> float:
    """Doubled with each refusal in a row."""
    first_s, longest_s = REFUSED_RETRY_S
    return first_s if connector is None else min(first_s * 2.0 ** min(connector.refusals, 10), longest_s)


def _sane(report: Report) -> Report:
    """A number that no station has is none; what was told counts all the same."""
    connector = report.connector if 0 <= report.connector <= LARGEST_CONNECTOR else 0
    sequence = report.sequence
    known = sequence is None or 0 <= sequence <= LARGEST_SEQUENCE
    return replace(report, connector=connector, sequence=sequence if known else 0)


async def _woken(event: asyncio.Event, timeout_s: float) -> None:
    try:
        async with asyncio.timeout(timeout_s):
            await event.wait()
    except TimeoutError:
        return
    finally:
        event.clear()


def _list_version(tags: tuple[str, ...]) -> int:
    """The same list, the same number; another list, most probably another."""
    digest = 1
    for tag in tags:
        for letter in tag:
            digest = (digest * 31 + ord(letter)) % 2_000_000_011
    return digest + 1

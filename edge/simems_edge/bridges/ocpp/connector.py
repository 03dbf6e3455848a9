"""One connector of a station: its session, its limits, and its values in the image."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Final

from simems_core import BAD, GOOD, ProcessImage

from simems_edge.bridges.ocpp.ledger import granted_a
from simems_edge.bridges.ocpp.limits import LimitBook
from simems_edge.bridges.ocpp.measurands import Measured, largest_phase_a, phases_in_use
from simems_edge.bridges.ocpp.orders import DefaultCurrent, Order, SessionCurrent
from simems_edge.bridges.ocpp.sessions import Session
from simems_edge.bridges.reporter import Reporter

STATUS: Final[Mapping[str, int]] = {
    "Available": 1, "Preparing": 2, "Charging": 3, "SuspendedEV": 4, "SuspendedEVSE": 5, "Finishing": 6,
    "Reserved": 7, "Unavailable": 8, "Faulted": 9, "Occupied": 10,
}  # fmt: skip
OPEN: Final = frozenset({"Available", "Reserved", "Unavailable"})
"""Its contactor is open: it draws nothing."""
FREE_S: Final = 60.0
"""A connector that is available for so long has no session, whatever was not told."""
RAISE_A: Final = 0.5
"""Smaller raises wait for the next renewal."""
NOTHING_A: Final = 0.5
SWITCH_EVERY_S: Final = 300.0
"""Least time between two changes of the number of phases, whoever asks."""
SETTLE_S: Final = 1.0
"""Between two limits, but for a drop of an ampere or more."""
_MEASURED: Final = (
    *(f"{name}{phase}" for name in ("active_power_w", "current_a") for phase in ("", "_l1", "_l2", "_l3")),
    "vehicle_soc_pct",
)


class ImageRows:
    """The channels of one component that the image has."""

    def __init__(self, component: str, image: ProcessImage) -> None:
        self._image = image
        names = (*_MEASURED, "phases", "status", "session_energy_wh", "energy_request_wh", "departure_time",
                 "reserved_current_a", "current_limit_a", "communication", "connection_state")  # fmt: skip
        found = {name: image.find(f"{component}/{name}") for name in names}
        self._handles = {name: handle for name, handle in found.items() if handle is not None}

    def publish(self, values: Mapping[str, float | None], time_ns: int) -> None:
        """None: BAD, the station has no value for it."""
        rows = [(self._handles[name], value) for name, value in values.items() if name in self._handles]
        self._image.publish_many(
            [handle for handle, _ in rows],
            [math.nan if value is None else value for _, value in rows],
            time_ns,
            [BAD if value is None else GOOD for _, value in rows],
        )


@dataclass
class Connector:
    component: str
    number: int
    safe_a: float
    maximum_a: float
    minimum_a: float
    """Nothing, or this and more."""
    book: LimitBook
    rows: ImageRows
    reporter: Reporter
    session: Session | None = None
    authorised: bool = True
    status: str = ""
    default_told: bool = False
    """The station took the safe current for transactions to come, since its boot or our start."""
    safe_told: int | None = None
    """Number of the session whose own safe current it took."""
    retry_s: float = -math.inf
    """Not asked before."""
    refusals: int = 0
    """In a row."""
    phases_used: int | None = None
    switches: bool = False
    """Offers one phase or three as it is told."""
    offered: int = 3
    _switched_s: float = -math.inf
    _nothing_s: float | None = None
    """Since when a measured current shows that nothing flows."""
    energy_request_wh: float | None = None
    departure_us: int | None = None
    _sent_s: float = -math.inf
    _reading_due_s: float = math.inf
    """From then on a reading shows what was told last."""
    _free_s: float | None = field(default=None)

    @property
    def address(self) -> str:
        return f"{self.component}/current_limit_a"

    @property
    def phases_address(self) -> str:
        return f"{self.component}/phases"

    # ---- limits

    def limit_to_send(self, wanted_a: float | None, room_a: float, now_s: float) -> float | None:
        """None: nothing to send. A wish of nobody is not renewed: the limit ends, and the safe current holds."""
        if self.session is None or wanted_a is None or math.isnan(wanted_a):
            return None
        wish_a = min(wanted_a, self.maximum_a) if self.authorised else 0.0
        limit_a, standing_a = granted_a(wish_a, room_a, self.minimum_a), self.book.standing_a(now_s)
        if standing_a is None or now_s >= self.book.renewal_s() or limit_a <= standing_a - 1.0:
            return limit_a
        moved = limit_a < standing_a - 0.05 or limit_a >= standing_a + RAISE_A
        return limit_a if moved and now_s >= self._sent_s + SETTLE_S else None

    def choose_phases(self, wanted: float | None, now_s: float) -> bool:
        """The last gate: a change only at an acknowledged 0 A that a later reading shows, and not often. Whether it is
        one."""
        if not self.switches or wanted not in {1.0, 3.0} or wanted == self.offered:
            return False
        at_rest = self.session is None or (
            self.book.held_a(now_s) == 0.0 and self._nothing_s is not None and self._nothing_s > self._sent_s
        )
        if at_rest and now_s - self._switched_s >= SWITCH_EVERY_S:
            self.offered, self._switched_s = int(wanted), now_s
            return True
        return False

    def lowers(self, limit_a: float, now_s: float) -> bool:
        standing_a = self.book.standing_a(now_s)
        return limit_a < (self.book.bound_a(now_s) if standing_a is None else standing_a)

    def may_tell_safe(self, room_a: float) -> bool:
        """Raising the safe current takes room as any raise does."""
        return self.safe_a <= max(self.book.safe_a, room_a)

    def before(self, order: Order, now_s: float) -> int | None:
        """Book what is about to be sent; a ticket where it ends by itself."""
        if isinstance(order, DefaultCurrent):
            self.book.safe_sent(order.limit_a)
        if isinstance(order, SessionCurrent) and order.duration_s is not None:
            self._sent_s = now_s
            return self.book.send(order.limit_a, now_s)
        return None

    def taken(self, order: Order, ticket: int | None, now_s: float) -> None:
        """The station acknowledged it."""
        self.refusals = 0
        if ticket is not None:
            before_a = self.book.standing_a(now_s)
            self.book.acknowledged(ticket, now_s)
            if self.book.standing_a(now_s) != before_a:
                self._reading_due_s = now_s + self.book.follow_s
        elif isinstance(order, DefaultCurrent):
            self.default_told = True
            self.book.safe_acknowledged(order.limit_a, now_s)
        elif isinstance(order, SessionCurrent) and self.session is not None:
            self.safe_told = self.session.number

    def refused(self, ticket: int | None) -> None:
        self.refusals += 1
        if ticket is not None:
            self.book.refused(ticket)

    def needs_reading(self, now_s: float) -> bool:
        """Its car has had its time, and what it told last is older: until it tells, nobody knows what it takes."""
        return self.session is not None and now_s >= self._reading_due_s

    def asked_reading(self) -> None:
        """Once for each change; then its own time comes."""
        self._reading_due_s = math.inf

    def release(self, now_s: float) -> None:
        """The session is over."""
        self._reading_due_s = math.inf
        self.session = self.energy_request_wh = self.departure_us = self.phases_used = None
        self.book.seen(0.0)
        self.book.ended(now_s)

    # ---- what its station says

    def told_status(self, status: str, error: str, now_s: float) -> None:
        self.status = status
        self._free_s = (self._free_s or now_s) if status == "Available" else None
        if status == "Faulted" or error not in {"NoError", ""}:
            self.reporter.problem("station_faulted", f"connector {self.number}: {status}, {error}")
        else:
            self.reporter.clear("station_faulted")

    def free_long(self, now_s: float) -> bool:
        return self._free_s is not None and now_s - self._free_s > FREE_S

    def measured(self, found: Measured, now_ns: int) -> None:
        if found.refused:
            self.reporter.problem("device_data", f"values refused: {'; '.join(found.refused)[:300]}")
        elif found.values:
            self.reporter.clear("device_data")
        largest_a = largest_phase_a(found.values)
        if largest_a is not None:
            if now_ns * 1e-9 >= self._reading_due_s:
                self._reading_due_s = math.inf
            self.book.seen(largest_a)
            self._nothing_s = now_ns * 1e-9 if largest_a < NOTHING_A else None
            self.phases_used = phases_in_use(found.values) or self.phases_used
        known: dict[str, float | None] = {name: found.values[name] for name in _MEASURED if name in found.values}
        if self.phases_used is not None and known:
            known["phases"] = float(self.phases_used)
        self.rows.publish(known, now_ns)
        self._judge_obedience()

    def _judge_obedience(self) -> None:
        if self.book.strays:
            self.reporter.problem("limit_not_followed", f"connector {self.number} draws more than any limit allows")
        else:
            self.reporter.clear("limit_not_followed")

    # ---- the image, once a second

    def publish(self, now_ns: int, now_s: float) -> None:
        """What is known while the station is connected."""
        session = self.session
        values: dict[str, float | None] = {
            "status": None if self.status not in STATUS else float(STATUS[self.status]),
            "session_energy_wh": 0.0 if session is None else session.energy_wh,
            "current_limit_a": self.book.held_a(now_s),
            "energy_request_wh": self._request_left_wh(),
            "departure_time": None if self.departure_us is None else self.departure_us / 1e6,
        }
        if session is None and self.status in OPEN:
            values |= {"active_power_w": 0.0, "current_a": 0.0, "phases": 0.0}
        self.rows.publish(values, now_ns)

    def _request_left_wh(self) -> float | None:
        if self.energy_request_wh is None or self.session is None:
            return None
        return max(self.energy_request_wh - (self.session.energy_wh or 0.0), 0.0)

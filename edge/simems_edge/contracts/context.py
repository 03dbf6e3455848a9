"""What a controller sees and says in one turn."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import isnan
from typing import Final

from simems_core import FORCED, GOOD, CoreError, Snapshot

Term = float | None
Row = tuple[int, Term, Term, Term, Term] | tuple[int, Term, Term, Term, Term, Term, Term]
"""(actuator number, preferred, lower, upper, offset[, reserve up, reserve down]) in the actuator's unit."""

UTC_OFFSET: Final = "site/utc_offset_s"
"""UTC less the monotonic clock; BAD while nobody has set the machine's clock."""
_NANOSECONDS = 1e-9


class Context:
    """One per controller, reused each cycle. Values come from one frozen snapshot, times are monotonic."""

    def __init__(
        self,
        actuators: Mapping[int, int],
        outputs: Mapping[str, int],
        publish: Callable[[int, float, int], None],
        utc_offset: int | None = None,
    ) -> None:
        """``actuators``: handle -> number in the cycle; ``outputs``: own channel name -> handle;
        ``utc_offset``: handle of ``site/utc_offset_s``."""
        self._utc_offset = utc_offset
        self._actuators = actuators
        self._outputs = outputs
        self._publish = publish
        self._seen: dict[int, int] = {}
        self._rows: list[Row] = []
        self._kept = False
        self._last: list[Row] = []
        self._snapshot: Snapshot | None = None
        self.time_ns = 0
        self.dt_s = 0.0

    # ---- the controller's side

    @property
    def snapshot(self) -> Snapshot:
        if self._snapshot is None:
            raise CoreError("no cycle has begun")
        return self._snapshot

    def value(self, handle: int) -> float | None:
        """The valid value, or None when stale, bad or never written."""
        value = self.snapshot.value(handle)
        return None if isnan(value) else value

    def new_sample(self, handle: int) -> float | None:
        """The valid value when it is newer than the one this method gave last; else None."""
        time_ns = self.snapshot.time_of(handle)
        value = self.value(handle)
        if value is None or self._seen.get(handle) == time_ns:
            return None
        self._seen[handle] = time_ns
        return value

    def matched(self, handle: int, at: int, *, earlier_s: float = 0.0) -> float | None:
        """The value of ``handle`` at the timestamp of channel ``at`` (less ``earlier_s``), interpolated."""
        instant = self.snapshot.time_of(at) - round(earlier_s / _NANOSECONDS)
        value = self.snapshot.value_at(handle, instant)
        return None if isnan(value) else value

    def sample_time_ns(self, handle: int) -> int:
        """Monotonic time of the channel's newest value."""
        return self.snapshot.time_of(handle)

    def utc_s(self) -> float | None:
        """UTC of this cycle in s since 1970, for calendars and clock-aligned windows; None while the clock is not set.

        Never for control by elapsed time: a wall clock steps. Use ``dt_s`` and ``time_ns`` there.
        """
        offset_s = None if self._utc_offset is None else self.value(self._utc_offset)
        return None if offset_s is None else offset_s + self.time_ns * _NANOSECONDS

    def stale(self, handle: int) -> bool:
        """True unless the value is good (or forced by a person)."""
        return self.snapshot.quality(handle) not in (GOOD, FORCED)

    def propose(
        self,
        actuator: int,
        *,
        preferred: float | None = None,
        lower: float | None = None,
        upper: float | None = None,
        offset: float | None = None,
        reserve_up: float | None = None,
        reserve_down: float | None = None,
    ) -> None:
        """Ask for a value, bounds or an offset; ``actuator`` is the handle of the actuator's address.

        ``reserve_up`` and ``reserve_down`` (0 or more): the headroom that later offsets may need; preferred values of
        lower classes keep that far from the actuator's limits. Units are the actuator's. NaN is refused: the
        controller loses its turn.
        """
        number = self._actuators.get(actuator)
        if number is None:
            raise CoreError(f"channel {actuator} is no actuator; propose to an address that the cycle commands")
        reserves = (reserve_up, reserve_down)
        if any(term is not None and isnan(term) for term in (preferred, lower, upper, offset, *reserves)):
            raise CoreError("a proposal holds NaN; say nothing when an input is missing")
        plain = (number, preferred, lower, upper, offset)
        self._rows.append(plain if reserves == (None, None) else (*plain, *reserves))

    def keep(self) -> None:
        """Nothing new to say, and what was proposed last still holds."""
        self._kept = True

    def publish(self, name: str, value: float) -> None:
        """Write one of the controller's own channels (a metric of its spec); seen from the next cycle on."""
        self._publish(self._outputs[name], value, self.time_ns)

    # ---- the host's side

    def begin(self, snapshot: Snapshot, dt_s: float) -> None:
        self._snapshot = snapshot
        self.time_ns = snapshot.time_ns
        self.dt_s = dt_s
        self._rows = []
        self._kept = False

    def take(self) -> list[Row]:
        """What stands after this turn: new rows, the kept ones, or nothing (withdrawn)."""
        self._last = self._rows or (self._last if self._kept else [])
        return self._last

    def drop(self) -> None:
        """Forget the turn and what was kept (the controller raised)."""
        self._last = []

"""Typed contract of the Rust extension: process image, clock, cycle, arbitration, guards, blocks.

Times are nanoseconds of the clock handed to the cycle (monotonic, never wall clock). Values are
64-bit floats in SI base units; sources are positive (grid import, PV production, battery discharge).
"""

from collections.abc import Mapping, Sequence
from typing import Any, Final, Self, final

from typing_extensions import Buffer

__all__ = [
    "AUXILIARY",
    "BAD",
    "BUILD_PROFILE",
    "CONTROL_MODES",
    "CYCLE_CHANNELS",
    "ESTIMATE_REASONS",
    "FORCED",
    "GOOD",
    "GRID",
    "MANUAL",
    "OPTIMISATION",
    "SAFETY",
    "STALE",
    "Actuator",
    "Cause",
    "Cell",
    "Channel",
    "ChannelSum",
    "Clock",
    "Cluster",
    "CoreError",
    "CoulombCounter",
    "Curve",
    "Cycle",
    "CycleGuest",
    "CycleStatistics",
    "Deadband",
    "Decision",
    "Demand",
    "DemandWindow",
    "Ekf",
    "EkfBank",
    "Estimate",
    "EstimatorMemory",
    "Fault",
    "FitReport",
    "Guard",
    "Hysteresis",
    "LiveEstimator",
    "LowPass",
    "Pid",
    "ProcessImage",
    "RampLimiter",
    "RateCounter",
    "Recorder",
    "Rocof",
    "RollingDemand",
    "Rows",
    "RunningDemand",
    "SitePowerEstimate",
    "Snapshot",
    "Source",
    "States",
    "Watchdog",
    "bare_sleep_lateness",
    "identify",
    "image_times_ns",
    "next_state",
    "pack_doubles",
    "pack_integers",
    "ping_pong_us",
    "unpack_doubles",
    "unpack_integers",
]

_Term = float | None
_Proposal = tuple[int, _Term, _Term, _Term, _Term] | tuple[int, _Term, _Term, _Term, _Term, _Term, _Term]

BUILD_PROFILE: Final[str]
"""``release`` or ``debug``; benches refuse a debug build."""

class CoreError(ValueError):
    """Every refusal of the core: unknown address, wrong order of calls, value outside its domain."""

# ---------------------------------------------------------------------------------------- clock

@final
class Clock:
    """The one source of time of a process. UTC is only ever derived from it, for records."""

    @staticmethod
    def monotonic() -> Clock: ...
    @staticmethod
    def scaled(origin_ns: int, origin_utc_us: int, speed: float) -> Clock:
        """Runs ``speed`` times faster than CLOCK_MONOTONIC since ``origin_ns`` (CLOCK_MONOTONIC ns of
        this host, equal in every process); at the origin ``now_ns() == origin_ns``."""
    @staticmethod
    def simulated(origin_utc_us: int) -> Clock:
        """Starts at 0 ns and moves only by :meth:`advance_to`."""
    @staticmethod
    def stepped(utc_us: int) -> Clock:
        """CLOCK_MONOTONIC with a wall clock of its own that shows ``utc_us`` now and steps only by :meth:`set_wall`:
        for proofs that a step moves records and no cycle."""
    def set_wall(self, utc_us: int) -> None:
        """Step the wall clock; stepped clocks only."""
    @property
    def speed(self) -> float: ...
    def now_ns(self) -> int: ...
    def utc_us(self, time_ns: int) -> int:
        """UTC in microseconds of an instant of this clock (monotonic: from the host's realtime clock now)."""
    def advance_to(self, time_ns: int) -> None:
        """Simulated clocks only; never backwards."""
    def sleep_until(self, time_ns: int) -> None:
        """Absolute sleep without the GIL; a simulated clock refuses."""

# ---------------------------------------------------------------------------------------- image

GOOD: Final[int]  # 0
STALE: Final[int]  # 1: older than the channel's stale-after, or never written
BAD: Final[int]  # 2: the device said so, NaN, or outside minimum..maximum
FORCED: Final[int]  # 3: set by a person for a test; counts as valid and does not age (still BAD outside its limits)

@final
class Channel:
    """One row of the tag table. ``address`` is ``component/channel``, e.g. ``ess0/active_power_w``."""

    def __new__(
        cls,
        address: str,
        *,
        unit: str = "",
        kind: str = "float",  # float | int | bool | enum
        access: str = "read",  # read | write
        scale: float = 1.0,  # published numbers are raw: value = raw * scale + offset, in ``unit``
        offset: float = 0.0,
        resolution: float = 0.0,  # recorded as multiples of this; 0 = full double
        minimum: float = ...,
        maximum: float = ...,
        stale_after_s: float = 5.0,  # inf: never stale (settings, setpoints, statistics)
        labels: Mapping[int, str] | None = None,  # of an enum
    ) -> Self: ...
    @property
    def address(self) -> str: ...
    @property
    def unit(self) -> str: ...
    @property
    def kind(self) -> str: ...
    @property
    def access(self) -> str: ...
    @property
    def scale(self) -> float: ...
    @property
    def offset(self) -> float: ...
    @property
    def resolution(self) -> float: ...
    @property
    def minimum(self) -> float: ...
    @property
    def maximum(self) -> float: ...
    @property
    def stale_after_s(self) -> float: ...
    @property
    def labels(self) -> dict[int, str]: ...

@final
class ProcessImage:
    """The tag table and its values. Fixed at construction; writers publish to *next*, the cycle latches."""

    def __new__(cls, channels: Sequence[Channel], *, history: int = 64, shared: bool = False) -> Self:
        """``history``: samples kept per channel for :meth:`Snapshot.value_at`. ``shared``: in memory that the processes
        of a cycle's desks can attach; all snapshot buffers are then made at once and stepping by hand makes no more."""
    def __len__(self) -> int: ...
    @property
    def channels(self) -> list[Channel]: ...
    def handle(self, address: str) -> int:
        """Raises CoreError for an unknown address."""
    def find(self, address: str) -> int | None: ...
    def publish(self, handle: int, value: float, time_ns: int, quality: int = 0) -> None:
        """Any thread. An older ``time_ns`` than the last published one is ignored."""
    def publish_many(
        self, handles: Sequence[int], values: Sequence[float], time_ns: int, qualities: Sequence[int] | None = None
    ) -> None: ...
    def snapshot(self) -> Snapshot:
        """The last latched snapshot (before the first latch: every channel STALE)."""
    def latch(self, time_ns: int) -> Snapshot:
        """Latch without a cycle (tests, replay of a bare image). Refused while a cycle owns the image."""

@final
class Snapshot:
    """What one cycle saw. Never changes; holding it pins its memory."""

    @property
    def cycle(self) -> int: ...
    @property
    def time_ns(self) -> int: ...
    @property
    def values(self) -> memoryview:
        """float64, one per channel, read-only, not copied, not side by side (NaN where nothing was ever written)."""
    @property
    def times_ns(self) -> memoryview:
        """int64, as :attr:`values`; 0 where nothing was ever written."""
    @property
    def qualities(self) -> memoryview:
        """uint8, by age at the latch; made anew at each call."""
    def value(self, handle: int) -> float:
        """NaN unless the quality is GOOD or FORCED."""
    def last_value(self, handle: int) -> float:
        """The last value whatever its quality (for display with its age)."""
    def quality(self, handle: int) -> int: ...
    def time_of(self, handle: int) -> int:
        """When it was measured; 0 where nothing was ever written (quality STALE, value NaN)."""
    def value_at(self, handle: int, time_ns: int) -> float:
        """Linear interpolation in the channel's history; the newest value when ``time_ns`` is newer and that
        value is still valid; NaN when older than the history or not valid."""

# ---------------------------------------------------------------------------------------- control

MANUAL: Final[int]  # 0
SAFETY: Final[int]  # 1
GRID: Final[int]  # 2
OPTIMISATION: Final[int]  # 3
AUXILIARY: Final[int]  # 4

@final
class Source:
    """Somebody who may propose. Order inside a class is the order of the list given to the cycle."""

    def __new__(cls, id: str, priority: int, *, lifetime_cycles: int = 3) -> Self: ...
    @property
    def id(self) -> str: ...
    @property
    def priority(self) -> int: ...

@final
class Actuator:
    """A settable channel. Its setpoint and reason are published as ``<address>_setpoint`` and
    ``<address>_reason`` when the image has channels of those names."""

    def __new__(
        cls,
        address: str,
        *,
        minimum: float,
        maximum: float,
        fallback: float = 0.0,
        ramp_per_s: float | None = None,
        role: str = "storage",
        weight: float | None = None,
        minimum_on: float = 0.0,
        dwell_s: float = 0.0,
    ) -> Self:
        """``role``: ``storage`` (does what it is told), ``generation`` and ``load`` (limits of what a device gives or
        takes, 0 or more: only ever lowered by shared limits), ``reactive``, ``group`` (the target of a cluster),
        ``switch`` (a contact) or ``request`` (of another device; without an asker it stays as that device shows): both
        take whole numbers and are moved by no fault.
        ``weight``: its share where several of one class give way together; without one they give way in the order
        given, the last one first. ``minimum_on``: it stands at 0 or at this and above, switched no more often than
        ``dwell_s`` where it can. Raises CoreError when a value makes no sense."""
    @property
    def address(self) -> str: ...

@final
class Guard:
    """A hard limit nothing can cross, evaluated natively each cycle, from good data only, applied last.

    Precedence when they conflict: protection (stop, rating, device limits, SOC, apparent power) > connection (grid,
    phases, caps) > ramp. Data a guard needs and has not: protection guards close to 0 in the direction they protect;
    a connection or phase that nobody sees holds storage and loads at 0, and generation at what may be exported with no
    load at all. Limits that several actuators share are solved together (docs/arbitration.md).
    """

    @property
    def id(self) -> str:
        """Kind and component: ``device:ess0``, ``soc:ess0``, ``stop:ess0`` (of the actuator), ``circle:ess0``
        (of the actuator), ``grid:grid0``, ``phase:grid0``, ``external:grid0`` (of the meter), ``cap:NAME``,
        ``dimming:site``."""
    @staticmethod
    def device_limits(actuator: str, *, charge_limit: str, discharge_limit: str) -> Guard:
        """-charge_limit <= setpoint <= discharge_limit, from two channels (both >= 0)."""
    @staticmethod
    def soc(
        actuator: str,
        *,
        soc: str,
        minimum_pct: float,
        maximum_pct: float,
        estimate: tuple[str, str, str] | None = None,
    ) -> Guard:
        """No discharge at or below the minimum, no charge at or above the maximum. ``estimate``: channels of our own
        estimate, its standard deviation and its validity. The stricter of both SOC counts; the estimate speaks while it
        is valid and two sigma are 5 points or less, and while it is silent the last difference to ``soc`` goes on to
        count: it only narrows, and its loss opens nothing that it closed."""
    @staticmethod
    def grid(
        actuators: Sequence[str],
        *,
        grid: str,
        measured: Sequence[str],
        import_limit_w: float,
        export_limit_w: float,
        gains: Sequence[float] | None = None,
        meter_delay_max_s: float = 4.0,
        meter_repeat_max_s: float = 6.0,
        battery_settle_s: float = 8.0,
    ) -> Guard:
        """Keeps grid power inside -export..import: bounds the sum of the setpoints (sources) against what the site
        takes without its actuators, a :class:`SitePowerEstimate` of the meter, the actuators' summed readings and the
        summed setpoints. ``measured``: the actuators' own readings in W, same order. ``gains``: W that a unit of each
        setpoint brings to the site (below 0: takes; 1 each when left out). Batteries of the lowest class give way
        first, inside a class those listed last, all of them up to 0 before any is driven to the other side; loads are
        shed and generation is curtailed where that does not suffice. An actuator stands in one grid guard at most.

        Guaranteed while the meter is at most ``meter_delay_max_s`` late, at any update interval up to
        ``meter_repeat_max_s`` and any battery speed: with constant load the setpoints settle and never swing; a change
        of load with the actuators at rest is answered in full in the first cycle after the meter's sample. Where the
        delay leaves several site powers possible (after a start, lost data, or a change of load while the actuators
        move), each limit is held for the worse end of the estimate's range: rather too much than too little.
        Not guaranteed: of a change of load while the actuators move, some may hide behind that movement, by no more
        than its extent, until they have rested for ``meter_delay_max_s``; nobody answers a change before its first
        sample; and what the actuators do not deliver (their own limits, SOC, ratings) is missing at the grid.

        A reading of meter or actuator that is stale, bad or missing: 0, and the estimate starts afresh with the next
        sample (what the actuators did shortly before still counts)."""
    @staticmethod
    def phases(
        actuators: Sequence[str],
        *,
        power: tuple[str, str, str],
        voltage: tuple[str, str, str],
        measured: Sequence[str],
        phases: Sequence[Sequence[int]],
        limit_a: float,
        reactive: tuple[str, str, str] | None = None,
        current: tuple[str, str, str] | None = None,
        gains: Sequence[float] | None = None,
        meter_delay_max_s: float = 4.0,
        meter_repeat_max_s: float = 6.0,
        battery_settle_s: float = 8.0,
    ) -> Guard:
        """Keeps the current of each phase of the connection at ``limit_a`` or below, in both directions, as the active
        power that it leaves beside the reactive power now measured (``reactive``, else from ``current``): as ``grid``
        otherwise. ``phases``: the phases (1 to 3) that each actuator stands on, in equal shares. A phase whose power,
        voltage or reactive power (or current) is not valid is not seen."""
    @staticmethod
    def cap(name: str, *, actuators: Sequence[str], upper: float, lower: float = 0.0) -> Guard:
        """lower <= sum of the setpoints <= upper, with lower <= 0 <= upper."""
    @staticmethod
    def circle(
        active: str,
        reactive: str,
        *,
        channel: str | None = None,
        rating_va: float | None = None,
        reactive_first: bool = False,
    ) -> Guard:
        """P^2 + Q^2 <= S^2 for one device, S from a channel (not valid: 0) or a rating. The one that the higher class
        asked for keeps its value; inside one class active power does, unless ``reactive_first``. Active power that a
        limit of the site forces is always delivered."""
    @staticmethod
    def window(actuator: str, *, name: str, edges: Sequence[tuple[str, float, str, str]]) -> Guard:
        """``edges``: (channel, limit, ``low`` or ``high``, ``charge``, ``discharge`` or ``both``). At a limit,
        beyond it,
        and while the channel is not valid, that direction is closed. ``name`` stands in the reason (``name:ess0``)."""
    @staticmethod
    def external(
        grid: str,
        *,
        import_limit: tuple[str, tuple[float, float] | None] | None = None,
        export_limit: tuple[str, tuple[float, float] | None] | None = None,
    ) -> Guard:
        """Tighter limits of the connection that the grid guard of the same meter (given before) holds, set by somebody
        outside: (channel in W, failsafe). Below 0 counts as 0; a value that is no longer valid holds on. ``failsafe``:
        (limit in W, after s) that takes over without a valid value for so long, from the start as well. Without one, a
        channel that was written but never valid counts as 0, one never written as no limit. The image's
        ``site/external_import_state`` and ``site/external_export_state``: 0 none, 1 given, 2 held, 3 failsafe."""
    @staticmethod
    def dimming(
        actuators: Sequence[str],
        *,
        measured: Sequence[str],
        least_limit_w: float,
        contacts: Sequence[tuple[str, bool, float]] | None = None,
        value: tuple[str, tuple[float, float] | None] | None = None,
        consumers: Sequence[tuple[str, float]] | None = None,
        sources: Sequence[str] | None = None,
        gains: Sequence[float] | None = None,
        release_w: float = ...,
    ) -> Guard:
        """What controllable devices draw from the grid together stays at or below a limit while somebody asks for it
        (section 14a EnWG). ``actuators``: those commanded here, with their readings and gains as of ``grid``;
        ``consumers``: (channel of the power, rated W) of the others, which draw their rated power while not known;
        ``sources``: channels of powers that offset, 0 while not known. ``contacts``: (bool channel, the value that
        asks, s after which one that is not valid counts as asked); ``value``: a limit in W as of :meth:`external`,
        which asks for nothing from ``release_w`` on. ``least_limit_w`` is left in any case, and is what a contact asks
        for. The image's ``site/dimming_state`` (0 released, 1 contact, 2 value, 3 not known), ``site/dimming_limit_w``
        and ``site/dimming_power_w``."""
    @staticmethod
    def stop(actuator: str, *, channel: str) -> Guard:
        """0 while the bool channel is true or not valid."""

@final
class Cluster:
    """Actuators that bring together what is asked of another, its target (an actuator of role ``group``).

    Sources propose to the target; its value is shared among the members inside what each may do. A member whose own
    base comes from the same source or a higher one keeps it, the others bring the rest. The target's setpoint is what
    the members bring after all guards."""

    @property
    def id(self) -> str:
        """``cluster:NAME``, as in reasons."""
    @staticmethod
    def weighted(name: str, *, target: str, members: Sequence[str], weights: Sequence[float] | None = None) -> Cluster:
        """Shares by fixed weights (equal when left out)."""
    @staticmethod
    def balanced(
        name: str,
        *,
        target: str,
        members: Sequence[str],
        soc: Sequence[str],
        capacity_wh: Sequence[float],
        minimum_pct: float = 0.0,
        maximum_pct: float = 100.0,
    ) -> Cluster:
        """Discharge is shared by the energy above ``minimum_pct``, charge by the room below ``maximum_pct``; a member
        whose ``soc`` is not valid brings nothing."""

@final
class Decision:
    @property
    def address(self) -> str: ...
    @property
    def setpoint(self) -> float: ...
    @property
    def source(self) -> str:
        """Id of the source that set the base; ``fallback`` when nobody did."""
    @property
    def bound(self) -> str | None:
        """What moved it: a source's id (its bounds), ``ramp``, ``rating``, ``fault`` (a fault or state blocks that
        direction), a guard's or a cluster's id; None when nothing did."""
    @property
    def reason(self) -> str:
        """``source`` or ``source; bound: NAME``; bounds that did not fit into what stood above them and were taken at
        the nearest point read ``source; bound: NAME (collapsed)``."""
    @property
    def reason_code(self) -> int:
        """Index into :meth:`Cycle.reason_labels`."""

@final
class CycleStatistics:
    @property
    def cycles(self) -> int: ...
    @property
    def skipped(self) -> int:
        """Slots left out because the one before ran over; never bunched."""
    @property
    def overruns(self) -> int: ...
    @property
    def late_proposals(self) -> int: ...
    @property
    def refused_proposals(self) -> int:
        """Sets that arbitration could not take: the process of a desk wrote nonsense into its memory."""
    @property
    def unfinished_splits(self) -> int:
        """Shared limits kept by the simpler split, because the bound on steps was met: safe, but not by class."""
    @property
    def work_us_p50(self) -> float: ...
    @property
    def work_us_p99(self) -> float: ...
    @property
    def work_us_max(self) -> float: ...
    @property
    def lateness_us_p50(self) -> float: ...
    @property
    def lateness_us_p99(self) -> float: ...
    @property
    def lateness_us_p999(self) -> float: ...
    @property
    def lateness_us_max(self) -> float: ...
    @property
    def lateness_1min_us_p50(self) -> float: ...
    @property
    def lateness_1min_us_p99(self) -> float: ...
    @property
    def lateness_1min_us_p999(self) -> float: ...
    @property
    def lateness_1min_us_max(self) -> float:
        """Of the last minute (in steps of ten seconds), so that it falls again."""
    @property
    def latch_us_p50(self) -> float: ...
    @property
    def latch_us_p99(self) -> float: ...
    @property
    def estimate_us_p50(self) -> float: ...
    @property
    def estimate_us_p99(self) -> float: ...
    @property
    def propose_wait_us_p50(self) -> float: ...
    @property
    def propose_wait_us_p99(self) -> float: ...
    @property
    def arbitrate_us_p50(self) -> float: ...
    @property
    def arbitrate_us_p99(self) -> float: ...
    @property
    def guard_us_p50(self) -> float: ...
    @property
    def guard_us_p99(self) -> float: ...
    @property
    def publish_us_p50(self) -> float: ...
    @property
    def publish_us_p99(self) -> float: ...
    @property
    def input_age_s_p50(self) -> float:
        """Median age at the latch of the inputs given to :meth:`Cycle.watch`; NaN when unknown."""
    @property
    def input_age_s_max(self) -> float:
        """Largest age in the last second; NaN while one of them was never written."""
    @property
    def realtime(self) -> bool:
        """SCHED_FIFO was granted."""
    @property
    def memory_locked(self) -> bool: ...

CYCLE_CHANNELS: Final[Sequence[tuple[str, str]]]
"""(address, unit) of the statistics published once a second when the image has them: ``cycle/count`` (cycles), and
``cycle/NAME`` for each other number of :class:`CycleStatistics`. Stepping by hand measures no time: there the
durations stay 0."""

@final
class Cycle:
    """latch -> wake controllers -> propose deadline -> arbitrate -> guard -> publish -> statistics.

    Either a thread (:meth:`start`) on absolute deadlines, which never takes the GIL, or stepped by hand
    (:meth:`begin`, :meth:`finish`) on any clock. Owns its image from construction to :meth:`stop` or deletion.
    """

    def __new__(
        cls,
        image: ProcessImage,
        *,
        period_s: float,
        sources: Sequence[Source],
        actuators: Sequence[Actuator],
        guards: Sequence[Guard],
        clock: Clock,
        propose_share: float = 0.5,
        desks: Sequence[tuple[Sequence[int], Sequence[int]]] | None = None,
        clusters: Sequence[Cluster] | None = None,
    ) -> Self:
        """``desks``: one for each process of controllers, with the numbers of its sources and the handles of the
        channels it may publish. Needs a shared image. Such a source proposes from its process only
        (:class:`CycleGuest`)."""
    def desk_files(self, desk: int) -> tuple[int, int, int]:
        """Descriptors to hand to a desk's process: board (never writable for it), desk, bell. The caller closes
        them."""
    def expect_desk(self, desk: int, expected: bool) -> None:
        """Whether the cycle waits (until its propose deadline) for the answers of a desk's process; at first not."""
    def mend_desk(self, desk: int) -> None:
        """After the death of a desk's process, and only then: ends what it was writing, gives back the snapshots it
        held, waits for it no more. What it proposed lives out its lifetime."""
    def answered_by(self, desk: int) -> int:
        """The latest cycle that all sources of a desk have answered; 0 when one never did since the last mend."""
    def start(self, *, priority: int = 50, cpu: int | None = None, lock_memory: bool = False) -> None:
        """Start the thread: SCHED_FIFO ``priority`` (0: the ordinary policy), kept on one ``cpu``, memory of the
        whole process locked once touched. What the machine refuses is told by :meth:`grants`, and it beats all the
        same. Returns when the machine has answered."""
    def grants(self) -> dict[str, int | None]:
        """``realtime``, ``memory``, ``cpu``: None when not asked for, 0 when granted, else the errno of the refusal."""
    def slot(self, time_ns: int) -> int:
        """Number of the slot of the thread's grid that an instant lies in: slots begin half a millisecond (or half a
        short period) after the multiples of the period, off the kernel's tick."""
    def watch(self, handles: Sequence[int]) -> None:
        """Before start: inputs whose age at the latch is a statistic."""
    def stop(self) -> None:
        """Joins the thread; idempotent."""
    @property
    def running(self) -> bool: ...
    @property
    def number(self) -> int: ...
    def wait(self, after: int, timeout_s: float) -> Snapshot | None:
        """The last snapshot as soon as it is newer than ``after`` (waits without the GIL, in seconds of the host);
        None on time-out or stop."""
    def vigil(self, after: int, timeout_s: float) -> bool:
        """Sleeps until shortly before the snapshot after ``after`` is due (without the GIL). True: a moment is left to
        prepare, then call :meth:`wait`, which watches for it without sleeping, for a bounded time. False: call it at
        once; also when no vigils are kept here (docs/cycle.md). For one thread."""
    def rehearse(self, proposals: Sequence[_Proposal]) -> None:
        """Take the way of :meth:`propose` without effect. CoreError for what that would refuse."""
    def wait_decisions(self, after: int, timeout_s: float) -> tuple[int, list[Decision]] | None:
        """(cycle, decisions) of the first published cycle newer than ``after``; None on time-out or stop."""
    def propose(self, source: int, cycle: int, proposals: Sequence[_Proposal]) -> bool:
        """Replace the standing set of source number ``source`` by (actuator, preferred, lower, upper, offset) rows,
        or rows with (.., reserve_up, reserve_down) more, made from the snapshot of ``cycle``. An empty sequence
        withdraws. They stand in ``cycle`` and ``lifetime_cycles`` cycles after it. Several rows for one actuator:
        bounds narrow, the last preferred stands, offsets and reserves add. Anything refused (NaN or infinite
        preferred/offset, a reserve below 0, lower above upper, an unknown actuator or cycle) raises CoreError and
        withdraws the old set.
        A set older than the one that stands is left out.
        False when ``cycle`` was already decided (counted as late; it counts from the next cycle)."""
    def begin(self, time_ns: int) -> Snapshot:
        """Stepping: latch at ``time_ns``. Refused while the thread runs."""
    def finish(self) -> list[Decision]:
        """Stepping: arbitrate, guard, publish."""
    def decisions(self) -> list[Decision]:
        """Of the last finished cycle."""
    def reason_labels(self) -> dict[int, str]:
        """Every reason code this configuration can give, with its text (before the first cycle as well)."""
    def statistics(self) -> CycleStatistics: ...
    def attach(self, recorder: Recorder) -> None:
        """Before start: the recorder samples at the end of each cycle that crosses its interval."""
    def attach_estimator(self, estimator: LiveEstimator) -> None:
        """Before start, once: it takes its turn in each cycle between latch and wake, so that controllers and guards
        see its estimate in the snapshot that it was made from."""
    def attach_states(self, states: States) -> None:
        """Before start, once: states and faults are evaluated first in each cycle. What they block holds in that same
        cycle, through the guards, for everybody."""

@final
class CycleGuest:
    """A cycle from inside the process of a desk: reads the image, proposes for the desk's sources, publishes the desk's
    channels, and can do nothing else. When the cycle's process dies, every wait ends at its time-out."""

    def __new__(cls, board: int, desk: int, bell: int) -> Self:
        """Takes the descriptors of :meth:`Cycle.desk_files` over."""
    @property
    def image(self) -> ProcessImage:
        """To read; publishing and latching are refused."""
    @property
    def number(self) -> int:
        """Of the cycle latched last."""
    @property
    def stopped(self) -> bool: ...
    def wait(self, after: int, timeout_s: float) -> Snapshot | None:
        """The last snapshot as soon as it is newer than ``after``; None on time-out or stop. CoreError while this
        process holds 4 snapshots already."""
    def propose(self, source: int, cycle: int, proposals: Sequence[_Proposal]) -> bool:
        """As :meth:`Cycle.propose`; ``source`` is its number on the desk."""
    def vigil(self, after: int, timeout_s: float) -> bool:
        """As :meth:`Cycle.vigil`."""
    def rehearse(self, proposals: Sequence[_Proposal]) -> None:
        """As :meth:`Cycle.rehearse`."""
    def publish(self, handle: int, value: float, time_ns: int) -> None:
        """One of the desk's own channels; the cycle takes it over when it next decides."""

@final
class Watchdog:
    """Tells a service manager by sd_notify(3) that cycles complete, from a thread without the GIL: ``READY=1`` after
    the first completed cycle of :meth:`Cycle.start`, then ``WATCHDOG=1`` each ``interval_s``, only when cycles
    completed since the message before. Nothing else kicks."""

    def __new__(cls, cycle: Cycle, address: str, interval_s: float, *, patience_s: float = ...) -> Self:
        """``address``: of NOTIFY_SOCKET (a path, or a name after ``@``). When :meth:`pulse` was not called for
        ``patience_s`` (default: for ever), kicks are withheld: the interpreter is stuck."""
    def pulse(self) -> None:
        """A thread of the interpreter runs."""
    def stop(self) -> None:
        """Ends the messages; idempotent."""

def image_times_ns(channels: int, rounds: int) -> dict[str, float]:
    """For the figures, medians over the rounds: ``publish`` (all channels one by one), ``latch`` (after that, until
    readers may have it), ``history`` (the rest of that latch), ``latch_unchanged``, ``copy`` (of as many bytes),
    ``acquire`` (a reader takes hold of a snapshot)."""

def ping_pong_us(count: int, pause_s: float) -> list[float]:
    """Round trips of a bare futex between this process and a child of it, in microseconds, with ``pause_s`` between
    them: the reference for a controller's turn in its own process."""

def bare_sleep_lateness(period_s: float, cycles: int) -> list[float]:
    """Lateness in microseconds of a bare clock_nanosleep loop of the same policy, on its own thread without the GIL:
    the reference for :class:`CycleStatistics`."""

# ---------------------------------------------------------------------------------------- states

CONTROL_MODES: Final[Sequence[str]]
"""What :meth:`States.set_mode` takes, ``AUTO`` (every source is heard) first."""

def next_state(state: str, event: str) -> str:
    """The table of transitions: states INIT, STANDBY, RUN, FAULT, SHUTDOWN; events ready, start, stop, trip, recover,
    shutdown. CoreError, saying what the state takes, for any other."""

@final
class Cause:
    """What raises a fault. Data that are not valid neither raise it nor count as its end."""

    @staticmethod
    def compare(channel: str, relation: str, limit: float) -> Cause:
        """``relation``: below, at_or_below, above, at_or_above, equal, differs (by more than 1 % of the limit)."""
    @staticmethod
    def implausible(channel: str) -> Cause:
        """The quality is BAD: the device said so, NaN, or outside the channel's minimum..maximum."""
    @staticmethod
    def lost(channel: str) -> Cause:
        """A bool that was once given is false, bad or stale (``<component>/communication``)."""
    @staticmethod
    def tripped(channel: str) -> Cause:
        """A bool is anything but a valid false: a broken wire counts as pressed."""
    @staticmethod
    def deviation(
        channel: str, reference: str, *, at_least: float, share: float = 0.0, scale: str | None = None
    ) -> Cause:
        """Two valid values are further apart than ``at_least`` and than ``share`` of the magnitude of ``scale``."""
    @staticmethod
    def told() -> Cause:
        """Only :meth:`States.raise_` raises it."""

@final
class Fault:
    """A cause with its times and its reaction.

    Raised when the cause held for ``delay_s``. Recovery: the cause gone for ``gone_s``, then, when it latches, a clear
    by a person, then ``hold_s`` with the reaction still on. ``reaction``: alarm, block_charge, block_discharge,
    zero_power (in ISLAND shed_and_curtail instead), stop (every actuator at 0, state FAULT), shed_and_curtail."""

    def __new__(
        cls,
        id: str,
        cause: Cause,
        *,
        reaction: str,
        actuators: Sequence[int],
        latch: bool,
        delay_s: float = 0.0,
        gone_s: float = 0.0,
        hold_s: float = 0.0,
    ) -> Self: ...
    @property
    def id(self) -> str: ...

@final
class States:
    """State, control mode and faults of a site, evaluated by the cycle they are attached to; any thread may ask.

    Writes ``site/state``, ``site/control_mode`` and, per actuator, ``<component>/charge_blocked`` and
    ``<component>/discharge_blocked`` when the image has them. FAULT: a fault stops the site, or faults leave no
    direction of any actuator. In FAULT, SHUTDOWN and a STANDBY that a person asked for, every actuator is held at 0."""

    def __new__(
        cls,
        image: ProcessImage,
        *,
        inputs: Sequence[str],
        actuators: Sequence[str],
        source_modes: Sequence[str | None],
        labels: Mapping[str, int],
        faults: Sequence[Fault],
        autostart: bool,
        always: Sequence[int] = ...,
    ) -> Self:
        """``inputs``: INIT ends when all were valid in one cycle. ``actuators`` and ``source_modes`` in the cycle's
        order; a source without a mode (manual) and those of ``always`` (numbers) are heard in every mode.
        ``labels``: codes of ``site/control_mode``.
        ``autostart``: RUN without being asked."""
    @property
    def state(self) -> str: ...
    @property
    def control_mode(self) -> str:
        """Who decided the first actuator in the last cycle; IDLE, FALLBACK and MANUAL beside the modes."""
    @property
    def requested_mode(self) -> str: ...
    @property
    def revision(self) -> int:
        """Rises with each change of state, mode or phase."""
    @property
    def relief(self) -> bool:
        """A fault asks for loads to be shed and generation to be curtailed (ISLAND)."""
    @property
    def ids(self) -> list[str]:
        """Of the faults, by number."""
    def phase(self, fault: int) -> str:
        """idle, pending, active, waiting (for a clear), cleared or holding. Active and waiting are raised."""
    def raise_(self, fault: int) -> None:
        """From outside: one that latched before a restart, or one that only others can see."""
    def clear(self, fault: int) -> None:
        """CoreError, saying why, unless the fault waits for it."""
    def request(self, event: str) -> None:
        """``start``, ``stop`` or ``shutdown``; CoreError when the state does not take it."""
    def set_mode(self, mode: str) -> None:
        """From the next cycle on only sources of that mode are heard; CoreError when the site has none."""

# ---------------------------------------------------------------------------------------- record

@final
class Recorder:
    """Samples chosen channels at a fixed interval into a preallocated ring.

    A row is taken in the first cycle at or after each multiple of the interval and carries its snapshot's time and
    last values. A slow consumer loses the oldest rows, counted."""

    def __new__(
        cls, image: ProcessImage, handles: Sequence[int], *, interval_s: float, capacity: int = 4096
    ) -> Self: ...
    @property
    def handles(self) -> list[int]: ...
    @property
    def lost(self) -> int: ...
    def drain(self, max_rows: int = 4096) -> Rows: ...

@final
class Rows:
    """``count`` rows of as many columns as the recorder has handles; buffers are row-major and own their memory."""

    @property
    def count(self) -> int: ...
    @property
    def times_ns(self) -> memoryview: ...  # int64 (count,)
    @property
    def values(self) -> memoryview: ...  # float64 (count, columns)
    @property
    def qualities(self) -> memoryview: ...  # uint8 (count, columns)

# ---------------------------------------------------------------------------------------- packed columns

def pack_integers(values: bytes) -> bytes:
    """Columns packed small, without loss (the pco format). ``values``: little-endian int64.

    Raises CoreError for bytes that are no whole number of values."""

def unpack_integers(packed: bytes, count: int) -> bytes:
    """The ``count`` little-endian int64 values that were packed. Raises CoreError for anything that is not their
    packed form; damaged bytes never take more memory than the values."""

def pack_doubles(values: bytes) -> bytes:
    """As :func:`pack_integers`, for little-endian float64; every bit comes back, NaN too."""

def unpack_doubles(packed: bytes, count: int) -> bytes: ...

# ---------------------------------------------------------------------------------------- blocks

@final
class RampLimiter:
    """Follows a target no faster than ``rate_per_s``."""

    def __new__(cls, rate_per_s: float, *, initial: float = 0.0) -> Self: ...
    @property
    def value(self) -> float: ...
    def step(self, target: float, dt_s: float) -> float: ...
    def reset(self, value: float) -> None: ...

@final
class SitePowerEstimate:
    """What the site draws without its battery, from a meter whose delay nobody knows exactly.

    The meter's value that arrives at ``t`` was true at ``t - d``, ``d`` anywhere in ``[0, delay_max_s]``. Site power is
    ``S = grid(t - d) + ess(t - d)``, so ``S`` lies in ``grid + [min ess, max ess]`` over that window, together with the
    setpoints the battery may be on its way to. The estimate moves only as far as this interval forces it (a
    set-membership filter). For every delay up to ``delay_max_s``, every battery speed and every update interval:

    - the battery at rest makes the interval a point, so a new load is seen in full with the first sample;
    - our own battery's movement never looks like a change of load: with constant load the error never grows, so a loop
      on the estimate cannot oscillate. While the battery moves, a further change of load may hide behind the movement
      until the battery has rested for ``delay_max_s``.

    Powers in W (grid import > 0, battery discharge > 0), times in monotonic nanoseconds. A power that is no finite
    number raises CoreError and changes nothing. Memory is fixed: readings closer together than a 256th of a window
    count as long as the newest of them."""

    def __new__(cls, *, delay_max_s: float, repeat_max_s: float, settle_s: float) -> Self:
        """``repeat_max_s``: an unchanged reading counts as the meter's old one for so long (slow registers);
        ``settle_s``: for so long after a new setpoint the battery may stand anywhere on its way to it."""
    @property
    def value_w(self) -> float | None:
        """None before the first sample of meter and battery."""
    @property
    def range_w(self) -> tuple[float, float] | None:
        """(lowest, highest) for who must be cautious; it holds ``value_w``: what explains every sample since the last
        change of load, and of a change that shows while the battery moves also twice what is proven of it."""
    def battery(self, time_ns: int, power_w: float) -> None:
        """A new reading of the battery. Once it has arrived at its setpoint, the way there is over."""
    def command(self, time_ns: int, setpoint_w: float) -> None:
        """The setpoint that stands: from its change on, the battery may already be there."""
    def meter(self, time_ns: int, grid_w: float) -> bool:
        """A new reading of the meter; False when it tells nothing (the old one repeated, or no battery reading yet)."""
    def reset(self) -> None:
        """Forget everything (an input was lost): the next sample starts afresh."""

@final
class Hysteresis:
    """True above ``on``, false below ``off``, else as before (``on`` > ``off``)."""

    def __new__(cls, *, on: float, off: float, initial: bool = False) -> Self: ...
    @property
    def active(self) -> bool: ...
    def step(self, value: float) -> bool: ...

# Of the blocks below: a sample that is no finite number is ignored, the last output holds and ``valid`` is False until
# the next good one; no output is ever NaN. A setting or ``dt_s`` outside its domain raises CoreError. Definitions and
# hints: docs/blocks.md.

@final
class Deadband:
    """0 while the value is within ``half_width`` of ``centre``; outside, how far it is beyond the edge, or with
    ``jump`` how far it is from the centre."""

    def __new__(cls, half_width: float, *, centre: float = 0.0, jump: bool = False) -> Self: ...
    @property
    def value(self) -> float:
        """0 before the first sample."""
    @property
    def valid(self) -> bool: ...
    def step(self, value: float) -> float: ...
    def reset(self) -> None: ...

@final
class LowPass:
    """First order, ``T y' + y = u``, exact for an input that stands still during each step: the answer does not depend
    on how time is cut. 0 s follows at once; without ``initial`` the first sample is the output."""

    def __new__(cls, time_constant_s: float, *, initial: float | None = None) -> Self: ...
    @property
    def value(self) -> float: ...
    @property
    def valid(self) -> bool: ...
    def step(self, value: float, dt_s: float) -> float: ...
    def set_time_constant_s(self, time_constant_s: float) -> None:
        """The output stays where it is."""
    def reset(self, value: float | None = None) -> None:
        """Stand at ``value``; without one the next sample becomes the output."""

@final
class Curve:
    """Straight lines between points of growing x (1 to 1024), the ends held beyond them."""

    def __new__(cls, points: Sequence[tuple[float, float]], *, initial: float = 0.0) -> Self:
        """``initial``: the output before the first sample."""
    @staticmethod
    def droop(
        *,
        nominal_hz: float,
        deadband_below_hz: float,
        deadband_above_hz: float,
        droop_below_pct: float,
        droop_above_pct: float,
        reference_w: float,
        raise_max_w: float,
        lower_max_w: float,
    ) -> Curve:
        """Power to add (W) over frequency (Hz): ``dP = (f1 - f) / fn / s * Pref`` beyond each edge ``f1`` of the
        deadband, 0 inside, held at the reserve (EN 50549-1:2019 4.6.1 and 4.6.2; IEEE 1547-2018 6.5.2.7.2 with k =
        s)."""
    @property
    def points(self) -> list[tuple[float, float]]: ...
    @property
    def value(self) -> float: ...
    @property
    def valid(self) -> bool: ...
    def at(self, x: float) -> float | None:
        """y at x, None for what is no finite number; leaves ``value`` and ``valid`` alone."""
    def step(self, x: float) -> float: ...
    def reset(self, value: float = 0.0) -> None: ...

@final
class Pid:
    """Parallel form: ``u = kp e + I - kd dy/dt``, ``I' = ki e``, ``e = setpoint - measurement``.

    Derivative on the measurement, filtered; back-calculation while limits or ramp hold the output. The limits beat the
    ramp. With ``ki`` = 0 the output is ``kp e`` (+ derivative) + the value last given to new or :meth:`reset`, and
    nothing can take up a bump but the ramp. Gains all of one sign; ``derivative_filter_s`` above 0 when ``kd`` is not
    0."""

    def __new__(
        cls,
        *,
        kp: float,
        minimum: float,
        maximum: float,
        ki: float = 0.0,  # output per error and second
        kd: float = 0.0,  # output per (measurement / second)
        derivative_filter_s: float = 0.0,
        tracking_s: float | None = None,  # of back-calculation; None: sqrt(kd/ki), without kd kp/ki
        ramp_per_s: float | None = None,
        initial: float = 0.0,
    ) -> Self: ...
    @property
    def value(self) -> float: ...
    @property
    def integral(self) -> float:
        """In units of the output."""
    @property
    def valid(self) -> bool: ...
    def step(self, setpoint: float, measurement: float, dt_s: float) -> float:
        """``dt_s``: since the last step, 0 or more."""
    def track(self, output: float) -> None:
        """Somebody else sets the output: stand there and go on from there without a bump (call it each cycle
        meanwhile)."""
    def set_gains(
        self,
        *,
        kp: float,
        ki: float = 0.0,
        kd: float = 0.0,
        derivative_filter_s: float = 0.0,
        tracking_s: float | None = None,
    ) -> None:
        """Without a bump."""
    def set_limits(self, *, minimum: float, maximum: float, ramp_per_s: float | None = None) -> None:
        """An output outside them moves inside at once."""
    def reset(self, output: float = 0.0) -> None: ...

@final
class RateCounter:
    """Events of the last ``window_s`` seconds, ``(now - window, now]``; exact up to ``capacity``, where it stands
    still. A time older than the newest counts as the newest."""

    def __new__(cls, window_s: float, *, capacity: int = 1024) -> Self: ...
    def event(self, time_ns: int) -> bool:
        """False when the time is nonsense and no other is known: not counted."""
    def step(self, on: bool, time_ns: int) -> int:
        """Counts the change from False to True (the first call only tells where it stands); the count."""
    def count(self, now_ns: int) -> int: ...
    def per_hour(self, now_ns: int) -> float: ...
    def wait_s(self, limit: int, now_ns: int) -> float | None:
        """Seconds until one more event keeps the window at ``limit`` or below; None for 0 and above ``capacity``."""
    def reset(self) -> None: ...

@final
class Rocof:
    """Rate of change of frequency in Hz/s: least-squares slope over the samples of the last ``window_s`` seconds, then
    a low-pass, then a deadband.

    Valid from three samples over half a window. A sample no newer than the last is a repetition and changes nothing;
    after a gap longer than the window it starts afresh (not valid, the last output held)."""

    def __new__(cls, window_s: float, *, filter_s: float = 0.0, deadband_hz_per_s: float = 0.0) -> Self: ...
    @property
    def value(self) -> float: ...
    @property
    def valid(self) -> bool: ...
    @property
    def noise_gain_per_s(self) -> float | None:
        """Standard deviation of the unfiltered slope per Hz of white noise on the samples, about sqrt(12 / n) / T for n
        samples over T; a resolution of q Hz counts as q / sqrt(12). None before the first fit."""
    def step(self, time_ns: int, frequency_hz: float) -> float: ...
    def reset(self) -> None: ...

@final
class Demand:
    """A demand window that is over."""

    @property
    def start_ns(self) -> int: ...
    @property
    def end_ns(self) -> int: ...
    @property
    def energy_wh(self) -> float: ...
    @property
    def mean_w(self) -> float: ...
    @property
    def error_wh(self) -> float:
        """``energy_wh`` may be wrong by this much, because no reading stood on the window's edges and the register
        has a resolution."""
    @property
    def complete(self) -> bool:
        """Seen from begin to end, with no reset of the register."""

@final
class RunningDemand:
    """The demand window that runs."""

    @property
    def start_ns(self) -> int: ...
    @property
    def end_ns(self) -> int: ...
    @property
    def energy_wh(self) -> float:
        """So far, with what flowed since the last reading."""
    @property
    def mean_w(self) -> float: ...
    @property
    def left_s(self) -> float: ...
    @property
    def error_wh(self) -> float: ...
    @property
    def complete(self) -> bool: ...

@final
class DemandWindow:
    """Mean power over the meter's clock-aligned window (Wh, W, monotonic ns), by differences of its energy register.

    Missing readings cost no energy; an edge between two readings is a straight line (``error_wh``). Wraps are counted
    on; a reset assumes the mean so far and makes the window incomplete. A window whose begin was not seen starts at the
    first reading, incomplete; after a restart, step it first with the reading kept from before."""

    def __new__(
        cls,
        window_s: float,
        *,
        maximum_power_w: float,  # more never flows: a steeper rise of the register is a reset
        clock_offset_ns: int = 0,  # the meter's clock less monotonic time; windows begin at its multiples
        register_wrap_wh: float | None = None,  # the register shows 0 instead of this
        register_resolution_wh: float = 0.0,  # it counts in steps of this
    ) -> Self: ...
    @property
    def valid(self) -> bool: ...
    def set_clock_offset_ns(self, clock_offset_ns: int) -> None:
        """The running window ends at the next new edge at least half a window after its begin."""
    def step(self, time_ns: int, register_wh: float) -> list[Demand]:
        """The windows that ended with this reading: none, one, or after a gap the first and the last."""
    def running(self, now_ns: int, power_w: float = ...) -> RunningDemand | None:
        """``power_w``: what flows since the last reading (not given: the mean so far). None before the first
        reading."""
    def allowed_w(self, target_w: float, now_ns: int, power_w: float = ...) -> float | None:
        """Mean power that may flow until the window's end for it to end at ``target_w``, within +-``maximum_power_w``;
        below 0 the target is lost. A part of the window that was not seen counts as drawn at the target."""
    def reset(self) -> None: ...

@final
class RollingDemand:
    """Mean power over the last ``window_s`` seconds up to the last reading, by differences of the energy register."""

    def __new__(
        cls,
        window_s: float,
        *,
        maximum_power_w: float,
        register_wrap_wh: float | None = None,
        register_resolution_wh: float = 0.0,
    ) -> Self: ...
    @property
    def valid(self) -> bool: ...
    @property
    def complete(self) -> bool:
        """The whole window was seen, with no reset of the register."""
    @property
    def mean_w(self) -> float:
        """0 before the second reading; the mean of what was seen before a whole window was."""
    def step(self, time_ns: int, register_wh: float) -> float: ...
    def allowed_w(self, target_w: float, horizon_s: float) -> float | None:
        """Mean power that may flow for the next ``horizon_s`` for the window that ends then to stand at ``target_w``,
        within +-``maximum_power_w``; what was not seen counts as the target. None before the first reading."""
    def reset(self) -> None: ...

@final
class ChannelSum:
    """Weighted sum of channels of one unit, all at the same instant (:meth:`Snapshot.value_at`)."""

    def __new__(cls, image: ProcessImage, terms: Sequence[tuple[str, float]]) -> Self:
        """(address, weight): 1 adds, -1 subtracts."""
    @property
    def value(self) -> float: ...
    @property
    def valid(self) -> bool:
        """All channels were valid at the last instant; else the sum before holds."""
    def step(self, snapshot: Snapshot, time_ns: int) -> float: ...
    def reset(self) -> None: ...

# ---------------------------------------------------------------------------------------- battery estimation

ESTIMATE_REASONS: Final[Sequence[str]]
"""Why an estimate is (not) valid, by code: good, not started, missing, stuck, time, contradicted, unsure."""

@final
class Cell:
    """One battery cell: OCV, equivalent circuit, noise and limits, as CELL.yaml has them (docs/battery-estimation.md).
    Tables over temperature and SOC are flat, one row per temperature."""

    def __new__(
        cls,
        *,
        capacity_ah: float,
        ocv: dict[str, Any],  # soc_pct, ocv_v; optional hysteresis_v, hysteresis_rate, hysteresis_shares
        # soc_pct, temperature_degc, r0_bend_a, r0_ohm, r1_ohm, c1_f, r2_ohm, c2_f; optional lag_share, lag_time_s
        elements: dict[str, Any],
        noise: dict[str, Any],  # voltage_v, current_offset_a, current_scale, model_v, model_share, model_time_s
        limits: dict[str, Any],  # minimum_voltage_v, maximum_voltage_v, maximum_current_a, longest_step_s
    ) -> Self:
        """Raises CoreError naming the field that no cell can have."""
    def as_dict(self) -> dict[str, Any]:
        """The arguments of the constructor."""
    def soc_at_pct(self, voltage_v: float) -> float:
        """OCV look-up: SOC whose mean OCV is this voltage, 0..100; 50 for NaN."""
    def ocv_v(self, soc_pct: float) -> float:
        """Mean OCV."""

@final
class Estimate:
    """The answer to a sample; always finite."""

    @property
    def soc_pct(self) -> float: ...
    @property
    def sigma_pct(self) -> float:
        """Standard deviation of ``soc_pct``."""
    @property
    def valid(self) -> bool: ...
    @property
    def reason(self) -> str:
        """One of ESTIMATE_REASONS."""
    @property
    def innovation_v(self) -> float:
        """Voltage of one cell minus expectation; 0 when no voltage was used."""
    @property
    def innovation_variance_v2(self) -> float:
        """Its expected variance; 0 when no voltage was used."""

@final
class Ekf:
    """Extended Kalman filter of one battery of ``series`` x ``parallel`` cells. Without an initial SOC it begins from
    the first good voltage. Discharge > 0. Readings may be NaN: said in ``reason``, never answered with NaN."""

    def __new__(
        cls,
        cell: Cell,
        *,
        series: int = 1,
        parallel: int = 1,
        initial_soc_pct: float | None = None,
        initial_sigma_pct: float = 20.0,
    ) -> Self: ...
    def step(self, current_a: float, voltage_v: float, temperature_degc: float, dt_s: float) -> Estimate:
        """One sample, ``dt_s`` after the one before (0 at the first)."""
    def run(
        self, time_s: Buffer, current_a: Buffer, voltage_v: Buffer, temperature_degc: Buffer
    ) -> tuple[list[float], list[float], bytes, list[float], list[float]]:
        """Columns of float64 -> soc_pct, sigma_pct, reason codes, innovation_v, innovation_variance_v2. Without the
        GIL."""
    def reset(self) -> None: ...

@final
class EstimatorMemory:
    """What a live estimator knows that outlives its process; ``offset_a`` is of one cell, ``scale`` the relative error
    of current gain over capacity, the others in percent. Discharge > 0."""

    def __new__(
        cls,
        *,
        soc_pct: float,
        soc_sigma_pct: float,
        offset_a: float,
        offset_sigma_a: float,
        scale: float,
        scale_sigma: float,
    ) -> Self:
        """Raises CoreError for what no estimator can have known."""
    @property
    def soc_pct(self) -> float: ...
    @property
    def soc_sigma_pct(self) -> float: ...
    @property
    def offset_a(self) -> float: ...
    @property
    def offset_sigma_a(self) -> float: ...
    @property
    def scale(self) -> float: ...
    @property
    def scale_sigma(self) -> float: ...

@final
class LiveEstimator:
    """The estimator of one battery in a cycle: reads channels of the image, writes SOC, its standard deviation
    (percent) and 1 or 0 for valid into the same snapshot. It steps once per new sample, with the time between the
    samples' own timestamps. Readings that are missing, stale, not a number, absurd or stuck are not used: charge is
    counted on, sigma grows, and without voltage for 10 minutes, without current for 30 s or without temperature for 10
    minutes the estimate is not valid."""

    def __new__(
        cls,
        image: ProcessImage,
        cell: Cell,
        *,
        current: str,
        voltage: str,
        soc: str,
        sigma: str,
        valid: str,
        temperatures: Sequence[str] = ...,  # none, or their mean; those not valid are left out
        assumed_temperature_degc: float | None = None,  # when none is valid
        series: int = 1,
        parallel: int = 1,
        initial_soc_pct: float | None = None,  # None: from the first good voltage
        initial_sigma_pct: float = 20.0,
        memory: EstimatorMemory | None = None,  # instead: from what was known ``away_s`` ago, with a larger sigma
        away_s: float = 0.0,
    ) -> Self: ...
    @property
    def memory(self) -> tuple[int, EstimatorMemory] | None:
        """(instant of the cycle's clock in ns, what was known) of the last step; None before it has begun. From any
        thread."""

@final
class EkfBank:
    """``count`` cells of one kind, or strings or packs of them (``series``, ``parallel``), a step at a time; columns of
    float64, one value each."""

    def __new__(
        cls,
        cell: Cell,
        count: int,
        *,
        series: int = 1,
        parallel: int = 1,
        initial_soc_pct: float | Sequence[float] | None = None,  # of all, or of each
        initial_sigma_pct: float = 20.0,
    ) -> Self: ...
    def __len__(self) -> int: ...
    def step(self, current_a: Buffer, voltage_v: Buffer, temperature_degc: Buffer, dt_s: float) -> None: ...
    def soc_pct(self) -> list[float]: ...
    def sigma_pct(self) -> list[float]: ...
    def valid(self) -> list[bool]: ...

@final
class CoulombCounter:
    """Integrates the current of one cell; with ``correct_at_rest`` it takes the OCV table's SOC after half an hour
    below C/50, where the OCV is steep enough."""

    def __new__(cls, cell: Cell, initial_soc_pct: float, *, correct_at_rest: bool = False) -> Self: ...
    @property
    def soc_pct(self) -> float: ...
    def step(self, current_a: float, voltage_v: float, dt_s: float) -> float: ...

@final
class FitReport:
    """How well the circuit fits one pulse test."""

    @property
    def temperature_degc(self) -> float: ...
    @property
    def time_constants_s(self) -> tuple[float, float]: ...
    @property
    def rmse_v(self) -> float: ...
    @property
    def soc_pct(self) -> tuple[float, float]:
        """At the first and the last sample."""
    @property
    def fitted_v(self) -> list[float]: ...

def identify(
    tests: Sequence[tuple[Buffer, Buffer, Buffer, Buffer]], ocv: dict[str, Any], capacity_ah: float
) -> tuple[Cell, list[FitReport]]:
    """The cell behind pulse tests (time_s, current_a, voltage_v, temperature_degc as float64), one per temperature;
    reports are coldest first. ``ocv`` as for :class:`Cell`; the hysteresis rate is found."""

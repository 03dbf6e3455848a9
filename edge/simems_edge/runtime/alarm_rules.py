"""The rules of the alarms: pure functions from what one cycle saw to the conditions that hold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from simems_edge.runtime.fault_book import StandingFault
from simems_edge.runtime.soc_check import SocDisagreement, SocJump

LATCHED = "It latches: clear it on the edge's screen or with `simems-edge fault clear`."


@dataclass(frozen=True)
class Condition:
    """Something that holds now. ``(code, component)`` tells it from others."""

    code: str
    severity: str
    """``info``, ``warning`` or ``alarm``."""
    component: str
    text: str
    cause: str = ""
    effect: str = ""
    remedy: str = ""
    latched: bool = False
    """Stays until a person clears it."""
    occurrence: str = ""
    """Identity and time of one that was raised before (a latched fault after a restart); else it is new."""
    raised_us: int | None = None


@dataclass(frozen=True)
class Lateness:
    """How late the cycle begins."""

    largest_s: float
    """After its slot, in the last minute."""
    limit_s: float
    """``cycle.max_lateness`` of the site file."""
    realtime: bool
    """SCHED_FIFO was granted."""


@dataclass(frozen=True)
class Facts:
    """What the rules look at, taken from one snapshot and the records of host, bridges and cycle."""

    stale: Mapping[str, Sequence[str]]
    """Component -> its mandatory channels without a valid value."""
    lost: Mapping[str, str]
    """Component -> why the bridge cannot talk to it."""
    problems: Mapping[tuple[str, str], str]
    """(component, code) -> what its bridge reports besides (a refused or unconfirmed write)."""
    failing: Mapping[str, str]
    """Controller -> what it raised."""
    fallback: Sequence[str]
    """Actuators whose setpoint nobody set while an input of their controllers is missing."""
    over_limit_w: float | None
    """Grid power outside the connection's limits in W, 0 when inside, None when unknown."""
    new_overruns: int
    """Overruns and skipped slots of the last minute."""
    not_armed: Mapping[str, str] = field(default_factory=dict)
    """Controller -> why it refuses to act."""
    clock_known: bool = True
    """False while the machine's clock was never set."""
    lateness: Lateness | None = None
    faults: Sequence[StandingFault] = ()
    """Faults that stand."""
    fault_store_error: str | None = None
    """Why latched faults cannot be made durable."""
    fault_store_damage: str = ""
    """What was wrong with the record of latched faults at the start."""
    relief: bool = False
    """A fault asks for loads to be shed and generation to be curtailed."""
    soc_apart: Mapping[str, SocDisagreement] = field(default_factory=dict)
    """Battery -> its own SOC beside our estimate, when they have been too far apart."""
    soc_jumps: Mapping[str, SocJump] = field(default_factory=dict)
    """Battery -> how its SOC moved without charge."""


def conditions(facts: Facts) -> list[Condition]:
    """Every condition that holds, most severe first within each rule's order."""
    return [
        *_faults(facts),
        *_fault_store(facts),
        *_relief(facts),
        *_communication_lost(facts),
        *_stale_data(facts),
        *_bridge_problems(facts),
        *_fallback_active(facts),
        *_grid_limit(facts),
        *_soc_apart(facts),
        *_soc_jumps(facts),
        *_controller_failing(facts),
        *_not_armed(facts),
        *_clock_not_set(facts),
        *_overruns(facts),
        *_late(facts),
    ]


def _faults(facts: Facts) -> Iterator[Condition]:
    for fault in facts.faults:
        definition, component = fault.planned.definition, fault.planned.component
        damage = f" ({facts.fault_store_damage})" if definition.check == "told" and facts.fault_store_damage else ""
        yield Condition(
            code=definition.code,
            severity=definition.severity,
            component=component,
            text=fault.planned.text,
            cause=definition.cause + damage,
            effect=definition.effect,
            remedy=f"{definition.remedy} {LATCHED}" if definition.latch else definition.remedy,
            latched=definition.latch,
            occurrence=fault.occurrence,
            raised_us=fault.raised_us,
        )


def _fault_store(facts: Facts) -> Iterator[Condition]:
    if facts.fault_store_error is not None:
        yield Condition(
            code="fault_store_failed",
            severity="alarm",
            component="edge",
            text="Latched faults cannot be saved",
            cause=facts.fault_store_error,
            effect="They hold now, but a restart would forget those raised since.",
            remedy="Make room in the data folder or replace the disk. The alarm clears by itself.",
        )


def _relief(facts: Facts) -> Iterator[Condition]:
    if facts.relief:
        yield Condition(
            code="load_shedding_needed",
            severity="alarm",
            component="site",
            text="Shed load and curtail generation now",
            cause="A fault asks the battery that holds the island for zero power.",
            effect="The battery goes on, else the site would black out. Nothing is shed or curtailed by itself.",
            remedy="Switch off loads and generation by hand until the fault is gone.",
        )


def _communication_lost(facts: Facts) -> Iterator[Condition]:
    for component, reason in facts.lost.items():
        yield Condition(
            code="communication_lost",
            severity="alarm",
            component=component,
            text=f"No communication with {component}",
            cause=reason or "The device does not answer.",
            effect=f"Values of {component} go stale; what depends on them goes to its fallback.",
            remedy="Check power, cable and address of the device. The alarm clears by itself when it answers.",
        )


def _stale_data(facts: Facts) -> Iterator[Condition]:
    for component, channels in facts.stale.items():
        yield Condition(
            code="stale_data",
            severity="alarm",
            component=component,
            text=f"{component} gives no current data",
            cause=f"No valid value of {', '.join(channels)} within its stale-after time.",
            effect="Controllers that need it withdraw; the battery goes to its fallback, 0 W.",
            remedy="Check the device and its connection. The alarm clears by itself when data return.",
        )


_OF_FEEDS = {
    "prices_missing": (
        "Prices of the day ahead are missing",
        "Where no price holds, controllers that need one do what they declare for that.",
        "Check the section prices of the site file and the way to the source. The alarm clears by itself.",
    ),
    "broker_lost": (
        "The MQTT broker does not answer",
        "Nothing is told to it and nothing can be asked there; the control goes on.",
        "Check the section mqtt of the site file and the broker. The alarm clears by itself.",
    ),
}
"""Text, effect and remedy of problems that are no device's."""
_OF_DEVICES = (
    "The device may not follow its setpoint.",
    "Check the device's operating mode and remote control settings.",
)


def _bridge_problems(facts: Facts) -> Iterator[Condition]:
    for (component, code), reason in facts.problems.items():
        text, effect, remedy = _OF_FEEDS.get(code, (f"{component} does not do what was asked", *_OF_DEVICES))
        yield Condition(
            code=code,
            severity="warning",
            component=component,
            text=text,
            cause=reason,
            effect=effect,
            remedy=remedy,
        )


def _fallback_active(facts: Facts) -> Iterator[Condition]:
    for address in facts.fallback:
        component = address.partition("/")[0]
        yield Condition(
            code="fallback_active",
            severity="warning",
            component=component,
            text=f"{component} is at its fallback, 0 W",
            cause="Controllers lack valid data of meter or battery.",
            effect="No peak shaving and no self-consumption until data return.",
            remedy="See the alarm of the device whose data are missing.",
        )


def _grid_limit(facts: Facts) -> Iterator[Condition]:
    if facts.over_limit_w is not None and facts.over_limit_w > 0.0:
        yield Condition(
            code="grid_limit_exceeded",
            severity="alarm",
            component="site",
            text="Grid power is outside the connection's limit",
            cause="The battery cannot hold the limit: its own limits, which come first, bind.",
            effect="Fuses or the connection contract may be violated.",
            remedy="Shed load or curtail generation.",
        )


def _soc_apart(facts: Facts) -> Iterator[Condition]:
    for component, seen in facts.soc_apart.items():
        yield Condition(
            code="soc_disagrees",
            severity="alarm",
            component=component,
            text=f"The state of charge of {component} is in doubt",
            cause=f"{component} says {seen.soc_pct:.1f} %, our estimate is {seen.estimated_pct:.1f} % "
            f"(+-{2 * seen.sigma_pct:.1f}), for a minute or more.",
            effect="The stricter of both counts: charge and discharge stop where the first of the two reaches a limit.",
            remedy="Charge the battery to full once so that it finds its own 100 %; then check cell file and sensors.",
        )


def _soc_jumps(facts: Facts) -> Iterator[Condition]:
    for component, jump in facts.soc_jumps.items():
        yield Condition(
            code="soc_jumped",
            severity="info",
            component=component,
            text=f"The state of charge of {component} jumped",
            cause=f"{component} said {jump.before_pct:.1f} %, then {jump.after_pct:.1f} %; no such charge flowed.",
            effect="Plans made before count with another content of the battery.",
            remedy="None needed after a full charge; else watch whether it happens again.",
        )


def _controller_failing(facts: Facts) -> Iterator[Condition]:
    for controller, error in facts.failing.items():
        yield Condition(
            code="controller_failing",
            severity="alarm",
            component=controller,
            text=f"Controller {controller} fails",
            cause=error,
            effect="It loses its turns; its last wishes end after 3 cycles and the fallback holds.",
            remedy="Check its settings; report the message to the maker.",
        )


def _not_armed(facts: Facts) -> Iterator[Condition]:
    for controller, reason in facts.not_armed.items():
        yield Condition(
            code="controller_not_armed",
            severity="alarm",
            component=controller,
            text=f"Controller {controller} is not armed",
            cause=reason,
            effect="It proposes nothing; what it is there for does not happen.",
            remedy="Give it an input that serves it, or take it out of the site file. The alarm clears by itself.",
        )


def _clock_not_set(facts: Facts) -> Iterator[Condition]:
    if not facts.clock_known:
        yield Condition(
            code="clock_not_set",
            severity="warning",
            component="site",
            text="The clock of this machine is not set",
            cause="It shows a time before this software was made: no network time, and no battery behind its clock.",
            effect="Calendars, time slots and clock-aligned windows do not act. Control by elapsed time goes on.",
            remedy="Connect a time server (NTP) or set the clock. The alarm clears by itself.",
        )


def _overruns(facts: Facts) -> Iterator[Condition]:
    if facts.new_overruns > 0:
        yield Condition(
            code="cycle_overruns",
            severity="warning",
            component="cycle",
            text="The control cycle ran over its period",
            cause="The machine was busy or the period is too short.",
            effect="Slots were left out; setpoints came late.",
            remedy="Lower the load of the machine or raise cycle.period in the site file.",
        )


def _late(facts: Facts) -> Iterator[Condition]:
    late = facts.lateness
    if late is not None and late.largest_s > late.limit_s:
        policy = "SCHED_FIFO was granted" if late.realtime else "SCHED_FIFO was not granted: see the log of the start"
        yield Condition(
            code="cycle_late",
            severity="warning",
            component="cycle",
            text="The control cycle begins too late",
            cause=f"It began {1e3 * late.largest_s:.3g} ms after its slot, more than cycle.max_lateness"
            f" ({1e3 * late.limit_s:.3g} ms): other work had the processor ({policy}).",
            effect="Controllers had less time or lost their turn; setpoints came late. Guards held in each cycle.",
            remedy="Lower the load of the machine, let the service use SCHED_FIFO, or give the cycle a core of its own"
            " (cycle.cpu). The alarm clears by itself after a minute in time.",
        )

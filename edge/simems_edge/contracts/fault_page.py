"""Writes ``docs/faults.md`` from the catalogue: ``python -m simems_edge.contracts.fault_page > docs/faults.md``."""

from __future__ import annotations

import sys
from collections.abc import Iterator

from simems_edge.contracts.faults import COMPARISONS, FaultDefinition, Limit, load_faults

HEAD = """# Faults

Made from `edge/simems_edge/contracts/faults.yaml`; change it there, then run
`python -m simems_edge.contracts.fault_page > docs/faults.md`.

The cycle looks for every cause in each cycle, from good data only: data that are stale or bad neither raise a fault nor
count as its end (where missing data are the cause, the check says so). A site has a fault only where it has the
channel. What a fault blocks is laid on the guards by the cycle itself and holds for everybody, manual operation
included; a controller or bridge that dies cannot lift it. A fault that latches survives restart and power cut and must
be cleared by a person with the PIN: on the screen, with `simems-edge fault clear CODE`, or in a replay with
the action `clear_fault`. A clear is refused, saying why, until the cause has been gone for the time given.

The state is FAULT when a fault stops the site, or when faults leave no direction of any battery; else the site runs on
with what is left.

In ISLAND, where a battery at zero power would black out the site, `zero_power` becomes a call for load shedding and
curtailment: today the alarm `load_shedding_needed`, for no relay or inverter is switched by it.
"""
WORDS = {
    "below": "below", "at_or_below": "at or below", "above": "above", "at_or_above": "at or above",
    "equal": "equal to", "differs": "more than 1 % away from",
}  # fmt: skip
REACTIONS = {
    "alarm": "told, nothing is blocked",
    "block_charge": "no charge",
    "block_discharge": "no discharge",
    "zero_power": "0 W in both directions (ISLAND: call for load shedding and curtailment)",
    "stop": "the whole site at 0 W, state FAULT",
}


def page() -> str:
    """The document as it is kept in docs."""
    faults = load_faults()
    return "\n".join([HEAD, *_table(faults), "", *(line for fault in faults for line in _section(fault))])


def _table(faults: tuple[FaultDefinition, ...]) -> Iterator[str]:
    yield "| code | of | blocks | latches | severity |"
    yield "|---|---|---|---|---|"
    for fault in faults:
        latch = "yes" if fault.latch else "no"
        cells = [f"[`{fault.code}`](#{fault.code})", ", ".join(fault.of), fault.direction, latch, fault.severity]
        yield f"| {' | '.join(cells)} |"


def _section(fault: FaultDefinition) -> Iterator[str]:
    yield f"## {fault.code}"
    yield ""
    text = fault.text.replace("{component}", "the device")
    yield f"**{text[0].upper()}{text[1:]}.** {fault.cause}"
    yield ""
    yield f"- Check: {_check(fault)}{_delay(fault)}"
    yield f"- Reaction: {REACTIONS[fault.reaction]}{', every battery' if fault.actuators == 'all' else ''}"
    yield f"- Recovery: {_recovery(fault)}"
    yield f"- Effect: {fault.effect}"
    yield f"- Remedy: {fault.remedy}"
    yield ""


def _check(fault: FaultDefinition) -> str:
    channels = ", else ".join(f"`{name}`" for name in fault.channel)
    if fault.check in COMPARISONS and fault.limit is not None:
        return f"{channels} is {WORDS[fault.check]} {_limit(fault.limit)}"
    others = {
        "implausible": f"{channels} is no number or outside its range",
        "lost": f"{channels} is false or stale after it was once given",
        "tripped": f"{channels}, or the channel named by `site.estop`, is anything but a valid false",
        "deviation": f"{channels} is further from `{fault.reference}` than {fault.at_least:g} and than "
        f"{fault.share:.0%} of `{fault.scale}`",
        "told": "raised by the edge itself",
    }
    return others[fault.check]


def _limit(limit: Limit) -> str:
    factor = "" if limit.factor == 1.0 else f"{limit.factor:g} times "
    if limit.guard is not None:
        place = f"the {'lower' if limit.end == 'low' else 'upper'} end of the component's `guards.{limit.guard}`"
        return f"{factor}{place}" + ("" if limit.value is None else f" (without one: {limit.value:g})")
    if limit.site is not None:
        return f"{factor}`site.grid.{limit.site}`"
    if limit.clock is not None:
        return f"{factor}the speed of the edge's clock"
    return f"`{limit.label}`" if limit.label is not None else f"{limit.value:g}"


def _delay(fault: FaultDefinition) -> str:
    return f", for {fault.delay_s:g} s" if fault.delay_s else ", at once"


def _recovery(fault: FaultDefinition) -> str:
    gone = f"cause gone for {fault.recovery.cause_gone_s:g} s" if fault.recovery.cause_gone_s else "cause gone"
    steps = [gone, "a clear by a person"] if fault.latch else [gone]
    if fault.recovery.hold_s:
        steps.append(f"the reaction for {fault.recovery.hold_s:g} s more")
    return ", then ".join(steps)


if __name__ == "__main__":
    sys.stdout.write(page())

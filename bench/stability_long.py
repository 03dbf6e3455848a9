"""``python -m bench.stability_long``: every loop over the whole grid of delays, alike at every cycle time."""

from __future__ import annotations

import argparse
import os
import sys
from collections import defaultdict
from collections.abc import Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path

from bench.stability import BAND, KINDS, Answer, Case, answer, cases

DELAYS_S = (0.0, 0.5, 1.0, 2.0, 3.0)
UPDATES_S = (0.1, 0.5, 1.0, 2.0, 5.0)
ERRORS_S = (-0.3, 0.0, 0.3)
TAUS_S = (0.2, 1.0, 5.0)
SLOW_CYCLES_S = (0.1, 1.0)
FAST = ((0.0, 1.0, 3.0), (0.1, 1.0, 5.0), (-0.3, 0.3), (0.2, 5.0), (0.01,))
"""A cycle of 10 ms costs ten times the work: fewer of them."""


def whole_grid() -> list[Case]:
    slow = cases(KINDS, DELAYS_S, UPDATES_S, ERRORS_S, TAUS_S, SLOW_CYCLES_S)
    return [*slow, *cases(KINDS, *FAST)]


def main() -> int:
    parser = argparse.ArgumentParser(prog="bench.stability_long", description=__doc__)
    parser.add_argument("--plot", type=Path, help="PNG of settling over the sum of the delays")
    parser.add_argument("--jobs", type=int, default=os.cpu_count() or 1)
    parser.add_argument("--every", type=int, default=1, help="play only one case of so many (7: a seventh)")
    given = parser.parse_args()
    every = whole_grid()[:: given.every]
    with ProcessPoolExecutor(given.jobs) as pool:
        answers = []
        for number, one in enumerate(pool.map(answer, every, chunksize=1), start=1):
            answers.append(one)
            if number % 100 == 0:
                print(f"stability: {number} of {len(every)}", file=sys.stderr, flush=True)
    print(summary(answers))
    wrong = [one for one in answers if not one.good]
    apart = differing(answers)
    for one in wrong:
        told = f"overshoot {one.overshoot:.3f}, settles {one.settle_s:.2f} s, restless {one.restless:.3f}"
        print(f"WRONG {one.case.label}: {told}")
    for first, second in apart:
        told = f"settles {first.settle_s:.2f} s, with {second.case.cycle_s:g} s {second.settle_s:.2f} s"
        print(f"APART {first.case.label}: {told}")
    if given.plot is not None:
        draw(answers, given.plot)
    return int(bool(wrong or apart))


def differing(answers: Sequence[Answer]) -> list[tuple[Answer, Answer]]:
    """Pairs that settle at times further apart than the longer cycle and 5 % (the same case at another cycle time)."""
    alike: defaultdict[tuple[object, ...], list[Answer]] = defaultdict(list)
    for one in answers:
        case = one.case
        alike[case.kind.name, case.delay_s, case.update_s, case.error_s, case.tau_s].append(one)
    found = []
    for group in alike.values():
        reference = next((one for one in group if one.case.cycle_s == SLOW_CYCLES_S[0]), None)
        for one in group if reference is not None else ():
            assert reference is not None
            longer_s = max(one.case.cycle_s, reference.case.cycle_s)
            if abs(one.settle_s - reference.settle_s) > max(longer_s, BAND * reference.settle_s) + 1e-9:
                found.append((reference, one))
    return found


def summary(answers: Iterable[Answer]) -> str:
    """Worst values by controller and cycle time, as a Markdown table."""
    groups: defaultdict[tuple[str, float], list[Answer]] = defaultdict(list)
    for one in answers:
        groups[one.case.kind.name, one.case.cycle_s].append(one)
    lines = [
        "| loop | cycle | cases | largest overshoot | longest settling / (5 x sum + ramp) | still moving | good |",
        "|---|---|---|---|---|---|---|",
    ]
    for (name, cycle_s), group in sorted(groups.items()):
        settling = max(one.settle_s / (5.0 * one.case.sum_s + one.ramp_s) for one in group)
        over, moving = (max(getattr(one, what) for one in group) for what in ("overshoot", "restless"))
        good = sum(one.good for one in group)
        lines.append(
            f"| {name} | {cycle_s * 1000:g} ms | {len(group)} | {over:.1%} | {settling:.2f} | {moving:.1%} | {good} |"
        )
    return "\n".join(lines)


def draw(answers: Sequence[Answer], path: Path) -> None:
    from matplotlib.figure import Figure  # noqa: PLC0415 - slow to import

    figure = Figure(figsize=(12, 4.2), layout="constrained")
    axes = figure.subplots(1, len(KINDS), sharey=True)
    for axis, kind in zip(axes, KINDS, strict=True):
        mine = [one for one in answers if one.case.kind.name == kind.name]
        for cycle_s in sorted({one.case.cycle_s for one in mine}):
            shown = [one for one in mine if one.case.cycle_s == cycle_s]
            axis.scatter(
                [one.case.sum_s for one in shown], [one.settle_s for one in shown], s=9, label=f"{cycle_s:g} s"
            )
        end_s = max(one.case.sum_s for one in mine)
        axis.plot([0.0, end_s], [0.0, 5.0 * end_s], color="tab:red", linewidth=0.8, label="5 x sum")
        worst = max(one.overshoot for one in mine)
        axis.set(title=f"{kind.name}: largest overshoot {worst:.1%}", xlabel="battery + delay + update + cycle, s")
        axis.legend(title="cycle", fontsize="small")
    axes[0].set_ylabel("settled within 5 % after, s")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    sys.exit(main())

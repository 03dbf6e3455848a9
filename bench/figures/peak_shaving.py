"""Share of the saving on demand charges that rules reach, of what perfect foresight reaches with the same battery.

Two months of each site, cold: nothing is known of it before. ``python -m bench.figures.peak_shaving`` shows all six
pairs of months of a year, and what an untuned rule reaches.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator
from datetime import datetime

from simems_edge.controllers.optimisation.peak_shaving import PeakShavingSettings

from bench.figure import Figure
from bench.shaving.foresight import least_peaks_w
from bench.shaving.rules import adapting, grid_course, untuned
from bench.shaving.sites import CASES, ZONE, Course, SiteCase, course, demands_w

GOAL = 0.6
MONTHS = (9, 10)
YEAR = 2026
Rule = Callable[[SiteCase], PeakShavingSettings]


def measure() -> list[Figure]:
    """One row a site, and the mean."""
    shares = {case.name: shares_of(case, pair(*MONTHS), [adapting])[0] for case in CASES}
    shares["mean of all"] = sum(shares.values()) / len(shares)
    return [
        Figure(f"Peak shaving, {name}: saving", share, "of it", "perfect foresight", 1.0, GOAL, at_most=False)
        for name, share in shares.items()
    ]


def pair(first: int, last: int) -> tuple[datetime, datetime]:
    """[first day, day after the last) of two months."""
    end = datetime(YEAR + last // 12, last % 12 + 1, 1, tzinfo=ZONE)
    return datetime(YEAR, first, 1, tzinfo=ZONE), end


def shares_of(case: SiteCase, span: tuple[datetime, datetime], rules: list[Rule]) -> list[float]:
    """Of the saving, for each rule."""
    found = course(case, *span)
    bare_w = sum(demands_w(found.site_w, found.months).values())
    best_w = sum(least_peaks_w(case, found).values())
    return [(bare_w - _with(case, rule, found)) / (bare_w - best_w) for rule in rules]


def _with(case: SiteCase, rule: Rule, found: Course) -> float:
    return sum(demands_w(grid_course(case, rule(case), found), found.months).values())


def _every_pair() -> Iterator[str]:
    yield f"{'site':28} {'months':7} {'adapt':>6} {'untuned':>8}"
    for case in CASES:
        for first in range(1, 12, 2):
            adapt, fixed = shares_of(case, pair(first, first + 1), [adapting, untuned])
            yield f"{case.name:28} {first:2}-{first + 1:2}   {adapt:6.2f} {fixed:8.2f}"


if __name__ == "__main__":
    for line in _every_pair():
        sys.stdout.write(line + "\n")
        sys.stdout.flush()

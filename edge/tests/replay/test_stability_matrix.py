"""The corners of the stability grid with the default tuning; `make stability-long` plays all of it."""

from __future__ import annotations

import pytest

from bench.stability import BAND, FACTOR, KINDS, PEAK, SELF, Case, Kind, answer, cases
from bench.stability_long import differing, summary

CORNERS = list(cases(KINDS, (0.0, 3.0), (0.1, 5.0), (-0.3, 0.3), (0.2, 5.0), (1.0,)))


@pytest.mark.parametrize("kind", KINDS, ids=[kind.name for kind in KINDS])
def test_corners_settle_without_overshoot_or_swinging(kind: Kind) -> None:
    wrong = [one for case in CORNERS if case.kind is kind and not (one := answer(case)).good]
    assert not wrong, summary(wrong)


@pytest.mark.parametrize(
    ("kind", "delay_s", "update_s", "error_s", "tau_s", "cycles_s"),
    [
        (PEAK, 1.0, 1.0, 0.3, 1.0, (0.01, 0.1, 1.0)),
        (SELF, 1.0, 1.0, 0.3, 1.0, (0.01, 0.1, 1.0)),
        (FACTOR, 1.0, 1.0, 0.3, 1.0, (0.01, 0.1, 1.0)),
        (FACTOR, 0.0, 2.0, 0.0, 5.0, (0.1, 1.0)),  # what was left of an approach set them 1.15 s apart
    ],
    ids=["peak", "self", "factor", "slow factor"],
)
def test_seconds_are_the_same_at_every_cycle_time(
    kind: Kind, delay_s: float, update_s: float, error_s: float, tau_s: float, cycles_s: tuple[float, ...]
) -> None:
    answers = [answer(Case(kind, delay_s, update_s, error_s, tau_s, cycle_s)) for cycle_s in cycles_s]
    assert all(one.good for one in answers), summary(answers)
    assert not differing(answers), [one.settle_s for one in answers]


def test_the_judge_sees_a_loop_that_swings() -> None:
    """A meter later than any loop allows for (10 s of 4): what is not promised must not look good."""
    late = answer(Case(SELF, 10.0, 0.1, 0.0, 5.0, 0.5))
    assert late.overshoot > BAND or late.restless > BAND or not late.settles

"""Sharing among cars: inside every limit, a minimum or nothing, evenly or by priority, nothing left that fits."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.controllers.optimisation.charging_share import NOMINAL_V, Limits, Wish, shares

ALL = (1, 2, 3)


def fuse(limit_a: float, power_w: float = float("inf")) -> Limits:
    return Limits(dict.fromkeys(ALL, limit_a), power_w)


def test_three_cars_on_one_fuse_get_a_third_each() -> None:
    wishes = [Wish(name, ALL, 32.0) for name in "abc"]
    assert shares(wishes, fuse(30.0), "fair") == {"a": 10.0, "b": 10.0, "c": 10.0}


def test_six_ampere_or_nothing() -> None:
    wishes = [Wish(name, ALL, 32.0) for name in "abc"]
    assert shares(wishes, fuse(16.0), "fair") == {"a": 8.0, "b": 8.0, "c": 0.0}
    assert shares(wishes, fuse(5.0), "fair") == {"a": 0.0, "b": 0.0, "c": 0.0}


def test_what_a_small_car_leaves_goes_to_the_others() -> None:
    wishes = [Wish("small", ALL, 8.0), Wish("a", ALL, 32.0), Wish("b", ALL, 32.0)]
    assert shares(wishes, fuse(32.0), "fair") == {"small": 8.0, "a": 12.0, "b": 12.0}


def test_priority_serves_in_order() -> None:
    wishes = [Wish("a", ALL, 16.0), Wish("b", ALL, 32.0), Wish("c", ALL, 32.0)]
    assert shares(wishes, fuse(40.0), "priority") == {"a": 16.0, "b": 24.0, "c": 0.0}


def test_single_phase_cars_fill_their_own_phases() -> None:
    """A 3-phase car stops where the busiest phase is full; the single-phase car on a free phase goes on."""
    wishes = [Wish("three", ALL, 32.0), Wish("one", (1,), 32.0), Wish("two", (2,), 32.0)]
    given = shares(wishes, Limits({1: 20.0, 2: 50.0, 3: 50.0}), "fair")
    assert given == pytest.approx({"three": 10.0, "one": 10.0, "two": 32.0})


def test_power_counts_phases() -> None:
    given = shares([Wish("three", ALL, 32.0), Wish("one", (1,), 32.0)], fuse(63.0, 10 * 4 * NOMINAL_V), "fair")
    assert given == pytest.approx({"three": 10.0, "one": 10.0})


def test_what_does_not_obey_is_taken_first() -> None:
    stuck = {"x": Wish("x", ALL, 20.0)}
    assert shares([Wish("a", ALL, 32.0)], fuse(32.0), "fair", stuck) == {"a": 12.0}
    assert shares([Wish("a", ALL, 32.0)], fuse(25.0), "fair", stuck) == {"a": 0.0}


_WISHES = st.lists(
    st.tuples(st.sampled_from([ALL, (2, 3, 1), (1,), (2,), (3,), (1, 2)]), st.floats(0.0, 80.0), st.floats(0.0, 13.0)),
    max_size=12,
)


@given(
    rows=_WISHES,
    phase_a=st.tuples(*[st.floats(0.0, 200.0)] * 3),
    power_w=st.floats(0.0, 200_000.0),
    mode=st.sampled_from(["fair", "priority"]),
)
def test_every_limit_holds_and_nothing_is_wasted(rows: Any, phase_a: Any, power_w: float, mode: Any) -> None:
    wishes = [Wish(str(n), phases, most, least) for n, (phases, most, least) in enumerate(rows)]
    limits = Limits(dict(zip(ALL, phase_a, strict=True)), power_w)
    given_a = shares(wishes, limits, mode)
    for one in wishes:
        assert given_a[one.name] == 0.0 or one.least_a - 1e-6 <= given_a[one.name] <= one.most_a + 1e-6
    used = {phase: sum(given_a[one.name] for one in wishes if phase in one.phases) for phase in ALL}
    assert all(used[phase] <= limits.phase_a[phase] + 1e-6 for phase in ALL)
    used_w = sum(given_a[one.name] * NOMINAL_V * len(one.phases) for one in wishes)
    assert used_w <= power_w + 1e-3
    for one in wishes:  # whoever has something and could have more is stopped by a full limit
        if 0.0 < given_a[one.name] < one.most_a - 1e-6:
            full = any(limits.phase_a[phase] - used[phase] < 1e-5 for phase in one.phases)
            assert full or power_w - used_w < 1e-2 * len(wishes)

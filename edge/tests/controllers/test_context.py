"""What a controller sees and says in one turn."""

from __future__ import annotations

from math import nan

import pytest
from simems_core import BAD, Channel, CoreError, ProcessImage
from simems_edge.contracts import Context

S = 1_000_000_000


class Bench:
    """An image of meter, battery and one own channel, latched by hand."""

    def __init__(self) -> None:
        rows = [Channel("grid0/active_power_w", stale_after_s=2.0), Channel("ess0/active_power_w", stale_after_s=2.0)]
        self.image = ProcessImage([*rows, Channel("peak0/site_power_w")])
        self.grid, self.ess, self.own = range(3)
        self.context = Context({self.ess: 0}, {"site_power_w": self.own}, self.image.publish)

    def at(self, second: float, **values: float) -> Context:
        for name, value in values.items():
            self.image.publish(getattr(self, name), value, round(second * S))
        self.context.begin(self.image.latch(round(second * S)), 1.0)
        return self.context


def test_a_sample_is_new_once() -> None:
    bench = Bench()
    assert bench.at(0, grid=5.0).new_sample(bench.grid) == 5.0
    assert bench.at(1).new_sample(bench.grid) is None
    assert bench.at(2, grid=5.0).new_sample(bench.grid) == 5.0, "the same value again is a sample"


def test_stale_bad_and_unknown_are_none() -> None:
    bench = Bench()
    context = bench.at(0)
    assert context.value(bench.grid) is None
    assert context.stale(bench.grid)
    assert bench.at(1, grid=5.0).value(bench.grid) == 5.0
    assert bench.at(3.5).value(bench.grid) is None
    bench.image.publish(bench.grid, 7.0, 4 * S, BAD)
    assert bench.at(4).value(bench.grid) is None


def test_matched_takes_the_value_at_the_meters_own_time() -> None:
    """Battery 0 W at 0 s, 1000 W at 1 s; the meter's sample is of 0.25 s."""
    bench = Bench()
    bench.at(0, ess=0.0)
    bench.image.publish(bench.grid, 9.0, S // 4)
    context = bench.at(1, ess=1000.0)
    assert context.matched(bench.ess, at=bench.grid) == pytest.approx(250.0)
    assert context.matched(bench.ess, at=bench.grid, earlier_s=0.05) == pytest.approx(200.0)
    assert context.value(bench.ess) == 1000.0


def test_neither_proposing_nor_keeping_withdraws() -> None:
    bench = Bench()
    context = bench.at(0)
    context.propose(bench.ess, preferred=5.0)
    assert context.take() == [(0, 5.0, None, None, None)]
    context = bench.at(1)
    context.keep()
    assert context.take() == [(0, 5.0, None, None, None)]
    assert bench.at(2).take() == []
    context = bench.at(3)
    context.keep()
    assert context.take() == [], "what was withdrawn cannot be kept"


def test_proposals_that_cannot_be_meant_are_refused() -> None:
    bench = Bench()
    context = bench.at(0)
    with pytest.raises(CoreError, match="NaN"):
        context.propose(bench.ess, preferred=nan)
    with pytest.raises(CoreError, match="no actuator"):
        context.propose(bench.grid, preferred=1.0)


def test_own_channels_are_seen_from_the_next_cycle_on() -> None:
    bench = Bench()
    context = bench.at(1)
    context.publish("site_power_w", 42.0)
    assert context.value(bench.own) is None
    assert bench.at(2).value(bench.own) == 42.0
    with pytest.raises(KeyError):
        context.publish("unknown", 1.0)

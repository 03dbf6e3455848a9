"""A small site: one meter, one battery, a stop."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from math import inf

import pytest
from simems_core import GRID, MANUAL, OPTIMISATION, Actuator, Channel, Clock, Cycle, Guard, ProcessImage, Source

ESS = "ess0/active_power_w"
MakeCycle = Callable[..., Cycle]


@pytest.fixture
def small_image() -> ProcessImage:
    channels = [
        Channel("grid0/active_power_w", unit="W"),
        Channel(ESS, unit="W", access="write"),
        Channel("ess0/soc_pct", unit="%", minimum=0.0, maximum=100.0),
        Channel("site/estop", kind="bool"),
        Channel(f"{ESS}_setpoint", unit="W", stale_after_s=inf),
        Channel(f"{ESS}_reason", kind="enum", stale_after_s=inf),
        Channel("cycle/count", stale_after_s=inf),
    ]
    return ProcessImage(channels)


@pytest.fixture
def make_cycle(small_image: ProcessImage) -> Iterator[MakeCycle]:
    made: list[Cycle] = []

    def make(clock: Clock, *, period_s: float = 0.1, guards: list[Guard] | None = None) -> Cycle:
        cycle = Cycle(
            small_image,
            period_s=period_s,
            sources=[Source("self0", OPTIMISATION), Source("operator", MANUAL), Source("droop0", GRID)],
            actuators=[Actuator(ESS, minimum=-5000.0, maximum=5000.0)],
            guards=guards or [],
            clock=clock,
        )
        made.append(cycle)
        return cycle

    yield make
    for cycle in made:
        cycle.stop()

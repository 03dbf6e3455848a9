"""Dimming in the virtual plant: a car, a heat pump, a control box and a receiver that falls silent."""

from __future__ import annotations

from pathlib import Path

from simems_core.wire import Event
from simems_edge.cli.site_file import checked_site
from simems_edge.replay import load_scenario
from simems_edge.replay.closed_loop import ClosedLoop

FOLDER = Path(__file__).parents[3] / "docs" / "grid-codes"
LEAST_W = 10_500.0
"""Three devices: 4.2 + 2 x 0.75 x 4.2 kW."""
CAR_S = 5.0
"""A car takes so long to follow its charger (IEC 61851-1)."""


def test_the_shipped_example_obeys_and_puts_it_on_record() -> None:
    loop = ClosedLoop(checked_site(FOLDER / "site.yaml"), load_scenario(FOLDER / "scenario.yaml"))
    events: list[Event] = []
    loop.runtime.on_event = events.append
    drawn_w: dict[float, float] = {}
    for step in loop.steps():
        truth = step.truth
        drawn_w[step.time_s] = (
            truth["evcs0/active_power_w"] + truth["hp0/active_power_w"] - truth["ess0/active_power_w"]
        )
    assert drawn_w[110.0] > 20_000.0, "the car charges with all that its charger gives"
    told = [drawn_w[float(second)] for second in range(round(120 + CAR_S), 240)]
    assert max(told) <= LEAST_W + 50.0, "5 kW were told; the law leaves 10.5 kW"
    assert min(told) >= LEAST_W - 200.0, "and that is used"
    assert drawn_w[300.0] > 20_000.0, "released"
    lost = [drawn_w[float(second)] for second in range(round(360 + 2 + 30 + CAR_S + 2), 500)]
    assert max(lost) <= LEAST_W + 50.0, "2 s until the contact is stale, 30 s until that counts as asked"
    assert drawn_w[560.0] > 20_000.0
    codes = [event.code for event in events if event.code.startswith("dimming")]
    assert codes == [f"dimming.{what}" for what in ("received", "obeyed", "released") * 2]

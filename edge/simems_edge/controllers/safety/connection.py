"""Grid connection: charging and discharging end a margin before the connection's limits, so that its guard rests.

It only takes room away and never drives the battery: what must be driven is the guard's.
"""

from __future__ import annotations

from math import isfinite
from typing import Annotated

from pydantic import Field

from simems_edge.config.quantities import Percent
from simems_edge.contracts import (
    Binding,
    Context,
    Controller,
    EssHandles,
    EssRef,
    Input,
    MeterHandles,
    MeterRef,
    Metric,
    Output,
    Priority,
    Spec,
)
from simems_edge.controllers.closed_loop import LoopSettings, MeterLoop, ramped


class GridConnectionSettings(LoopSettings):
    grid: MeterRef
    ess: EssRef
    margin_pct: Annotated[Percent, Field(gt=0, le=50)] = 5.0
    """Room kept below the site's import and export limits, in percent of each."""


def soft_bounds_w(site_w: float, import_w: float, export_w: float) -> tuple[float, float]:
    """Lowest and highest battery power (discharge > 0) that keep ``site_w - battery`` inside -export..import; both
    hold 0, so that nothing is driven."""
    return min(site_w - import_w, 0.0), max(site_w + export_w, 0.0)


class GridConnection(Controller):
    Settings = GridConnectionSettings
    settings: GridConnectionSettings
    spec = Spec(
        type="grid_connection",
        owner="edge/simems_edge/controllers",
        priority=Priority.SAFETY,
        control_mode="SAFETY",
        safety_impact="Only takes power away, before the connection's guard has to. Failing leaves the guard alone.",
        fallback="Without valid meter and battery readings it withdraws; the connection's guard then holds 0 W.",
        inputs=(
            Input("grid", "active_power_w", "withdraws; the guard of an unseen connection holds 0 W"),
            Input("ess", "active_power_w", "withdraws"),
            Input("ess", "active_power_w_setpoint", "the measured battery power counts as its setpoint"),
            Input("ess", "soc_pct", "not needed"),
        ),
        outputs=(Output("ess", "active_power_w", ("lower", "upper")),),
        metrics=(
            Metric("charge_room_w", "W", "Charge power that the margin leaves", resolution=10.0),
            Metric("discharge_room_w", "W", "Discharge power that the margin leaves", resolution=10.0),
        ),
        acceptance=(
            "With constant load the grid settles at its limit less the margin, when charging would pass it.",
            "The bounds always hold 0: it never drives the battery.",
        ),
        test_plan=("edge/tests/controllers/safety/test_connection.py",),
    )

    def __init__(self, controller_id: str, settings: GridConnectionSettings) -> None:
        super().__init__(controller_id, settings)
        self._bounds: tuple[float, float] | None = None

    def bind(self, binding: Binding) -> None:
        self._ess = EssHandles.of(self.settings.ess, binding)
        self._loop = MeterLoop(self.settings, MeterHandles.of(self.settings.grid, binding), self._ess)

    def execute(self, ctx: Context) -> None:
        inputs = self._loop.read(ctx)
        if inputs is None:
            self._bounds = None
            return
        kept = 1.0 - self.settings.margin_pct / 100.0
        wanted = soft_bounds_w(inputs.site_w, kept * self.site.import_limit_w, kept * self.site.export_limit_w)
        # Where the battery stands is inside the first bounds, so that taking over moves nothing at once.
        start = (min(wanted[0], inputs.setpoint_w), max(wanted[1], inputs.setpoint_w))
        before, step_w = self._bounds or start, self.settings.ramp_w_per_s * ctx.dt_s
        lower_w, upper_w = ramped(before[0], wanted[0], step_w), ramped(before[1], wanted[1], step_w)
        self._bounds = (lower_w, upper_w)
        # A connection without a limit has bounds at infinity: they say nothing.
        if isfinite(lower_w) or isfinite(upper_w):
            lower, upper = (bound if isfinite(bound) else None for bound in self._bounds)
            ctx.propose(self._ess.active_power_w, lower=lower, upper=upper)
        ctx.publish("charge_room_w", -lower_w if isfinite(lower_w) else 0.0)
        ctx.publish("discharge_room_w", upper_w if isfinite(upper_w) else 0.0)

"""Follow a schedule: its modes, grid limits and corridors, held in real time between the planner's numbers.

The slot in force stands in channels (``site/schedule_...``, ``<battery>/schedule_...``) that the runtime writes.
Without one, the fallback of the site file holds: it is as declared as the schedule itself.
"""

from __future__ import annotations

from math import inf

from simems_edge.config.quantities import NonNegativePowerW, Percent
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
from simems_edge.contracts.schedule_channels import FOLLOWING, MODE, MODE_OF, MODES, STATE, STATES, Mode
from simems_edge.controllers.closed_loop import LoopInputs, LoopSettings, MeterLoop, Resting, ramped
from simems_edge.controllers.optimisation.slot_following import (
    Corridor,
    Means,
    SlotOrder,
    grid_bounds,
    next_corridor,
    order_power_w,
)

UNKNOWN = STATES.index("missing")


class FollowScheduleSettings(LoopSettings):
    grid: MeterRef
    ess: EssRef
    fallback_mode: Mode = "IDLE"
    """What holds while no slot is in force: none loaded, before, between or after its slots, the clock not set."""
    fallback_grid_limit_w: NonNegativePowerW | None = None
    """Grid import is held at or below this then; None: no limit but the connection's guard."""
    fallback_soc_min_pct: Percent = 20.0
    """Not discharged below this then, but for the limit."""
    soc_band_pct: Percent = 1.0
    """A direction opens this far inside the corridor, and a refill begins this far below it."""
    start_w: NonNegativePowerW = 500.0
    """In SELF_CONSUMPTION a power smaller than this does not start the battery."""
    stop_w: NonNegativePowerW = 200.0
    """In SELF_CONSUMPTION a power smaller than this stops it."""


class FollowSchedule(Controller):
    Settings = FollowScheduleSettings
    settings: FollowScheduleSettings
    spec = Spec(
        type="follow_schedule",
        owner="edge/simems_edge/controllers",
        priority=Priority.OPTIMISATION,
        control_mode="SCHEDULE",
        safety_impact="It moves only battery power, inside every guard. A wrong schedule costs money, and wear.",
        fallback="Without a slot in force the site file's fallback_mode; without valid meter and battery readings it "
        "withdraws at once and the battery goes to 0 W.",
        inputs=(
            Input("grid", "active_power_w", "withdraws at once"),
            Input("ess", "active_power_w", "withdraws at once"),
            Input("ess", "active_power_w_setpoint", "the measured battery power counts as its setpoint"),
            Input("ess", "soc_pct", "neither charges nor discharges but for the grid limits"),
            Input("ess", "max_charge_power_w", "counts as 0"),
            Input("ess", "max_discharge_power_w", "counts as 0"),
            Input("site", "schedule_state", "the fallback holds"),
            Input("site", "schedule_mode", "the fallback holds"),
            Input("site", "schedule_grid_limit_w", "no limit of the schedule"),
            Input("site", "schedule_export_limit_w", "no limit of the schedule"),
            Input("ess", "schedule_power_w", "no advice"),
            Input("ess", "schedule_soc_min_pct", "0 %"),
            Input("ess", "schedule_soc_max_pct", "100 %"),
        ),
        outputs=(Output("ess", "active_power_w", ("preferred", "lower", "upper")),),
        metrics=(
            Metric("site_power_w", "W", "What the grid would give if the battery stood still", resolution=10.0),
            Metric(
                "following", "", "Is a slot in force, and if not, why", labels=STATES,
                refusals=tuple(STATES.index(why) for why in ("missing", "ended", "clock_unknown", "invalid")),
            ),
            Metric("mode", "", "Mode of the slot, or of the fallback", labels=MODES),
        ),
        acceptance=(
            "The grid stays inside the slot's limits while the battery can; advice never breaks them.",
            "A slot ends at its end: with a clock that is set, one cycle after it at the latest.",
            "No schedule, one that ended, or an unknown clock: the declared fallback, and an alarm.",
            "From mode to mode the setpoint moves by no more than the ramp.",
        ),
        test_plan=(
            "edge/tests/controllers/optimisation/test_follow_schedule.py",
            "edge/tests/schedule/test_schedule.py",
        ),
    )  # fmt: skip

    def __init__(self, controller_id: str, settings: FollowScheduleSettings) -> None:
        super().__init__(controller_id, settings)
        self._corridor = Corridor()
        self._direction = 0
        self._order: SlotOrder | None = None
        self._wanted = Resting.of(settings)

    def bind(self, binding: Binding) -> None:
        ess = self.settings.ess
        self._ess = EssHandles.of(ess, binding)
        self._loop = MeterLoop(self.settings, MeterHandles.of(self.settings.grid, binding), self._ess)
        self._means = (binding.read(ess, "max_charge_power_w"), binding.read(ess, "max_discharge_power_w"))
        self._state, self._mode = binding.channel(STATE), binding.channel(MODE)
        self._limits = tuple(binding.channel(f"site/schedule_{end}_limit_w") for end in ("grid", "export"))
        self._advice = binding.read(ess, "schedule_power_w")
        self._socs = tuple(binding.read(ess, f"schedule_soc_{end}_pct") for end in ("min", "max"))

    def execute(self, ctx: Context) -> None:
        inputs = self._loop.read(ctx)
        if inputs is None:
            self._direction = 0
            self._wanted.reset()
            return
        order = self._read_order(ctx)
        if inputs.fresh or self._wanted.value is None or order != self._order:
            self._order = order
            self._decide(ctx, order, inputs)
        self._propose(ctx, order, inputs)

    def _read_order(self, ctx: Context) -> SlotOrder:
        """Of the slot in force, else the fallback's."""
        state, code = ctx.value(self._state), ctx.value(self._mode)
        ctx.publish("following", UNKNOWN if state is None else state)
        mode = MODE_OF.get(round(code)) if state == FOLLOWING and code is not None else None
        order = self._fallback() if mode is None else self._slot_order(ctx, mode)
        ctx.publish("mode", MODES.index(order.mode))
        return order

    def _fallback(self) -> SlotOrder:
        limit_w = self.settings.fallback_grid_limit_w
        return SlotOrder(
            mode=self.settings.fallback_mode,
            grid_limit_w=inf if limit_w is None else limit_w,
            soc_min_pct=self.settings.fallback_soc_min_pct,
        )

    def _slot_order(self, ctx: Context, mode: Mode) -> SlotOrder:
        grid_w, export_w = (ctx.value(handle) for handle in self._limits)
        low, high = (ctx.value(handle) for handle in self._socs)
        return SlotOrder(
            mode=mode,
            grid_limit_w=inf if grid_w is None else grid_w,
            export_limit_w=inf if export_w is None else export_w,
            soc_min_pct=0.0 if low is None else low,
            soc_max_pct=100.0 if high is None else high,
            power_w=ctx.value(self._advice),
        )

    def _decide(self, ctx: Context, order: SlotOrder, inputs: LoopInputs) -> None:
        settings = self.settings
        self._corridor = next_corridor(self._corridor, order, ctx.value(self._ess.soc_pct), settings.soc_band_pct)
        self._direction = _direction(self._direction, inputs.site_w, settings.start_w, settings.stop_w)
        charge_w, discharge_w = (max(ctx.value(handle) or 0.0, 0.0) for handle in self._means)
        means = Means(charge_w, discharge_w)
        wanted_w = order_power_w(order, self._corridor, inputs.site_w, self._direction, means)
        if wanted_w == 0.0:
            self._wanted.stand(0.0)
        else:
            self._wanted.follow(wanted_w, ctx.time_ns)
        ctx.publish("site_power_w", inputs.site_w)

    def _propose(self, ctx: Context, order: SlotOrder, inputs: LoopInputs) -> None:
        if self._wanted.value is None:
            return
        preferred_w = ramped(inputs.setpoint_w, self._wanted.value, self.settings.ramp_w_per_s * ctx.dt_s)
        lowest_w, highest_w = grid_bounds(order, inputs.site_w)
        ctx.propose(
            self._ess.active_power_w,
            preferred=preferred_w,
            lower=min(lowest_w, 0.0) if lowest_w > -inf else None,
            upper=max(highest_w, 0.0) if highest_w < inf else None,
        )


def _direction(direction: int, site_w: float, start_w: float, stop_w: float) -> int:
    if direction and site_w * direction >= stop_w:
        return direction
    if abs(site_w) < max(start_w, stop_w):
        return 0
    return 1 if site_w > 0.0 else -1

"""Runs the island sequence on live inputs: reads contacts, grid and bus, and asks devices for what its step says."""

from __future__ import annotations

from simems_edge.contracts import Binding, Context, Controller, Input, Metric, Output, Priority, Spec
from simems_edge.controllers.closed_loop import ramped
from simems_edge.controllers.island.inputs import Inputs
from simems_edge.controllers.island.sequence import (
    ALIVE,
    ORDERS,
    Failure,
    Position,
    Step,
    advance,
    connected,
    resumed,
)
from simems_edge.controllers.island.settings import IslandSettings

ARMED, BLOCKED, BLIND = 0, 1, 2
TRIM_PCT = 20.0
"""Largest correction of the frequency, in percent of the battery's limit."""
FAILURES = tuple(failure.name.lower().replace("_", " ") for failure in Failure)
STEPS = tuple(step.name.lower().replace("_", " ") for step in Step)


class IslandController(Controller):
    Settings = IslandSettings
    settings: IslandSettings
    spec = Spec(
        type="island",
        owner="edge/simems_edge/controllers",
        priority=Priority.SAFETY,
        control_mode="ISLAND",
        safety_impact="It only asks: switch, sync-check and bond are certified. Failing leaves them as they are.",
        fallback="Dead: switch and mode stay as the devices show, loads fall to their relays' safe state.",
        inputs=(
            Input("grid", "voltage_v_l1", "neither lost nor good: nothing begins, nothing returns"),
            Input("grid", "voltage_v_l2", "as of the first phase"),
            Input("grid", "voltage_v_l3", "as of the first phase"),
            Input("grid", "frequency_hz", "the voltages alone tell a loss; nothing returns"),
            Input("switch", "closed", "nothing is asked on its word; open and close are never taken for done"),
            Input("ess", "grid_forming", "not taken for formed, nor for ended"),
            Input("ess", "frequency_hz", "not taken for formed; no correction of the frequency", optional=True),
            Input("ess", "active_power_w", "no room for loads; the setpoint stays"),
            Input("ess", "active_power_w_setpoint", "the ramp begins at 0"),
            Input("ess", "max_discharge_power_w", "no room for loads"),
            Input("ess", "soc_pct", "no room for loads"),
            Input("bond", "state", "not taken for bonded, nor for open"),
            Input("evcs", "active_power_w", "not at rest: the step runs into its time-out"),
            Input("pv", "active_power_w", "not at rest: the step runs into its time-out"),
            Input("ess", "operating_mode", "only asked for"),
            Input("loads", "state", "only asked for"),
            Input("evcs", "current_limit_a", "only its setpoint is needed"),
            Input("evcs", "current_limit_a_setpoint", "its largest value so far counts as its rating"),
            Input("pv", "active_power_limit_w", "only its setpoint is needed"),
            Input("pv", "active_power_limit_w_setpoint", "its largest value so far counts as its rating"),
            Input("site", "island_blocked", "counts as blocked: no sequence begins"),
        ),
        outputs=(
            Output("switch", "closed"),
            Output("ess", "operating_mode"),
            Output("ess", "active_power_w"),
            Output("bond", "state"),
            Output("loads", "state"),
            Output("evcs", "current_limit_a", ("upper",)),
            Output("pv", "active_power_limit_w", ("upper",)),
        ),
        metrics=(
            Metric("step", "", "Where the sequence is", labels=STEPS),
            Metric("failure", "", "What did not happen in time", labels=FAILURES),
            Metric("connected_groups", "", "Groups of loads that are connected"),
            Metric("release_pct", "%", "Of solar power: how far it is released", resolution=0.1),
            Metric(
                "arming",
                "",
                "Whether a sequence may begin",
                labels=("armed", "a fault of an earlier sequence waits for its clear", "grid or switch not known"),
                refusals=(BLOCKED, BLIND),
            ),
        ),
        acceptance=(
            "No step is taken on an order: only the contact, the bond and the battery's own word end one.",
            "Each step that is not confirmed in its time ends in its abort and a latched fault.",
            "The switch is asked to close only onto a grid that was inside the return window for its time.",
            "Loads come back one after the other while there is room, and go in the opposite order.",
        ),
        test_plan=(
            "edge/tests/controllers/island/test_sequence.py",
            "edge/tests/controllers/island/test_island.py",
        ),
    )

    def __init__(self, controller_id: str, settings: IslandSettings) -> None:
        super().__init__(controller_id, settings)
        self._position: Position | None = None
        self._trim_w = 0.0
        self._pv_share = self._evcs_share = 1.0
        self._told: Failure = Failure.NONE
        self._told_s = 0.0

    def bind(self, binding: Binding) -> None:
        settings = self.settings
        self._inputs = Inputs(settings, binding)
        self._switch = binding.actuator(settings.switch, "closed")
        self._mode = binding.actuator(settings.ess, "operating_mode")
        self._power = binding.actuator(settings.ess, "active_power_w")
        self._bond = None if settings.bond is None else binding.actuator(settings.bond, "state")
        self._loads = [binding.actuator(relay, "state") for relay in settings.loads]
        self._evcs = [binding.actuator(one, "current_limit_a") for one in settings.evcs]
        self._pv = [binding.actuator(one, "active_power_limit_w") for one in settings.pv]

    def execute(self, ctx: Context) -> None:
        seen = self._inputs.read(ctx, self._position)
        groups = len(self._loads)
        if self._position is None:
            # Until the switch has been read nothing is asked of anybody.
            self._position = None if seen.closed is None else resumed(seen, groups)
        if self._position is not None:
            self._position = advance(self._position, seen, groups, ctx.dt_s, self.settings)
            self._ask(ctx, self._position)
            self._carry(ctx, self._position)
            self._tell(ctx, self._position)
        known = seen.closed is not None and seen.grid_lost is not None
        ctx.publish("arming", BLOCKED if seen.blocked else ARMED if known else BLIND)

    def _ask(self, ctx: Context, position: Position) -> None:
        orders = ORDERS[position.step]
        if orders.closed is not None:
            ctx.propose(self._switch, preferred=float(orders.closed))
        mode = self.settings.forming_mode if orders.form else self.settings.following_mode
        ctx.propose(self._mode, preferred=float(mode))
        if self._bond is not None:
            ctx.propose(self._bond, preferred=float(orders.bond))
        count = connected(position, len(self._loads))
        for number, relay in enumerate(self._loads):
            ctx.propose(relay, preferred=float(number < count))
        self._pv_share = self._released(ctx, position, self._pv_share, wanted=orders.pv)
        self._evcs_share = self._released(ctx, position, self._evcs_share, wanted=orders.evcs)
        for limits, share in ((self._pv, self._pv_share), (self._evcs, self._evcs_share)):
            for limit in limits if share < 1.0 else ():
                ctx.propose(limit, upper=share * self._inputs.rating(ctx, limit))

    def _released(self, ctx: Context, position: Position, share: float, *, wanted: bool) -> float:
        """0 to 1: held at once, released in a straight line."""
        if not wanted:
            return 0.0
        if position.step == Step.ON_GRID:
            return 1.0
        return min(share + ctx.dt_s / self.settings.ramp_back_s, 1.0)

    def _carry(self, ctx: Context, position: Position) -> None:
        """The setpoint follows the load, so that the island's frequency stands at its target; afterwards back to 0."""
        standing_w = self._inputs.setpoint_w(ctx)
        if position.step in ALIVE or position.step == Step.FORMING:
            power_w, limit_w = self._inputs.power_w(ctx), self._inputs.limit_w(ctx)
            if power_w is not None and limit_w is not None:
                self._correct(ctx, position, limit_w)
                ctx.propose(self._power, preferred=power_w + self._trim_w)
            else:
                ctx.propose(self._power, preferred=standing_w)
            return
        self._trim_w = 0.0
        if position.step == Step.RETURNING:
            ctx.propose(self._power, preferred=standing_w)
        elif position.step == Step.RAMPING and standing_w != 0.0:
            limit_w = self._inputs.limit_w(ctx) or 0.0
            step_w = limit_w / self.settings.ramp_back_s * ctx.dt_s
            ctx.propose(self._power, preferred=ramped(standing_w, 0.0, step_w))

    def _correct(self, ctx: Context, position: Position, limit_w: float) -> None:
        error_hz = self._inputs.error_hz(ctx, synchronising=position.step == Step.SYNCHRONISING)
        if error_hz is None:
            return
        gain = self.settings.frequency_gain_pct_per_hz_s / 100.0 * limit_w
        most_w = TRIM_PCT / 100.0 * limit_w
        self._trim_w = min(max(self._trim_w + gain * error_hz * ctx.dt_s, -most_w), most_w)

    def _tell(self, ctx: Context, position: Position) -> None:
        """A failure is shown for a second, so that its fault is raised; it latches there, not here."""
        if position.failure != Failure.NONE:
            self._told, self._told_s = position.failure, 0.0
        elif self._told != Failure.NONE:
            self._told_s += ctx.dt_s
            if self._told_s >= 1.0:
                self._told = Failure.NONE
        ctx.publish("step", position.step)
        ctx.publish("failure", self._told)
        ctx.publish("connected_groups", connected(position, len(self._loads)))
        ctx.publish("release_pct", 100.0 * self._pv_share)

"""Fast frequency reserve: the whole sold power in about a second once the frequency falls to the activation level.

Frequency only starts it; from there it runs by time to its end, whatever the meter does. See ``ffr_sequence`` for the
course and its source. Not certified: prequalification is the grid operator's.
"""

from __future__ import annotations

from simems_edge.contracts import Binding, Context, Controller, Input, Metric, Output, Priority, Spec
from simems_edge.controllers.grid.ffr_sequence import FfrState, Phase, activated, advanced
from simems_edge.controllers.grid.ffr_settings import FfrSettings
from simems_edge.controllers.grid.frequency_input import (
    ARMING_METRIC,
    FREQUENCY_INPUT,
    Arming,
    FrequencyInput,
    FrequencySample,
)

_NS = 1e-9
_REACHED = 0.95


class FastFrequencyReserve(Controller):
    Settings = FfrSettings
    settings: FfrSettings
    spec = Spec(
        type="fast_frequency_reserve",
        owner="edge/simems_edge/controllers/grid",
        priority=Priority.GRID,
        control_mode="DROOP",
        safety_impact="It adds to a battery's power, inside every guard. Failing withholds sold support (penalty).",
        fallback="Without a valid frequency it is not armed. An activation that runs goes on to its end. After a "
        "restart in the middle the support has ended and the buffer time begins.",
        inputs=(
            FREQUENCY_INPUT,
            Input("ess", "active_power_w", "the response time is not measured"),
            Input("ess", "soc_pct", "not armed"),
            Input("ess", "max_discharge_power_w", "not armed"),
        ),
        outputs=(Output("ess", "active_power_w", ("offset", "reserve_up")),),
        metrics=(
            ARMING_METRIC,
            Metric(
                "phase",
                "",
                "Where the activation stands",
                labels=("ready", "activating", "supporting", "deactivating", "buffer", "recovering"),
                retained=True,
            ),
            Metric("offset_w", "W", "Power that is added to the battery's", resolution=1.0),
            Metric("response_s", "s", "From the sample that activated to 95 % of the power, as measured", 0.001),
            Metric("owed_wh", "Wh", "Energy given and not yet taken back", resolution=0.1),
        ),
        acceptance=(
            "The whole power is asked for in the first cycle after the sample at or below the activation level.",
            "It stands for support_s after full_activation_s, ends at no more than 20 %/s, and is ready within 15 min.",
            "It does not arm on a meter coarser than 10 mHz or slower than 0.1 s, or without charge and power for it.",
        ),
        test_plan=("edge/tests/controllers/grid/test_fast_frequency_reserve.py",),
    )

    def __init__(self, controller_id: str, settings: FfrSettings) -> None:
        super().__init__(controller_id, settings)
        self._state: FfrState | None = None
        self._began: tuple[int, float] | None = None
        """Sample's time and battery power at the activation, until the response is measured."""

    def bind(self, binding: Binding) -> None:
        ess = self.settings.ess
        self._frequency = FrequencyInput(self.settings, binding)
        self._ess_w = binding.actuator(ess, "active_power_w")
        self._soc_pct = binding.read(ess, "soc_pct")
        self._most_w = binding.read(ess, "max_discharge_power_w")
        self._retained = binding.own("phase")

    def execute(self, ctx: Context) -> None:
        sample, arming = self._frequency.read(ctx)
        if arming is Arming.ARMED:
            arming = self._arming(ctx)
        state = self._advance(ctx, sample, arming)
        self._measure(ctx)
        if arming is Arming.ARMED or state.phase is not Phase.READY:
            ctx.propose(self._ess_w, offset=state.power_w, reserve_up=self.settings.capacity_w)
        ctx.publish("arming", float(arming))
        ctx.publish("phase", float(state.phase))
        ctx.publish("offset_w", state.power_w)
        ctx.publish("owed_wh", state.owed_wh)

    def _arming(self, ctx: Context) -> Arming:
        soc_pct, most_w = ctx.value(self._soc_pct), ctx.value(self._most_w)
        if soc_pct is None or soc_pct <= self.settings.minimum_soc_pct:
            return Arming.LOW_SOC
        return Arming.LOW_POWER if most_w is None or most_w < self.settings.capacity_w else Arming.ARMED

    def _advance(self, ctx: Context, sample: FrequencySample | None, arming: Arming) -> FfrState:
        hz = None if sample is None else sample.hz
        if self._state is None:
            known = ctx.value(self._retained)
            self._state = FfrState(Phase.READY if not known else Phase.BUFFER)
        low = hz is not None and hz <= self.settings.activation_hz
        before = advanced(self._state, ctx.dt_s, self.settings, low=low)
        self._state = activated(before, hz, self.settings) if arming is Arming.ARMED else before
        if before.phase is Phase.READY and self._state.phase is Phase.ACTIVATING and sample is not None:
            standing_w = ctx.value(self._ess_w)
            self._began = None if standing_w is None else (sample.time_ns, standing_w)
        return self._state

    def _measure(self, ctx: Context) -> None:
        """The battery's own reading says when the power stands."""
        power_w = ctx.value(self._ess_w)
        if self._began is None or power_w is None:
            return
        time_ns, standing_w = self._began
        if power_w - standing_w >= _REACHED * self.settings.capacity_w:
            ctx.publish("response_s", (ctx.sample_time_ns(self._ess_w) - time_ns) * _NS)
            self._began = None

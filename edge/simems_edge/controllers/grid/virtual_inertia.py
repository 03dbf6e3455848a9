"""Virtual inertia: a battery answers the rate of change of frequency like a rotating mass, and takes back what it gave.

`dP = -2 H Sn / fn * df/dt` (swing equation; Kundur, *Power System Stability and Control*, 1994, 3.9), with df/dt from
the core's least-squares estimate, filtered, with a deadband. When the frequency stands still and is near nominal again,
the energy given or taken flows back slowly, so that support costs no charge. Not certified.
"""

from __future__ import annotations

from typing import Annotated, ClassVar

from pydantic import Field
from simems_core import Rocof

from simems_edge.config.quantities import (
    FrequencyBandHz,
    NonNegativePowerW,
    NonNegativeSeconds,
    NonNegativeSlopeHzPerS,
    PositivePowerW,
    PositiveSeconds,
)
from simems_edge.contracts import Binding, Context, Controller, EssRef, Input, Metric, Output, Priority, Spec
from simems_edge.controllers.grid.frequency_input import (
    ARMING_METRIC,
    FREQUENCY_INPUT,
    FrequencyInput,
    FrequencySample,
)
from simems_edge.controllers.grid.soc_window import SocWindow, SocWindowSettings, next_window

_WS_PER_WH = 3600.0
_DONE_WH = 1e-3


class VirtualInertiaSettings(SocWindowSettings):
    controller_type: ClassVar[str] = "virtual_inertia"
    ess: EssRef
    reference_w: PositivePowerW
    """Power that the inertia constant refers to, the battery's rated power."""
    inertia_s: Annotated[PositiveSeconds, Field(le=30)] = 5.0
    """Inertia constant H: kinetic energy over rated power (thermal plants 2 to 9 s)."""
    maximum_w: NonNegativePowerW | None = None
    """Largest answer in each direction. None: the reference power."""
    reserve_w: NonNegativePowerW = 0.0
    """Headroom in both directions that others leave free at all times."""
    age_max_s: PositiveSeconds = 0.1
    """It does not arm when samples come further apart than this (mean, a fifth of jitter allowed), with
    ``meter_delay_s``."""
    window_s: Annotated[PositiveSeconds, Field(ge=0.05, le=5)] = 0.5
    """Samples of this time make the rate of change; half of it is the delay."""
    filter_s: NonNegativeSeconds = 0.1
    """Time constant of the low-pass on the rate of change."""
    rocof_deadband_hz_per_s: NonNegativeSlopeHzPerS = 0.03
    """A smaller rate of change is noise."""
    recovery_time_s: PositiveSeconds = 60.0
    """The energy flows back with this time constant."""
    recovery_w: NonNegativePowerW | None = None
    """Most power that flows back. None: a tenth of the reference power."""
    recovery_band_hz: FrequencyBandHz = 0.2
    """Energy flows back only while the frequency is this near nominal."""


def inertia_w(rocof_hz_per_s: float, settings: VirtualInertiaSettings) -> float:
    """Power to add for a rate of change."""
    most_w = settings.reference_w if settings.maximum_w is None else settings.maximum_w
    power_w = -2.0 * settings.inertia_s * settings.reference_w / settings.nominal_hz * rocof_hz_per_s
    return min(max(power_w, -most_w), most_w)


def recovery_w(given_wh: float, dt_s: float, settings: VirtualInertiaSettings) -> float:
    """Power that brings back what was given (``given_wh`` > 0: the battery charges), never more than is left."""
    if abs(given_wh) <= _DONE_WH:
        return 0.0
    most_w = settings.reference_w / 10.0 if settings.recovery_w is None else settings.recovery_w
    power_w = given_wh * _WS_PER_WH / max(settings.recovery_time_s, dt_s)
    return -min(max(power_w, -most_w), most_w)


class VirtualInertia(Controller):
    Settings = VirtualInertiaSettings
    settings: VirtualInertiaSettings
    spec = Spec(
        type="virtual_inertia",
        owner="edge/simems_edge/controllers/grid",
        priority=Priority.GRID,
        control_mode="DROOP",
        safety_impact="It adds to a battery's power, inside every guard. Failing withholds grid support.",
        fallback="Without a valid frequency, or a meter too coarse or old, it withdraws at once; energy that has still "
        "to flow back is remembered, over restarts as well.",
        inputs=(
            FREQUENCY_INPUT,
            Input("ess", "active_power_w", "only its setpoint is needed"),
            Input("ess", "soc_pct", "withdraws at once"),
            Input("ess", "max_discharge_power_w", "no energy is kept from others"),
            Input("ess", "max_charge_power_w", "no room is kept from others"),
        ),
        outputs=(Output("ess", "active_power_w", ("lower", "upper", "offset", "reserve_up", "reserve_down")),),
        metrics=(
            ARMING_METRIC,
            Metric("rocof_hz_per_s", "Hz/s", "Rate of change of frequency, filtered, 0 inside the deadband", 0.001),
            Metric("offset_w", "W", "Power that is added to the battery's", resolution=1.0),
            Metric("given_wh", "Wh", "Energy given (> 0) or taken that has still to flow back", 0.01, retained=True),
        ),
        acceptance=(
            "A frequency on a straight line is answered within 1 % of the formula, a window and filter after it began.",
            "The answer changes in the first cycle after the sample that shows the change.",
            "The energy of its answers comes to 0 once the frequency stands near nominal.",
        ),
        test_plan=("edge/tests/controllers/grid/test_virtual_inertia.py",),
    )

    def __init__(self, controller_id: str, settings: VirtualInertiaSettings) -> None:
        super().__init__(controller_id, settings)
        self._rocof = Rocof(
            settings.window_s, filter_s=settings.filter_s, deadband_hz_per_s=settings.rocof_deadband_hz_per_s
        )
        self._window = SocWindow()
        self._given_wh: float | None = None
        self._offset_w = 0.0

    def bind(self, binding: Binding) -> None:
        ess = self.settings.ess
        self._frequency = FrequencyInput(self.settings, binding)
        self._ess_w = binding.actuator(ess, "active_power_w")
        self._soc_pct = binding.read(ess, "soc_pct")
        self._most_w = binding.read(ess, "max_discharge_power_w")
        self._least_w = binding.read(ess, "max_charge_power_w")
        self._retained = binding.own("given_wh")

    def execute(self, ctx: Context) -> None:
        sample, arming = self._frequency.read(ctx)
        given_wh = self._count(ctx)
        soc_pct = ctx.value(self._soc_pct)
        self._offset_w = 0.0
        if sample is None:
            self._rocof.reset()
        elif soc_pct is not None:
            self._window = next_window(self._window, soc_pct, self.settings)
            self._offset_w = self._answer_w(sample, given_wh, ctx.dt_s)
            self._propose(ctx)
        ctx.publish("arming", float(arming))
        ctx.publish("rocof_hz_per_s", self._rocof.value)
        ctx.publish("offset_w", self._offset_w)

    def _count(self, ctx: Context) -> float:
        """What was asked since the last turn has been given since then."""
        if self._given_wh is None:
            self._given_wh = ctx.value(self._retained) or 0.0
        self._given_wh += self._offset_w * ctx.dt_s / _WS_PER_WH
        ctx.publish("given_wh", self._given_wh)
        return self._given_wh

    def _answer_w(self, sample: FrequencySample, given_wh: float, dt_s: float) -> float:
        if sample.fresh:
            self._rocof.step(sample.time_ns, sample.hz)
        rocof = self._rocof.value if self._rocof.valid else 0.0
        near = abs(sample.hz - self.settings.nominal_hz) <= self.settings.recovery_band_hz
        if rocof != 0.0 or not near:
            return inertia_w(rocof, self.settings)
        return recovery_w(given_wh, dt_s, self.settings)

    def _propose(self, ctx: Context) -> None:
        window, reserve_w = self._window, self.settings.reserve_w
        up_w = reserve_w if window.others_discharge else ctx.value(self._most_w) or 0.0
        down_w = reserve_w if window.others_charge else ctx.value(self._least_w) or 0.0
        ctx.propose(
            self._ess_w,
            offset=self._offset_w,
            upper=None if window.may_discharge else 0.0,
            lower=None if window.may_charge else 0.0,
            reserve_up=max(up_w, 0.0),
            reserve_down=max(down_w, 0.0),
        )

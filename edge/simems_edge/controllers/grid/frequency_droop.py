"""Frequency droop P(f): a battery adds power on whatever else is decided, PV is curtailed at over-frequency.

`dP = (f1 - f) / fn / s * Pref` beyond each edge of the deadband (EN 50549-1:2019 4.6.1 and 4.6.2; IEEE 1547-2018
6.5.2.7.2). Pref is the battery's reference power; for PV the power at the moment the threshold was crossed. The answer
follows each frequency sample in the cycle that sees it. Not certified.
"""

from __future__ import annotations

from typing import ClassVar, Self

from pydantic import model_validator
from simems_core import Curve

from simems_edge.config.quantities import (
    FrequencyBandHz,
    NonNegativePowerW,
    Percent,
    PositivePowerW,
    PositiveSharePctPerMin,
)
from simems_edge.contracts import (
    Binding,
    Context,
    Controller,
    EssRef,
    Input,
    Metric,
    Output,
    Priority,
    PvRef,
    Spec,
)
from simems_edge.controllers.grid.frequency_input import ARMING_METRIC, FREQUENCY_INPUT, FrequencyInput
from simems_edge.controllers.grid.pv_curtailment import Curtailment, next_curtailment
from simems_edge.controllers.grid.soc_window import SocWindow, SocWindowSettings, next_window


class FrequencyDroopSettings(SocWindowSettings):
    controller_type: ClassVar[str] = "frequency_droop"
    ess: EssRef | None = None
    """The battery that answers in both directions. None: PV alone."""
    pv: PvRef | None = None
    """The PV that is curtailed at over-frequency. None: the battery alone."""
    reference_w: PositivePowerW | None = None
    """Power that the battery's droop is a share of, its rated power; needed with ``ess``."""
    over_deadband_hz: FrequencyBandHz = 0.2
    """No answer up to this far above nominal."""
    under_deadband_hz: FrequencyBandHz = 0.2
    """No answer down to this far below nominal."""
    over_droop_pct: Percent = 5.0
    """A frequency this share of nominal above the deadband takes the whole reference power away."""
    under_droop_pct: Percent = 5.0
    """A frequency this share of nominal below the deadband adds the whole reference power."""
    raise_max_w: NonNegativePowerW | None = None
    """Most power that is added. None: the reference power."""
    lower_max_w: NonNegativePowerW | None = None
    """Most power that is taken away. None: the reference power."""
    reserve_up_w: NonNegativePowerW = 0.0
    """Headroom for adding that others leave free at all times."""
    reserve_down_w: NonNegativePowerW = 0.0
    """Headroom for taking away that others leave free at all times."""
    pv_rated_w: PositivePowerW | None = None
    """Rated power of the PV, that its release is a share of; needed with ``pv``."""
    release_pct_per_min: PositiveSharePctPerMin = 10.0
    """After over-frequency the PV's limit rises no faster than this share of its rated power."""

    @model_validator(mode="after")
    def _somebody_answers(self) -> Self:
        if self.ess is None and self.pv is None:
            raise ValueError("needs a battery or PV that answers; name ess or pv")
        if self.ess is not None and self.reference_w is None:
            raise ValueError("reference_w is needed with ess; write the battery's rated power")
        if self.pv is not None and self.pv_rated_w is None:
            raise ValueError("pv_rated_w is needed with pv; write the inverter's rated power")
        if self.over_droop_pct == 0.0 or self.under_droop_pct == 0.0:
            raise ValueError("droop must be above 0 %; write 2 to 12 %")
        return self


def droop_curve(settings: FrequencyDroopSettings, reference_w: float, raise_w: float, lower_w: float) -> Curve:
    """Power to add (W) over frequency (Hz)."""
    return Curve.droop(
        nominal_hz=settings.nominal_hz,
        deadband_below_hz=settings.under_deadband_hz,
        deadband_above_hz=settings.over_deadband_hz,
        droop_below_pct=settings.under_droop_pct,
        droop_above_pct=settings.over_droop_pct,
        reference_w=reference_w,
        raise_max_w=raise_w,
        lower_max_w=lower_w,
    )


class FrequencyDroop(Controller):
    Settings = FrequencyDroopSettings
    settings: FrequencyDroopSettings
    spec = Spec(
        type="frequency_droop",
        owner="edge/simems_edge/controllers/grid",
        priority=Priority.GRID,
        control_mode="DROOP",
        safety_impact="It adds to a battery's power and lowers PV, inside every guard. Failing withholds grid support.",
        fallback="Without a valid frequency, or a meter too coarse or old, the battery's answer is withdrawn at once "
        "and a PV limit that stood holds. When its process dies both end after 3 cycles.",
        inputs=(
            FREQUENCY_INPUT,
            Input("ess", "active_power_w", "only its setpoint is needed"),
            Input("ess", "soc_pct", "the battery's answer is withdrawn"),
            Input("ess", "max_discharge_power_w", "no energy is kept from others"),
            Input("ess", "max_charge_power_w", "no room is kept from others"),
            Input("pv", "active_power_w", "PV is not curtailed until it is known", optional=True),
            Input("pv", "active_power_limit_w", "only its setpoint is needed", optional=True),
        ),
        outputs=(
            Output("ess", "active_power_w", ("lower", "upper", "offset", "reserve_up", "reserve_down")),
            Output("pv", "active_power_limit_w", ("upper",)),
        ),
        metrics=(
            ARMING_METRIC,
            Metric("offset_w", "W", "Power that is added to the battery's", resolution=1.0),
            Metric("pv_reference_w", "W", "PV power when over-frequency began, 0 when not", retained=True),
            Metric("pv_limit_w", "W", "Limit of PV, its rated power when not curtailed", resolution=1.0),
        ),
        acceptance=(
            "The offset changes in the first cycle after the frequency's sample and is within 1 % of the curve.",
            "It adds to what others decide: 5 kW on a schedule of 50 kW is 55 kW, taken away 45 kW.",
            "It does not arm on a meter coarser than 10 mHz or older than 1 s, and says so.",
        ),
        test_plan=(
            "edge/tests/controllers/grid/test_frequency_droop.py",
            "edge/tests/controllers/grid/test_frequency_input.py",
        ),
    )

    def __init__(self, controller_id: str, settings: FrequencyDroopSettings) -> None:
        super().__init__(controller_id, settings)
        reference_w = settings.reference_w or 0.0
        raise_w = reference_w if settings.raise_max_w is None else settings.raise_max_w
        lower_w = reference_w if settings.lower_max_w is None else settings.lower_max_w
        self._battery_curve = droop_curve(settings, max(reference_w, 1.0), raise_w, lower_w)
        self._share_curve = droop_curve(settings, 1.0, 0.0, 1.0)
        self._window = SocWindow()
        self._curtailment: Curtailment | None = None

    def bind(self, binding: Binding) -> None:
        settings = self.settings
        self._frequency = FrequencyInput(settings, binding)
        self._retained_w = binding.own("pv_reference_w")
        if settings.ess is not None:
            self._ess_w = binding.actuator(settings.ess, "active_power_w")
            self._soc_pct = binding.read(settings.ess, "soc_pct")
            self._most_w = binding.read(settings.ess, "max_discharge_power_w")
            self._least_w = binding.read(settings.ess, "max_charge_power_w")
        if settings.pv is not None:
            self._pv_w = binding.read(settings.pv, "active_power_w")
            self._pv_limit = binding.actuator(settings.pv, "active_power_limit_w")

    def execute(self, ctx: Context) -> None:
        sample, arming = self._frequency.read(ctx)
        ctx.publish("arming", float(arming))
        hz = None if sample is None else sample.hz
        offset_w = None if hz is None or self.settings.ess is None else self._answer(ctx, hz)
        ctx.publish("offset_w", offset_w or 0.0)
        if self.settings.pv is not None:
            self._curtail(ctx, hz)

    def _answer(self, ctx: Context, hz: float) -> float | None:
        soc_pct, offset_w = ctx.value(self._soc_pct), self._battery_curve.at(hz)
        if soc_pct is None or offset_w is None:
            return None
        self._window = window = next_window(self._window, soc_pct, self.settings)
        up_w = self.settings.reserve_up_w if window.others_discharge else ctx.value(self._most_w) or 0.0
        down_w = self.settings.reserve_down_w if window.others_charge else ctx.value(self._least_w) or 0.0
        ctx.propose(
            self._ess_w,
            offset=offset_w,
            upper=None if window.may_discharge else 0.0,
            lower=None if window.may_charge else 0.0,
            reserve_up=max(up_w, 0.0),
            reserve_down=max(down_w, 0.0),
        )
        return offset_w

    def _curtail(self, ctx: Context, hz: float | None) -> None:
        rated_w = self.settings.pv_rated_w or 0.0
        if self._curtailment is None:
            kept_w = ctx.value(self._retained_w) or 0.0
            self._curtailment = Curtailment(kept_w or None, kept_w if kept_w else rated_w)
        if hz is not None:
            step_w = rated_w * self.settings.release_pct_per_min / 100.0 / 60.0 * ctx.dt_s
            share = self._share_curve.at(hz) or 0.0
            self._curtailment = next_curtailment(self._curtailment, share, ctx.value(self._pv_w), rated_w, step_w)
        if self._curtailment.limit_w < rated_w:
            ctx.propose(self._pv_limit, upper=self._curtailment.limit_w)
        ctx.publish("pv_limit_w", self._curtailment.limit_w)
        ctx.publish("pv_reference_w", self._curtailment.reference_w or 0.0)

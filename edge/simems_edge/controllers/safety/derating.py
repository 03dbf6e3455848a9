"""What all deratings of a battery share: shares of its own limits, moved at a ramp, proposed as bounds."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from pydantic import Field

from simems_edge.contracts import Binding, Context, ControllerSettings, EssRef, Input, Metric, Output

PercentPerS = Annotated[float, Field(gt=0, le=1000)]
FULL: Final = 1.0
LIMIT_INPUTS: Final = (
    Input("ess", "max_charge_power_w", "a narrowed charging is bounded at 0, as its guard does"),
    Input("ess", "max_discharge_power_w", "a narrowed discharging is bounded at 0, as its guard does"),
    Input("ess", "active_power_w", "only its setpoint is needed"),
    Input("ess", "active_power_w_setpoint", "a restart then takes its first share without a ramp"),
)
BOUNDS: Final = (Output("ess", "active_power_w", ("lower", "upper")),)
SHARE_METRICS: Final = (
    Metric("charge_share_pct", "%", "What is left of the battery's charge power", resolution=0.1),
    Metric("discharge_share_pct", "%", "What is left of the battery's discharge power", resolution=0.1),
)


class DeratingSettings(ControllerSettings):
    ess: EssRef
    close_pct_per_s: PercentPerS = 20.0
    """How fast power is taken away, in percent of the battery's own limit a second."""
    open_pct_per_s: PercentPerS = 2.0
    """How fast it is given back; slower, so that nothing swings."""


@dataclass(frozen=True, slots=True)
class Shares:
    """0 to 1 of the battery's own limits."""

    charge: float = FULL
    discharge: float = FULL


CLOSED: Final = Shares(0.0, 0.0)


def moved(share: float, wanted: float, settings: DeratingSettings, dt_s: float) -> float:
    """``share`` towards ``wanted``, closing and opening each at its own speed."""
    fall, rise = settings.close_pct_per_s * dt_s / 100.0, settings.open_pct_per_s * dt_s / 100.0
    return min(max(wanted, share - fall), share + rise)


def bound_w(share: float, limit_w: float | None) -> float | None:
    """Largest power in W; None: no bound. An unknown limit leaves nothing of a share that is not full."""
    if share >= FULL:
        return None
    return 0.0 if limit_w is None else share * max(limit_w, 0.0)


class Derating:
    """Bounds one battery. The first bound is where the battery stands, so that a restart moves nothing at once."""

    def __init__(self, settings: DeratingSettings, binding: Binding) -> None:
        self._settings = settings
        self._power = binding.actuator(settings.ess, "active_power_w")
        self._setpoint = binding.read(settings.ess, "active_power_w_setpoint")
        self._most_charge = binding.read(settings.ess, "max_charge_power_w")
        self._most_discharge = binding.read(settings.ess, "max_discharge_power_w")
        self._shares: Shares | None = None

    def propose(self, ctx: Context, wanted: Shares) -> None:
        """``wanted``: where the shares move to."""
        charge_w, discharge_w = ctx.value(self._most_charge), ctx.value(self._most_discharge)
        if self._shares is None:
            setpoint_w = ctx.value(self._setpoint) or 0.0
            start = Shares(used(-setpoint_w, charge_w), used(setpoint_w, discharge_w))
            self._shares = Shares(max(start.charge, wanted.charge), max(start.discharge, wanted.discharge))
        else:
            self._shares = Shares(
                moved(self._shares.charge, wanted.charge, self._settings, ctx.dt_s),
                moved(self._shares.discharge, wanted.discharge, self._settings, ctx.dt_s),
            )
        self._say(ctx, self._shares, charge_w, discharge_w)

    def _say(self, ctx: Context, shares: Shares, charge_w: float | None, discharge_w: float | None) -> None:
        most_charge_w, upper_w = bound_w(shares.charge, charge_w), bound_w(shares.discharge, discharge_w)
        lower_w = None if most_charge_w is None else -most_charge_w
        if lower_w is not None or upper_w is not None:
            ctx.propose(self._power, lower=lower_w, upper=upper_w)
        ctx.publish("charge_share_pct", shares.charge * 100.0)
        ctx.publish("discharge_share_pct", shares.discharge * 100.0)


def used(power_w: float, limit_w: float | None) -> float:
    """Share of a limit that a power takes, 0 to 1."""
    return min(max(power_w / limit_w, 0.0), FULL) if limit_w else 0.0

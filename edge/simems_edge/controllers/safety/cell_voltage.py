"""Cell voltage derating: charge power falls as the fullest cell nears its end, discharge as the emptiest does.

Cells (and where set the whole pack) count together, the smallest share rules. The trip itself is a guard
(``guards.cell_voltage_v``) with a directional fault.
"""

from __future__ import annotations

from typing import Self

from pydantic import model_validator
from simems_core import LowPass

from simems_edge.config.model import ChannelName
from simems_edge.config.quantities import NonNegativeSeconds, PositiveVoltageV
from simems_edge.contracts import Binding, Context, Controller, Input, Metric, Priority, Spec
from simems_edge.controllers.safety.derating import (
    BOUNDS,
    CLOSED,
    LIMIT_INPUTS,
    SHARE_METRICS,
    Derating,
    DeratingSettings,
    Shares,
)

ARMED, NO_CHANNEL, NOT_VALID = 0, 1, 2


class CellVoltageDeratingSettings(DeratingSettings):
    charge_from_v: PositiveVoltageV = 3.45
    """From this voltage of the fullest cell on, charge power falls (default: LFP)."""
    charge_to_v: PositiveVoltageV = 3.55
    """At this it is 0."""
    discharge_from_v: PositiveVoltageV = 3.0
    """From this voltage of the emptiest cell downwards, discharge power falls."""
    discharge_to_v: PositiveVoltageV = 2.8
    """At this it is 0."""
    pack_channel: ChannelName = "dc_voltage_v"
    """Channel of the whole pack's voltage, looked at where pack limits are set."""
    pack_charge_from_v: PositiveVoltageV | None = None
    """The same for the whole pack; all four or none."""
    pack_charge_to_v: PositiveVoltageV | None = None
    """Charge power is 0 at this pack voltage."""
    pack_discharge_from_v: PositiveVoltageV | None = None
    """Discharge power falls below this pack voltage."""
    pack_discharge_to_v: PositiveVoltageV | None = None
    """Discharge power is 0 at this pack voltage."""
    filter_s: NonNegativeSeconds = 2.0
    """Time constant that voltages are smoothed with."""

    @property
    def pack(self) -> Ends | None:
        """Limits of the pack, when set."""
        found = (
            self.pack_discharge_to_v,
            self.pack_discharge_from_v,
            self.pack_charge_from_v,
            self.pack_charge_to_v,
        )
        known = tuple(value for value in found if value is not None)
        return None if len(known) != 4 else (known[0], known[1], known[2], known[3])

    @property
    def cells(self) -> Ends:
        """Limits of the cells."""
        return self.discharge_to_v, self.discharge_from_v, self.charge_from_v, self.charge_to_v

    @model_validator(mode="after")
    def _in_order(self) -> Self:
        given = {name: getattr(self, name) for name in type(self).model_fields if name.startswith("pack_")}
        limits = [value for name, value in given.items() if name != "pack_channel"]
        if self.pack is None and any(value is not None for value in limits):
            raise ValueError("pack limits need all four of pack_charge_from_v, _to_v, pack_discharge_from_v, _to_v")
        for low, low_from, high_from, high in filter(None, (self.cells, self.pack)):
            if not low < low_from < high_from < high:
                raise ValueError("needs discharge_to_v < discharge_from_v < charge_from_v < charge_to_v")
        return self


Ends = tuple[float, float, float, float]
"""Discharge is 0, discharge falls below, charge falls above, charge is 0: rising, in V."""


def shares_of(low_v: float, high_v: float, ends: Ends) -> Shares:
    """Straight lines between where a power falls and where it is 0; ``low_v``: emptiest, ``high_v``: fullest."""
    low, low_from, high_from, high = ends
    charge, discharge = (high - high_v) / (high - high_from), (low_v - low) / (low_from - low)
    return Shares(min(max(charge, 0.0), 1.0), min(max(discharge, 0.0), 1.0))


class _Voltage:
    """One channel, smoothed while it is valid, afresh after a gap."""

    def __init__(self, handle: int, filter_s: float) -> None:
        self._handle = handle
        self._filter = LowPass(filter_s)

    def read(self, ctx: Context) -> float | None:
        value = ctx.value(self._handle)
        if value is None:
            self._filter.reset()
            return None
        return self._filter.step(value, max(ctx.dt_s, 0.0))


class CellVoltageDerating(Controller):
    Settings = CellVoltageDeratingSettings
    settings: CellVoltageDeratingSettings
    spec = Spec(
        type="cell_voltage_derating",
        owner="edge/simems_edge/controllers",
        priority=Priority.SAFETY,
        control_mode="SAFETY",
        safety_impact="Only takes power away, before guards and faults of voltage have to. Failing leaves them alone.",
        fallback="A voltage that is not valid: both directions close at close_pct_per_s, and an alarm says so.",
        inputs=(
            Input("ess", "cell_voltage_min_v", "both directions close at close_pct_per_s", optional=True),
            Input("ess", "cell_voltage_max_v", "both directions close at close_pct_per_s", optional=True),
            Input("ess", "dc_voltage_v", "where pack limits are set: both directions close", optional=True),
            *LIMIT_INPUTS,
        ),
        outputs=BOUNDS,
        metrics=(
            *SHARE_METRICS,
            Metric(
                "arming",
                "",
                "Whether it can work",
                labels=("armed", "the battery has no such voltage channel", "no valid voltage"),
                refusals=(NO_CHANNEL, NOT_VALID),
            ),
        ),
        acceptance=(
            "Charge power follows the straight line between charge_from_v and charge_to_v of the fullest cell.",
            "A high cell never narrows discharging, a low one never narrows charging.",
            "A missing voltage closes both directions at close_pct_per_s and raises an alarm.",
        ),
        test_plan=("edge/tests/controllers/safety/test_cell_voltage.py",),
    )

    def bind(self, binding: Binding) -> None:
        settings = self.settings
        self._derating = Derating(settings, binding)
        looked_at = [("cell_voltage_min_v", "cell_voltage_max_v", settings.cells)]
        if settings.pack is not None:
            looked_at.append((settings.pack_channel, settings.pack_channel, settings.pack))
        self._pairs: list[tuple[_Voltage, _Voltage, Ends]] = []
        self._complete = True
        for low, high, ends in looked_at:
            low_v, high_v = binding.find(settings.ess, low), binding.find(settings.ess, high)
            if low_v is None or high_v is None:
                self._complete = False
                continue
            self._pairs.append((_Voltage(low_v, settings.filter_s), _Voltage(high_v, settings.filter_s), ends))

    def execute(self, ctx: Context) -> None:
        if not self._complete:
            ctx.publish("arming", NO_CHANNEL)
            return
        found = [(low.read(ctx), high.read(ctx), ends) for low, high, ends in self._pairs]
        shares = [shares_of(low, high, ends) for low, high, ends in found if low is not None and high is not None]
        valid = len(shares) == len(found)
        ctx.publish("arming", ARMED if valid else NOT_VALID)
        smallest = Shares(min((s.charge for s in shares), default=0.0), min((s.discharge for s in shares), default=0.0))
        self._derating.propose(ctx, smallest if valid else CLOSED)

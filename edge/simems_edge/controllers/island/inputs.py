"""What the island sequence knows in one turn, from the snapshot: everything that is not valid is not known."""

from __future__ import annotations

from simems_edge.contracts import Binding, Context
from simems_edge.controllers.island.sequence import ALIVE, Position, Seen
from simems_edge.controllers.island.settings import IslandSettings

QUIET_W = 200.0
"""A charger or an inverter that gives or takes less stands at rest."""
SOC_BAND_PCT = 5.0
FORMED_HZ = 1.5
"""The island's frequency is right within this."""
LARGEST = 1e9
"""Rating of what no setpoint has told yet."""


class Inputs:
    def __init__(self, settings: IslandSettings, binding: Binding) -> None:
        self._settings = settings
        grid, ess = settings.grid, settings.ess
        self._volts = [binding.read(grid, f"voltage_v_l{phase}") for phase in (1, 2, 3)]
        self._hz = binding.read(grid, "frequency_hz")
        self._closed = binding.read(settings.switch, "closed")
        self._forming = binding.read(ess, "grid_forming")
        self._bus_hz = binding.find(ess, "frequency_hz")
        self._power = binding.read(ess, "active_power_w")
        self._setpoint = binding.read(ess, "active_power_w_setpoint")
        self._limit = binding.read(ess, "max_discharge_power_w")
        self._soc = binding.read(ess, "soc_pct")
        self._others = [binding.read(one, "active_power_w") for one in (*settings.evcs, *settings.pv)]
        self._bonded = self._bond(binding)
        self._blocked = binding.channel("site/island_blocked")
        self._ratings: dict[int, int] = {}
        for one, name in [(e, "current_limit_a") for e in settings.evcs] + [
            (p, "active_power_limit_w") for p in settings.pv
        ]:
            self._ratings[binding.read(one, name)] = binding.read(one, f"{name}_setpoint")
        self._most: dict[int, float] = {}

    def _bond(self, binding: Binding) -> int | None:
        settings = self._settings
        state = None if settings.bond is None else binding.read(settings.bond, "state")
        return state if settings.bond_contact is None else binding.channel(settings.bond_contact)

    def read(self, ctx: Context, position: Position | None) -> Seen:
        return Seen(
            closed=_truth(ctx.value(self._closed)),
            grid_lost=self._lost(ctx),
            grid_good=self._good(ctx),
            quiet=all(abs(_known(ctx.value(one))) <= QUIET_W for one in self._others),
            bonded=self._is_bonded(ctx, position),
            forming=self._is_forming(ctx),
            room=self._room(ctx),
            overload=self._overload(ctx),
            blocked=ctx.value(self._blocked) != 0.0,
        )

    def _lost(self, ctx: Context) -> bool | None:
        settings = self._settings
        volts = [value for value in (ctx.value(one) for one in self._volts) if value is not None]
        hertz = ctx.value(self._hz)
        if any(not settings.lost_below_v <= value <= settings.lost_above_v for value in volts):
            return True
        if hertz is not None and not settings.lost_below_hz <= hertz <= settings.lost_above_hz:
            return True
        return False if len(volts) == 3 and hertz is not None else None

    def _good(self, ctx: Context) -> bool:
        settings, hertz = self._settings, ctx.value(self._hz)
        volts = [ctx.value(one) for one in self._volts]
        right = all(value is not None and settings.return_from_v <= value <= settings.return_to_v for value in volts)
        return right and hertz is not None and settings.return_from_hz <= hertz <= settings.return_to_hz

    def _is_bonded(self, ctx: Context, position: Position | None) -> bool | None:
        if self._bonded is None:
            return position is not None and position.step.name in {"BONDING", *(step.name for step in ALIVE)}
        return _truth(ctx.value(self._bonded))

    def _is_forming(self, ctx: Context) -> bool | None:
        """Formed is the battery's word and a right frequency; ended is its word alone."""
        forming = _truth(ctx.value(self._forming))
        if forming is not True or self._bus_hz is None:
            return forming
        hertz = ctx.value(self._bus_hz)
        if hertz is None:
            return None
        return True if abs(hertz - self._settings.nominal_hz) <= FORMED_HZ else None

    def _room(self, ctx: Context) -> bool:
        power_w, limit_w, soc_pct = self.power_w(ctx), self.limit_w(ctx), ctx.value(self._soc)
        if power_w is None or limit_w is None or soc_pct is None:
            return False
        enough = soc_pct > self._settings.minimum_soc_pct + SOC_BAND_PCT
        return enough and power_w <= self._settings.restore_below_pct / 100.0 * limit_w

    def _overload(self, ctx: Context) -> bool:
        power_w, limit_w, soc_pct = self.power_w(ctx), self.limit_w(ctx), ctx.value(self._soc)
        if soc_pct is not None and soc_pct <= self._settings.minimum_soc_pct:
            return True
        if power_w is None or limit_w is None:
            return False
        return power_w > self._settings.overload_pct / 100.0 * limit_w

    def power_w(self, ctx: Context) -> float | None:
        """Of the forming battery, discharge > 0."""
        return ctx.value(self._power)

    def limit_w(self, ctx: Context) -> float | None:
        """Its discharge limit."""
        return ctx.value(self._limit)

    def setpoint_w(self, ctx: Context) -> float:
        """What it was told last."""
        return ctx.value(self._setpoint) or 0.0

    def error_hz(self, ctx: Context, *, synchronising: bool) -> float | None:
        """How much too slow the island is: against nominal, or (synchronising) a little above the grid."""
        bus_hz = None if self._bus_hz is None else ctx.value(self._bus_hz)
        target_hz: float | None = self._settings.nominal_hz
        if synchronising:
            grid_hz = ctx.value(self._hz)
            target_hz = None if grid_hz is None else grid_hz + self._settings.sync_slip_hz
        return None if bus_hz is None or target_hz is None else target_hz - bus_hz

    def rating(self, ctx: Context, actuator: int) -> float:
        """Largest setpoint that this actuator has had: what a share of it is taken of."""
        value = ctx.value(self._ratings[actuator])
        self._most[actuator] = max(self._most.get(actuator, 0.0), 0.0 if value is None else value)
        return self._most[actuator]


def _truth(value: float | None) -> bool | None:
    return None if value is None else value != 0.0


def _known(value: float | None) -> float:
    return LARGEST if value is None else value

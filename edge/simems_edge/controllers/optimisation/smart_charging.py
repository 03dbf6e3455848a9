"""Smart charging: cars share a fuse, the site's connection and its surplus.

The guards of the core and the bridge's ledger hold the limits whatever this controller wants; it decides who gets what
inside them, early enough that they need not.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BeforeValidator, Field, model_validator

from simems_edge.config.quantities import NonNegativeSeconds, PositiveCurrentA, PositivePowerW, PositiveSeconds
from simems_edge.contracts import (
    Binding,
    Context,
    Controller,
    ControllerSettings,
    EssRef,
    EvcsRef,
    Input,
    MeterRef,
    Metric,
    Output,
    Priority,
    Spec,
)
from simems_edge.controllers.optimisation.charging_house import House
from simems_edge.controllers.optimisation.charging_input import DECIDE_S, ChargerInput
from simems_edge.controllers.optimisation.charging_share import Limits, Wish, shares, staged
from simems_edge.controllers.optimisation.phase_switch import PhaseSwitch
from simems_edge.controllers.optimisation.surplus_gate import SurplusGate

RAISE_A = 0.5


def _list(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


class SmartChargingSettings(ControllerSettings):
    evcs: Annotated[tuple[EvcsRef, ...], BeforeValidator(_list), Field(min_length=1, max_length=100)]
    """The chargers that share, most important first."""
    grid: MeterRef | None = None
    """Meter at the connection; needed by import_limit_w and surplus."""
    ess: Annotated[tuple[EssRef, ...], BeforeValidator(_list)] = ()
    """Batteries behind the same meter: what they give is not for cars, what they take comes after cars."""
    fuse_a: PositiveCurrentA
    """Rating of the fuse of each phase that the chargers stand behind."""
    phases: Annotated[tuple[Annotated[str, Field(pattern=r"^[123]{1,3}$")], ...], BeforeValidator(_list)] = ()
    """Phases of each charger, its own L1 first: "123", "231", "2"; all "123" when left out."""
    mode: Literal["fair", "priority"] = "fair"
    """fair: the same for each. priority: the first as much as it can, then the next."""
    import_limit_w: PositivePowerW | None = None
    """Cars leave the grid meter below this (the connection's own limit is a guard's)."""
    surplus: bool = False
    """Only what the sun gives more than the house takes, but for cars that would not be ready in time."""
    start_after_s: NonNegativeSeconds = 60.0
    """Surplus must last this long before a car begins."""
    stop_after_s: NonNegativeSeconds = 180.0
    """A car goes on for this long when the surplus is gone."""
    longest_pause_s: PositiveSeconds = 1800.0
    """A car that waits longer goes before those that charge."""
    switch_phases: bool = False
    """With surplus: a charger on three phases goes to one while its part is too small for three, and back. The site
    must command it (`control: {switch_phases: true}`)."""
    switch_every_s: Annotated[PositiveSeconds, Field(ge=300)] = 900.0
    """Least time between two such changes of one charger."""
    raise_every_s: NonNegativeSeconds = 10.0
    """Raises come no oftener, so that readings show the last one."""
    minimum_current_a: PositiveCurrentA = 6.0
    """A car gets nothing, or this and more (IEC 61851-1: 6 A)."""
    maximum_current_a: PositiveCurrentA = 32.0
    """No car gets more."""

    @model_validator(mode="after")
    def _fits_together(self) -> SmartChargingSettings:
        if self.grid is None and (self.surplus or self.import_limit_w is not None):
            raise ValueError("surplus and import_limit_w need a meter; name it under grid")
        if self.phases and len(self.phases) != len(self.evcs):
            raise ValueError("phases are not one for each charger; write as many as evcs, or leave them out")
        if self.switch_phases and not self.surplus:
            raise ValueError("switch_phases is of surplus charging; add surplus: true, or remove it")
        if self.minimum_current_a > self.maximum_current_a:
            raise ValueError("minimum_current_a is above maximum_current_a; correct one of them")
        return self

    def switch_of(self, position: int) -> PhaseSwitch | None:
        """None for a charger that has nothing to choose."""
        able = self.switch_phases and len(self.phases_of(position)) == 3
        return PhaseSwitch(self.switch_every_s, self.stop_after_s) if able else None

    def phases_of(self, position: int) -> tuple[int, ...]:
        text = self.phases[position] if self.phases else "123"
        return tuple(int(letter) for letter in text)


class SmartCharging(Controller):
    Settings = SmartChargingSettings
    settings: SmartChargingSettings
    spec = Spec(
        type="smart_charging",
        owner="edge/simems_edge/controllers",
        priority=Priority.OPTIMISATION,
        control_mode="SMART_CHARGING",
        safety_impact="It moves only chargers' currents, inside every guard. Failing costs charging time or money.",
        fallback="Without the meter that it needs it withdraws; each charger goes to its safe current.",
        inputs=(
            Input("grid", "active_power_w", "withdraws, where a limit or surplus needs it", optional=True),
            Input("ess", "active_power_w", "counts as 0", optional=True),
            Input("evcs", "active_power_w", "counts as 0: less is left for cars"),
            Input("evcs", "current_limit_a", "what it may draw counts as what it allows"),
            Input("evcs", "current_limit_a_setpoint", "counts as 0"),
            Input("evcs", "phases", "the charger's own phases count", optional=True),
            Input("evcs", "status", "a car counts as there", optional=True),
            Input("evcs", "communication", "it counts as there", optional=True),
            Input("evcs", "reserved_current_a", "the setpoint counts as what it may draw", optional=True),
            Input("evcs", "energy_request_wh", "the car is not urgent", optional=True),
            Input("evcs", "departure_time", "the car is not urgent", optional=True),
        ),
        outputs=(Output("evcs", "current_limit_a", ("preferred", "upper")), Output("evcs", "phases")),
        metrics=(
            Metric("budget_w", "W", "What cars may take now", resolution=10.0),
            Metric("surplus_w", "W", "Production less what the house takes", resolution=10.0),
            Metric("charging", "", "Chargers that are given current"),
            Metric("waiting", "", "Chargers with a car that are given none"),
        ),
        acceptance=(
            "The sum of what is given never passes the fuse on any phase, nor the import limit in steady state.",
            "Each charger is given nothing, or its minimum and more.",
            "Surplus: no start before start_after_s, no stop before stop_after_s; no battery is drained into a car.",
            "One phase or three: changed only after a reading of no power, and at most each switch_every_s.",
            "No car waits much longer than longest_pause_s while another charges, if a minimum fits.",
        ),
        test_plan=(
            "edge/tests/controllers/optimisation/test_charging_share.py",
            "edge/tests/controllers/optimisation/test_smart_charging.py",
        ),
    )

    def __init__(self, controller_id: str, settings: SmartChargingSettings) -> None:
        super().__init__(controller_id, settings)
        self._chargers = [
            ChargerInput(
                ref,
                settings.phases_of(n),
                (settings.minimum_current_a, settings.maximum_current_a),
                settings.switch_of(n),
            )
            for n, ref in enumerate(settings.evcs)
        ]
        self._house = House(self._chargers)
        self._gate = SurplusGate(settings.start_after_s, settings.stop_after_s)
        self._due_s = self._raise_s = 0.0
        self._decided = False

    def bind(self, binding: Binding) -> None:
        self._house.bind(binding, self.settings.grid, self.settings.ess)
        for one in self._chargers:
            one.bind(binding)

    def execute(self, ctx: Context) -> None:
        self._due_s -= ctx.dt_s
        if self._due_s <= 0.0 or not self._decided:
            self._due_s = DECIDE_S
            self._decided = self._decide(ctx)
        if not self._decided:
            return
        for one in self._chargers:
            ctx.propose(one.actuator, preferred=one.given_a, upper=one.given_a)
            if one.switch is not None and one.offered is not None and one.knows_phases:
                ctx.propose(one.offered, preferred=float(one.switch.phases))

    def _decide(self, ctx: Context) -> bool:
        """Whether anything can be said."""
        house_w = self._house.power_w(ctx)
        if house_w is None and (self.settings.surplus or self.settings.import_limit_w is not None):
            return False
        for one in self._chargers:
            one.follow(ctx, DECIDE_S)
        targets = self._targets(ctx, house_w or 0.0) | self._left_alone(ctx)
        self._tell(ctx, targets, self._limits(house_w or 0.0))
        return True

    def _limits(self, house_w: float) -> Limits:
        limit_w = self.settings.import_limit_w
        power_w = float("inf") if limit_w is None else max(limit_w - house_w, 0.0)
        return Limits(dict.fromkeys((1, 2, 3), self.settings.fuse_a), power_w)

    # ---- who gets what

    def _targets(self, ctx: Context, house_w: float) -> dict[str, float]:
        limits, mode = self._limits(house_w), self.settings.mode
        hurry = self._house.above(self.settings.import_limit_w)
        taken = {
            one.name: Wish(one.name, one.phases, one.held_a(ctx))
            for one in self._chargers
            if one.astray(hurry=hurry) or one.away(ctx) or not one.has_car(ctx)
        }
        waiting = [one for one in self._ordered(ctx) if one.name not in taken]
        if not self.settings.surplus:
            return self._published(ctx, limits.power_w, -house_w, shares(_wishes(waiting), limits, mode, taken))
        urgent = [one for one in waiting if one.urgent(ctx)]
        first = shares(_wishes(urgent), limits, mode, taken)
        others = [one for one in waiting if one not in urgent]
        for one in others:
            one.choose_phases(ctx, -house_w / len(others))
        for one in urgent:
            one.choose_phases(ctx, float("inf"))
        least_w = min((one.wish().least_a * 230.0 * len(one.phases) for one in others), default=0.0)
        budget_w = self._gate.step(-house_w, least_w, DECIDE_S)
        taken |= {one.name: Wish(one.name, one.phases, first[one.name]) for one in urgent}
        left = Limits(limits.phase_a, min(limits.power_w, budget_w))
        return self._published(ctx, budget_w, -house_w, first | shares(_wishes(others), left, mode, taken))

    def _left_alone(self, ctx: Context) -> dict[str, float]:
        """What one that is away was given last, as long as it may still hold: a short break stops no car."""
        return {one.name: min(one.given_a, one.held_a(ctx)) for one in self._chargers if one.away(ctx)}

    def _ordered(self, ctx: Context) -> list[ChargerInput]:
        """Urgent ones, those that waited too long, then (fair) those that charge, the newest first; else as listed."""
        fair = self.settings.mode == "fair"

        def key(one: ChargerInput) -> tuple[bool, bool, bool, float]:
            overdue = one.waits_s >= self.settings.longest_pause_s
            fresh = 0.0 < one.charges_s < self.settings.longest_pause_s
            charges = fair and one.given_a > 0.0
            return (not one.urgent(ctx), not (overdue or (fresh and fair)), not charges, one.charges_s if fair else 0.0)

        return sorted(self._chargers, key=key)

    def _published(
        self, ctx: Context, budget_w: float, surplus_w: float, targets: dict[str, float]
    ) -> dict[str, float]:
        ctx.publish("budget_w", min(budget_w, 3 * 230.0 * self.settings.fuse_a))
        ctx.publish("surplus_w", surplus_w)
        ctx.publish("charging", float(sum(1 for value in targets.values() if value > 0.0)))
        ctx.publish("waiting", float(sum(1 for value in targets.values() if value == 0.0)))
        return targets

    # ---- telling it

    def _tell(self, ctx: Context, targets: dict[str, float], limits: Limits) -> None:
        """Less at once; more in its time, and only into what the others have really left."""
        self._raise_s -= DECIDE_S
        held = {one.name: max(one.held_a(ctx), one.given_a) for one in self._chargers}
        now = staged(targets, held, {one.name: one.phases for one in self._chargers}, limits)
        may_raise = self._raise_s <= 0.0
        raised = False
        for one in self._chargers:
            wanted_a = targets.get(one.name, 0.0)
            told_a = min(now.get(one.name, 0.0), wanted_a)
            if told_a > one.given_a:
                worth = told_a >= one.given_a + RAISE_A and told_a >= self.settings.minimum_current_a
                told_a = told_a if worth and may_raise else one.given_a
                raised = raised or (worth and may_raise)
            one.give(ctx, told_a if told_a >= self.settings.minimum_current_a else 0.0)
        if raised:
            self._raise_s = self.settings.raise_every_s


def _wishes(chargers: list[ChargerInput]) -> list[Wish]:
    return [one.wish() for one in chargers]

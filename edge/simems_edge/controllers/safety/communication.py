"""Loss of communication: an actuator's value is held for a while, then ramped to a declared one.

One for each device whose silence matters: the charger that would go on at 32 A when the site no longer sees its meter,
the inverter that is cut off. What the guards close (a battery whose limits are unknown) stays closed.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator

from simems_edge.config.quantities import NonNegativeSeconds
from simems_edge.contracts import (
    Binding,
    ChannelRef,
    Context,
    Controller,
    ControllerSettings,
    EssRef,
    EvcsRef,
    Input,
    Metric,
    Output,
    Priority,
    PvRef,
    Spec,
)
from simems_edge.controllers.closed_loop import ramped

TALKS, HOLDS, GIVES_WAY = 0, 1, 2


class CommunicationLossSettings(ControllerSettings):
    watch: ChannelRef
    """The device's ``communication`` channel, e.g. ``grid0/communication``."""
    ess: EssRef | None = None
    """Holds this battery's power; name exactly one of ess, pv and evcs, which the site must command."""
    pv: PvRef | None = None
    """Holds this inverter's limit."""
    evcs: EvcsRef | None = None
    """Holds this charger's limit."""
    hold_s: NonNegativeSeconds = 30.0
    """The value that stood at the loss is held so long."""
    value: float = 0.0
    """What it is ramped to then, in W (a charger: A)."""
    ramp_per_s: Annotated[float, Field(gt=0)] = 1000.0
    """How fast, in W (a charger: A) a second."""

    @property
    def actuator(self) -> str:
        """Address of what is held."""
        named = ((self.ess, "active_power_w"), (self.pv, "active_power_limit_w"), (self.evcs, "current_limit_a"))
        return next(ref.address(channel) for ref, channel in named if ref is not None)

    @model_validator(mode="after")
    def _holds_one(self) -> Self:
        if sum(ref is not None for ref in (self.ess, self.pv, self.evcs)) != 1:
            raise ValueError("name exactly one of ess, pv and evcs")
        return self


class CommunicationLoss(Controller):
    Settings = CommunicationLossSettings
    settings: CommunicationLossSettings
    spec = Spec(
        type="communication_loss",
        owner="edge/simems_edge/controllers",
        priority=Priority.SAFETY,
        control_mode="SAFETY",
        safety_impact="Brings an actuator to a declared value when nobody sees a device. Guards hold besides.",
        fallback="Dead, or with nothing lost, it says nothing: the actuator's own fallback holds.",
        inputs=(
            Input("watch", "communication", "counts as lost: false, stale and never given are the same"),
            Input("ess", "active_power_w_setpoint", "the declared value is proposed at once", optional=True),
            Input("pv", "active_power_limit_w_setpoint", "the declared value is proposed at once", optional=True),
            Input("evcs", "current_limit_a_setpoint", "the declared value is proposed at once", optional=True),
            Input("ess", "active_power_w", "only its setpoint is needed", optional=True),
            Input("pv", "active_power_limit_w", "only its setpoint is needed", optional=True),
            Input("evcs", "current_limit_a", "only its setpoint is needed", optional=True),
        ),
        outputs=(
            Output("ess", "active_power_w"),
            Output("pv", "active_power_limit_w"),
            Output("evcs", "current_limit_a"),
        ),
        metrics=(
            Metric("phase", "", "What it does", labels=("device answers", "holding", "going to the declared value")),
            Metric("silent_s", "s", "How long the device has been silent", resolution=1.0),
        ),
        acceptance=(
            "At the loss the setpoint that stands is held for hold_s, whatever controllers below ask for.",
            "Then it moves to the declared value at ramp_per_s and no faster.",
            "When the device answers again it withdraws in that cycle.",
        ),
        test_plan=("edge/tests/controllers/safety/test_communication.py",),
    )

    def __init__(self, controller_id: str, settings: CommunicationLossSettings) -> None:
        super().__init__(controller_id, settings)
        self._silent_s = 0.0
        self._held: float | None = None

    def bind(self, binding: Binding) -> None:
        self._watch = binding.channel(self.settings.watch)
        self._actuator = binding.command(self.settings.actuator)
        self._setpoint = binding.channel(f"{self.settings.actuator}_setpoint")

    def execute(self, ctx: Context) -> None:
        if ctx.value(self._watch) == 1.0:
            self._held, self._silent_s = None, 0.0
            self._tell(ctx, TALKS)
            return
        lost = self._held is not None
        if self._held is None:
            standing = ctx.value(self._setpoint)
            self._held = self.settings.value if standing is None else standing
        # The time before the loss was seen does not count.
        self._silent_s += ctx.dt_s if lost else 0.0
        holding = self._silent_s < self.settings.hold_s
        if not holding:
            self._held = ramped(self._held, self.settings.value, self.settings.ramp_per_s * ctx.dt_s)
        ctx.propose(self._actuator, preferred=self._held)
        self._tell(ctx, HOLDS if holding else GIVES_WAY)

    def _tell(self, ctx: Context, phase: int) -> None:
        ctx.publish("phase", phase)
        ctx.publish("silent_s", self._silent_s)

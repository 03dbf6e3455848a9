"""A relay that is on while conditions hold (surplus, state of charge, price, time), and not switched too often."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from simems_edge.config.quantities import NonNegativeSeconds
from simems_edge.contracts import (
    Binding,
    ChannelRef,
    Context,
    Controller,
    ControllerSettings,
    Input,
    Metric,
    Output,
    Priority,
    RelayRef,
    Spec,
)
from simems_edge.controllers.auxiliary.conditions import WatchedWhen, When, any_holds, condition_channels
from simems_edge.controllers.auxiliary.switching import HeldSwitch, SwitchTimes


class RelayOutputSettings(ControllerSettings):
    relay: RelayRef
    when: Annotated[tuple[When, ...], Field(min_length=1, max_length=8)]
    """On while any of these holds."""
    minimum_on_s: NonNegativeSeconds = 60.0
    """Once on it stays so this long, whatever the conditions say."""
    minimum_off_s: NonNegativeSeconds = 60.0
    """Once off likewise."""
    most_per_hour: Annotated[int, Field(ge=1, le=1000)] | None = None
    """It goes on no more often in any hour; none: as the times allow."""
    inverted: bool = False
    """The relay is released (0) to be on: the load then also runs when the edge is gone."""

    def channel_references(self) -> dict[str, ChannelRef]:
        """Those of all conditions."""
        return condition_channels({"when": self.when})


class RelayOutput(Controller):
    Settings = RelayOutputSettings
    settings: RelayOutputSettings
    spec = Spec(
        type="relay_output",
        owner="edge/simems_edge/controllers",
        priority=Priority.AUXILIARY,
        control_mode="RELAY_OUTPUT",
        safety_impact="It switches one contact. What must never be on or off by software needs a device of its own.",
        fallback="A missing input makes its condition false. When its process dies, the relay is released.",
        inputs=(
            Input("relay", "state", "after a restart it counts as released"),
            Input("site", "utc_offset_s", "spans do not hold while the clock is unknown", optional=True),
        ),
        outputs=(Output("relay", "state"),),
        metrics=(
            Metric("wanted", "", "A condition holds (1) or none does (0)"),
            Metric("starts_per_hour", "", "How often it went on in the last hour"),
            Metric("wait_s", "s", "Until it may switch; 0: now"),
        ),
        acceptance=(
            "Never on for less than minimum_on_s or off for less than minimum_off_s; never more than most_per_hour.",
            "A restart counts as a switch just now: the least times hold over it.",
        ),
        test_plan=("edge/tests/controllers/auxiliary/test_relay_output.py",),
    )

    def __init__(self, controller_id: str, settings: RelayOutputSettings) -> None:
        super().__init__(controller_id, settings)
        self._switch = HeldSwitch(SwitchTimes(settings.minimum_on_s, settings.minimum_off_s, settings.most_per_hour))
        self._resumed = False

    def bind(self, binding: Binding) -> None:
        self._state = binding.actuator(self.settings.relay, "state")
        self._when = [WatchedWhen(when, binding) for when in self.settings.when]

    def execute(self, ctx: Context) -> None:
        if not self._resumed:
            self._resumed = True
            closed = (ctx.value(self._state) or 0.0) >= 0.5
            self._switch.resume(on=closed != self.settings.inverted, now_ns=ctx.time_ns)
        wanted = any_holds(self._when, ctx, self.site.zone)
        on = self._switch.step(wanted, ctx.time_ns)
        ctx.publish("wanted", float(wanted))
        ctx.publish("starts_per_hour", float(self._switch.starts(ctx.time_ns)))
        ctx.publish("wait_s", self._switch.wait_s(ctx.time_ns))
        ctx.propose(self._state, preferred=float(on != self.settings.inverted))

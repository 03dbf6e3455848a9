"""A heat pump with the two contacts of the SG Ready label (Bundesverband Waermepumpe, "SG Ready" rules).

state        contact 1  contact 2
1 blocked    closed     open       for two hours at most
2 normal     open       open
3 encouraged open       closed
4 forced     closed     closed

The wishes are lists of conditions; of several that hold, blocked comes first, then forced, then encouraged.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final, Self

from pydantic import Field, model_validator

from simems_edge.config.quantities import NonNegativeSeconds, PositiveSeconds
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

BLOCKED, NORMAL, ENCOURAGED, FORCED = 1, 2, 3, 4
CONTACTS: Final = {
    BLOCKED: (True, False),
    NORMAL: (False, False),
    ENCOURAGED: (False, True),
    FORCED: (True, True),
}
LABELS: Final = ("unknown", "blocked", "normal", "encouraged", "forced")
LONGEST_BLOCK_S: Final = 7200.0
NS = 1_000_000_000
Wishes = Annotated[tuple[When, ...], Field(max_length=8)]


class SgReadySettings(ControllerSettings):
    relay1: RelayRef
    """Contact 1 of the heat pump."""
    relay2: RelayRef
    """Contact 2 of the heat pump."""
    block: Wishes = ()
    """State 1 while any of these holds."""
    force: Wishes = ()
    """State 4 while any of these holds."""
    encourage: Wishes = ()
    """State 3 while any of these holds."""
    minimum_state_s: NonNegativeSeconds = 600.0
    """Each state stays so long, but for a block that must end."""
    longest_block_s: Annotated[PositiveSeconds, Field(le=LONGEST_BLOCK_S)] = LONGEST_BLOCK_S
    """A block ends after this time; the label allows two hours."""
    block_rest_s: NonNegativeSeconds = LONGEST_BLOCK_S
    """After a block so long none begins."""

    @model_validator(mode="after")
    def _does_something(self) -> Self:
        if self.relay1 == self.relay2:
            raise ValueError("relay1 and relay2 are the same; name the two contacts of the heat pump")
        if not (self.block or self.force or self.encourage):
            raise ValueError("needs block, force or encourage; add one")
        return self

    def channel_references(self) -> dict[str, ChannelRef]:
        """Those of all conditions."""
        return condition_channels({"block": self.block, "force": self.force, "encourage": self.encourage})


@dataclass(frozen=True, slots=True)
class PumpState:
    """What is remembered from cycle to cycle."""

    state: int
    since_ns: int
    """When it began, monotonic."""
    blocked_s: float = 0.0
    """How long this block lasts, over restarts."""
    rest_s: float = 0.0
    """Until a block may begin again."""


def wanted_state(*, block: bool, force: bool, encourage: bool) -> int:
    """Blocked before forced before encouraged."""
    if block:
        return BLOCKED
    if force:
        return FORCED
    return ENCOURAGED if encourage else NORMAL


def next_state(old: PumpState, wanted: int, now_ns: int, dt_s: float, settings: SgReadySettings) -> PumpState:
    """A block that lasted its longest ends whatever is wanted; else a state holds its least time."""
    blocked_s = old.blocked_s + dt_s if old.state == BLOCKED else 0.0
    rest_s = max(old.rest_s - dt_s, 0.0)
    must_end = old.state == BLOCKED and blocked_s >= settings.longest_block_s
    if wanted == BLOCKED and (must_end or (old.state != BLOCKED and rest_s > 0.0)):
        wanted = NORMAL
    held = (now_ns - old.since_ns) / NS >= settings.minimum_state_s
    if wanted == old.state or not (held or must_end):
        return PumpState(old.state, old.since_ns, blocked_s, rest_s)
    if old.state == BLOCKED:
        rest_s = settings.block_rest_s
    return PumpState(wanted, now_ns, 0.0, rest_s)


class SgReady(Controller):
    Settings = SgReadySettings
    settings: SgReadySettings
    spec = Spec(
        type="sg_ready",
        owner="edge/simems_edge/controllers",
        priority=Priority.AUXILIARY,
        control_mode="SG_READY",
        safety_impact="It switches two signal contacts; the heat pump keeps its own protection and comfort limits.",
        fallback="A missing input makes its condition false. When its process dies, both relays are released: normal.",
        inputs=(
            Input("relay1", "state", "after a restart it counts as released"),
            Input("relay2", "state", "after a restart it counts as released"),
            Input("site", "utc_offset_s", "spans do not hold while the clock is unknown", optional=True),
        ),
        outputs=(Output("relay1", "state"), Output("relay2", "state")),
        metrics=(
            Metric("state", "", "State of the label", labels=LABELS),
            Metric("wanted", "", "State that the conditions ask for", labels=LABELS),
            Metric("blocked_s", "s", "How long this block lasts", retained=True),
            Metric("rest_s", "s", "Until a block may begin again", retained=True),
        ),
        acceptance=(
            "Never blocked for longer than longest_block_s, also over a restart.",
            "Each state stays minimum_state_s; both contacts change in the same cycle.",
        ),
        test_plan=("edge/tests/controllers/auxiliary/test_sg_ready.py",),
    )

    def __init__(self, controller_id: str, settings: SgReadySettings) -> None:
        super().__init__(controller_id, settings)
        self._pump: PumpState | None = None

    def bind(self, binding: Binding) -> None:
        settings = self.settings
        self._relays = tuple(binding.actuator(relay, "state") for relay in (settings.relay1, settings.relay2))
        self._kept = (binding.own("blocked_s"), binding.own("rest_s"))
        groups = (settings.block, settings.force, settings.encourage)
        self._block, self._force, self._encourage = ([WatchedWhen(w, binding) for w in group] for group in groups)

    def execute(self, ctx: Context) -> None:
        zone = self.site.zone
        wanted = wanted_state(
            block=any_holds(self._block, ctx, zone),
            force=any_holds(self._force, ctx, zone),
            encourage=any_holds(self._encourage, ctx, zone),
        )
        old = self._pump or self._resume(ctx)
        self._pump = next_state(old, wanted, ctx.time_ns, ctx.dt_s, self.settings)
        self._say(ctx, self._pump, wanted)

    def _resume(self, ctx: Context) -> PumpState:
        """The contacts as they stand, their state as if just begun. A block goes on counting; one that the restart
        ended is followed by its rest."""
        standing = tuple((ctx.value(handle) or 0.0) >= 0.5 for handle in self._relays)
        state = next(state for state, contacts in CONTACTS.items() if contacts == standing)
        blocked_s, rest_s = (ctx.value(handle) or 0.0 for handle in self._kept)
        if state != BLOCKED and blocked_s > 0.0:
            return PumpState(state, ctx.time_ns, rest_s=self.settings.block_rest_s)
        return PumpState(state, ctx.time_ns, blocked_s if state == BLOCKED else 0.0, rest_s)

    def _say(self, ctx: Context, pump: PumpState, wanted: int) -> None:
        ctx.publish("state", float(pump.state))
        ctx.publish("wanted", float(wanted))
        ctx.publish("blocked_s", pump.blocked_s)
        ctx.publish("rest_s", pump.rest_s)
        for handle, closed in zip(self._relays, CONTACTS[pump.state], strict=True):
            ctx.propose(handle, preferred=float(closed))

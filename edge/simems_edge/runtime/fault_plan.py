"""From the catalogue to the faults of one site: each only where its channel exists. Pure."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from simems_core import Cause, Channel, Fault

from simems_edge.config import Component
from simems_edge.contracts.faults import COMPARISONS, FaultDefinition, Limit, load_faults
from simems_edge.runtime.assembly import Assembly

SITE, EDGE = "site", "edge"


@dataclass(frozen=True)
class PlannedFault:
    """One fault of one component. Its number is its place in the plan."""

    definition: FaultDefinition
    component: str
    channel: str | None
    """Address of what is looked at; None for one that is told."""
    limit: float | None
    """In the channel's unit, for comparisons."""
    unit: str
    actuators: tuple[int, ...]

    @property
    def id(self) -> str:
        """``cell_undervoltage:ess0``."""
        return f"{self.definition.code}:{self.component}"

    @property
    def code(self) -> str:
        return self.definition.code

    @property
    def text(self) -> str:
        """One line for people, with the component's name."""
        return self.definition.text.replace("{component}", self.component)

    @property
    def refusal(self) -> str:
        """Why a person may not clear it while it is raised."""
        definition = self.definition
        if not definition.latch:
            return f"fault {self.id} clears by itself when its cause is gone: {definition.cause}"
        if self.channel is None:
            return f"fault {self.id} was raised this instant; try again"
        wait = f" for {definition.recovery.cause_gone_s:g} s" if definition.recovery.cause_gone_s else ""
        limit = "" if self.limit is None else f" (limit {self.limit:g} {self.unit})"
        return (
            f"fault {self.id} cannot be cleared while its cause stands: {definition.cause} "
            f"{self.channel}{limit} must give good, valid values{wait} first"
        )

    def core(self) -> Fault:
        """As the cycle takes it."""
        definition = self.definition
        return Fault(
            self.id,
            self._cause(),
            reaction=definition.reaction,
            actuators=self.actuators,
            latch=definition.latch,
            delay_s=definition.delay_s,
            gone_s=definition.recovery.cause_gone_s,
            hold_s=definition.recovery.hold_s,
        )

    def mirrored(self) -> Fault:
        """In a world that only follows another one: it is raised and cleared from there, and does the same."""
        return Fault(self.id, Cause.told(), reaction=self.definition.reaction, actuators=self.actuators, latch=True)

    def _cause(self) -> Cause:
        definition, channel = self.definition, self.channel
        if channel is None:
            return Cause.told()
        if definition.check in COMPARISONS and self.limit is not None:
            return Cause.compare(channel, definition.check, self.limit)
        if definition.check == "deviation":
            return self._deviation(channel)
        causes = {"implausible": Cause.implausible, "lost": Cause.lost, "tripped": Cause.tripped}
        return causes[definition.check](channel)

    def _deviation(self, channel: str) -> Cause:
        definition = self.definition
        scale = None if definition.scale is None else f"{self.component}/{definition.scale}"
        reference = f"{self.component}/{definition.reference}"
        return Cause.deviation(channel, reference, at_least=definition.at_least, share=definition.share, scale=scale)


def plan_faults(assembly: Assembly) -> tuple[PlannedFault, ...]:
    """Every fault that this site can have, in the catalogue's order."""
    planner = _Planner(assembly)
    return tuple(planned for definition in load_faults() for planned in planner.of(definition))


def islands(assembly: Assembly) -> list[str]:
    """Ids of the controllers that run an island sequence."""
    return [controller.id for controller in assembly.controllers if controller.spec.type == "island"]


class _Planner:
    def __init__(self, assembly: Assembly) -> None:
        self._assembly = assembly
        self._channels = {channel.address: channel for channel in assembly.image.channels}

    def of(self, definition: FaultDefinition) -> Iterator[PlannedFault]:
        if definition.check == "told":
            yield PlannedFault(definition, EDGE, None, None, "", self._actuators(definition, EDGE))
            return
        for component, addresses in self._places(definition):
            planned = self._planned(definition, component, addresses)
            if planned is not None:
                yield planned

    def _places(self, definition: FaultDefinition) -> Iterator[tuple[str, list[str]]]:
        """Each component that may have it, with the addresses to choose from."""
        if SITE in definition.of:
            yield SITE, [f"{SITE}/{name}" for name in definition.channel]
            declared = self._assembly.site.site.estop
            if declared is not None and "estop" in definition.channel:
                yield declared.partition("/")[0], [declared]
        if "grid" in definition.of and self._assembly.grid is not None:
            yield self._assembly.grid, [f"{self._assembly.grid}/{name}" for name in definition.channel]
        if "island" in definition.of:
            for controller in islands(self._assembly):
                yield controller, [f"{controller}/{name}" for name in definition.channel]
        for component, profile in self._assembly.profiles.items():
            if profile.kind in definition.of:
                yield component, [f"{component}/{name}" for name in definition.channel]

    def _planned(self, definition: FaultDefinition, component: str, addresses: Sequence[str]) -> PlannedFault | None:
        channel = next((self._channels[address] for address in addresses if address in self._channels), None)
        if channel is None or not self._has_others(definition, component):
            return None
        limit = None if definition.limit is None else self._limit(definition.limit, component, channel)
        if definition.limit is not None and limit is None:
            return None
        actuators = self._actuators(definition, component)
        return PlannedFault(definition, component, channel.address, limit, channel.unit, actuators)

    def _has_others(self, definition: FaultDefinition, component: str) -> bool:
        others = (definition.reference, definition.scale)
        return all(name is None or f"{component}/{name}" in self._channels for name in others)

    def _limit(self, limit: Limit, component: str, channel: Channel) -> float | None:
        number = self._source(limit, component, channel)
        number = limit.value if number is None else number
        return None if number is None else number * limit.factor

    def _source(self, limit: Limit, component: str, channel: Channel) -> float | None:
        if limit.guard is not None:
            return _guard(self._component(component), limit)
        if limit.site is not None:
            return float(getattr(self._assembly.site.site.grid, limit.site))
        if limit.clock is not None:
            return self._assembly.clock.speed
        return next((float(code) for code, text in channel.labels.items() if text == limit.label), None)

    def _component(self, component_id: str) -> Component:
        return self._assembly.site.component(component_id)

    def _actuators(self, definition: FaultDefinition, component: str) -> tuple[int, ...]:
        numbered = enumerate(self._assembly.actuators)
        every = definition.actuators == "all"
        return tuple(number for number, address in numbered if every or address.partition("/")[0] == component)


def _guard(component: Component, limit: Limit) -> float | None:
    pair: tuple[float, float] | None = getattr(component.guards, str(limit.guard))
    if pair is None:
        return None
    return pair[0] if limit.end == "low" else pair[1]

"""Stands where the Modbus bridge stands live: polls the plant's devices into the image, carries setpoints back."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simems_core import Decision

from simems_edge.devices import Profile
from simems_edge.runtime import Runtime
from simems_edge.sim import Plant

_NS = 1_000_000_000


@dataclass(slots=True)
class _Poll:
    """Channels of one component that are polled at one rate."""

    component: str
    names: tuple[str, ...]
    handles: tuple[int, ...]
    period_ns: int
    next_ns: int = 0
    checked: bool = False

    def check(self, shown: Mapping[str, float]) -> None:
        """Leave out what the device does not show, once."""
        offered = [(name, handle) for name, handle in zip(self.names, self.handles, strict=True) if name in shown]
        self.names = tuple(name for name, _ in offered)
        self.handles = tuple(handle for _, handle in offered)
        self.checked = True


class SimulatedBridge:
    """A value is stamped with the time of its arrival, as live: nobody tells the EMS how old it was. A device whose
    clock is off stamps with that error on it."""

    def __init__(self, runtime: Runtime, plant: Plant) -> None:
        self._image = runtime.image
        self._plant = plant
        self._polls = [poll for name, profile in runtime.profiles.items() for poll in self._of(name, profile)]
        self._errors_ns = {name: round(plant.clock_error_s(name) * _NS) for name in runtime.profiles}
        self._communication = {name: self._image.handle(f"{name}/communication") for name in runtime.profiles}

    def _of(self, component: str, profile: Profile) -> list[_Poll]:
        polls = []
        for period_s in sorted({row.poll_s for row in profile.channels if row.readable}):
            names = tuple(row.name for row in profile.channels if row.readable and row.poll_s == period_s)
            handles = tuple(self._image.handle(f"{component}/{name}") for name in names)
            polls.append(_Poll(component, names, handles, round(period_s * _NS)))
        return polls

    @property
    def stamps(self) -> bool:
        """Whether some samples are not stamped with the time of their cycle."""
        return any(self._errors_ns.values())

    def poll(self, time_ns: int) -> None:
        """Publish what is due, from devices that answer."""
        due = [poll for poll in self._polls if poll.next_ns <= time_ns]
        readings = {component: self._plant.readings(component) for component in {poll.component for poll in due}}
        for component in sorted(readings):
            self._say(component, readings[component] is not None, time_ns)
        for poll in due:
            poll.next_ns = (time_ns // poll.period_ns + 1) * poll.period_ns
            reading = readings[poll.component]
            if reading is not None:
                shown = reading.values
                if not poll.checked:
                    poll.check(shown)
                stamp_ns = time_ns + self._errors_ns[poll.component]
                self._image.publish_many(poll.handles, [shown[name] for name in poll.names], stamp_ns)

    def write(self, decisions: list[Decision]) -> None:
        """Setpoints reach a device that answers; one that does not goes on with what it has. Targets of clusters are
        nobody's to write."""
        for decision in decisions:
            address = decision.address
            if self._plant.takes(address) and not self._plant.is_mute(address.partition("/")[0]):
                self._plant.command(address, decision.setpoint)

    def _say(self, component: str, talks: bool, time_ns: int) -> None:
        self._image.publish(self._communication[component], float(talks), time_ns)

"""Addresses become integer handles once, before the first cycle; the hot path knows only integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from simems_core import CoreError, ProcessImage

from simems_edge.contracts.references import DeviceRef, EssRef, MeterRef, PvRef


class Binding:
    """Looks up handles in the image. ``actuators``: address -> number in the cycle; ``own``: metric -> handle."""

    def __init__(self, image: ProcessImage, actuators: Mapping[str, int], own: Mapping[str, int] | None = None) -> None:
        self._image = image
        self._addresses = frozenset(channel.address for channel in image.channels)
        self._own = {} if own is None else dict(own)
        self.actuators = {image.handle(address): number for address, number in actuators.items()}

    def read(self, ref: DeviceRef, channel: str) -> int:
        """Raises CoreError when the component has no such channel."""
        return self.channel(ref.address(channel))

    def find(self, ref: DeviceRef, channel: str) -> int | None:
        """As :meth:`read`; None when the component has no such channel."""
        return self.find_channel(ref.address(channel))

    def find_channel(self, address: str) -> int | None:
        """As :meth:`channel`; None when there is none."""
        return self.channel(address) if address in self._addresses else None

    def channel(self, address: str) -> int:
        """Handle of any channel, e.g. ``site/rocof_hz_per_s``. Raises CoreError when there is none."""
        return self._image.handle(address)

    def actuator(self, ref: DeviceRef, channel: str) -> int:
        """What :meth:`Context.propose` takes. Raises CoreError when the site does not command this channel."""
        return self.command(ref.address(channel))

    def command(self, address: str) -> int:
        """As :meth:`actuator`, by address."""
        handle = self.channel(address)
        if handle not in self.actuators:
            raise CoreError(f"{address} is not commanded here; add it to the component's `control`")
        return handle

    def resolution(self, handle: int) -> float:
        """The smallest difference that a channel's profile promises, in its unit; 0 when it promises none."""
        return self._image.channels[handle].resolution

    def labels(self, handle: int) -> dict[int, str]:
        """Of an enumeration; empty for another channel."""
        return dict(self._image.channels[handle].labels or {})

    def own(self, metric: str) -> int:
        """Handle of one of the controller's own channels (a retained one holds what it held before the restart)."""
        return self._own[metric]


@dataclass(frozen=True, slots=True)
class MeterHandles:
    active_power_w: int

    @classmethod
    def of(cls, ref: MeterRef, binding: Binding) -> Self:
        return cls(active_power_w=binding.read(ref, "active_power_w"))


@dataclass(frozen=True, slots=True)
class EssHandles:
    active_power_w: int
    """Reading; as the first argument of :meth:`Context.propose` the actuator."""
    active_power_w_setpoint: int
    soc_pct: int

    @classmethod
    def of(cls, ref: EssRef, binding: Binding) -> Self:
        return cls(**{name: binding.read(ref, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class PvHandles:
    active_power_w: int

    @classmethod
    def of(cls, ref: PvRef, binding: Binding) -> Self:
        return cls(active_power_w=binding.read(ref, "active_power_w"))

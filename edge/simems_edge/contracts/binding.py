"""Addresses become integer handles once, before the first cycle; the hot path knows only integers."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Self

from simems_core import ProcessImage

from simems_edge.contracts.references import DeviceRef, EssRef, MeterRef, PvRef


class Binding:
    """Looks up handles in the image. ``actuators``: address -> number in the cycle's list."""

    def __init__(self, image: ProcessImage, actuators: Mapping[str, int]) -> None:
        self._image = image
        self.actuators = {image.handle(address): number for address, number in actuators.items()}

    def read(self, ref: DeviceRef, channel: str) -> int:
        """Raises CoreError when the component has no such channel."""
        return self._image.handle(ref.address(channel))


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
    max_charge_power_w: int
    max_discharge_power_w: int

    @classmethod
    def of(cls, ref: EssRef, binding: Binding) -> Self:
        return cls(**{name: binding.read(ref, name) for name in cls.__slots__})


@dataclass(frozen=True, slots=True)
class PvHandles:
    active_power_w: int

    @classmethod
    def of(cls, ref: PvRef, binding: Binding) -> Self:
        return cls(active_power_w=binding.read(ref, "active_power_w"))

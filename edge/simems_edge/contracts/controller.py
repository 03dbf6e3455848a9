"""Base of all controllers: frozen settings outside, a pure calculation inside, a spec that says what it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from simems_edge.contracts.binding import Binding
from simems_edge.contracts.context import Context
from simems_edge.contracts.references import DeviceRef
from simems_edge.contracts.spec import Spec


class ControllerSettings(BaseModel):
    """Frozen and strict: an unknown key is refused. Fields carry the unit in the name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    def references(self) -> dict[str, DeviceRef]:
        """Field name -> component it refers to."""
        return {name: value for name, value in self if isinstance(value, DeviceRef)}


class Controller(ABC):
    """A small plugin of the entry point group ``simems.controllers``.

    ``execute`` runs once per cycle. Raising costs the controller its turn; its last proposals live out their lifetime.
    """

    spec: ClassVar[Spec]
    Settings: ClassVar[type[ControllerSettings]]

    def __init__(self, controller_id: str, settings: ControllerSettings) -> None:
        self.id = controller_id
        self.settings = settings

    @abstractmethod
    def bind(self, binding: Binding) -> None:
        """Look up handles, once, before the first cycle."""

    @abstractmethod
    def execute(self, ctx: Context) -> None:
        """Read the snapshot, calculate, propose."""


def control_settings(settings: ControllerSettings) -> dict[str, float]:
    """The numbers among the settings, by field name: screens draw them (``peak0/threshold_w``)."""
    numbers = ((name, value) for name, value in settings if isinstance(value, int | float))
    return {name: float(value) for name, value in numbers if not isinstance(value, bool)}

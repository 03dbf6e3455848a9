"""Base of all controllers: frozen settings outside, a pure calculation inside, a spec that says what it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import ClassVar

from pydantic import BaseModel, ConfigDict

from simems_edge.contracts.binding import Binding
from simems_edge.contracts.context import Context
from simems_edge.contracts.references import ChannelRef, DeviceRef
from simems_edge.contracts.site_facts import SiteFacts
from simems_edge.contracts.spec import Spec


class ControllerSettings(BaseModel):
    """Frozen and strict: an unknown key is refused. Fields carry the unit in the name."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    def references(self) -> dict[str, DeviceRef]:
        """Field name (``name[0]``, ``name[1]`` in a list) -> component it refers to."""
        return {name: value for name, value in _named(self) if isinstance(value, DeviceRef)}

    def channel_references(self) -> dict[str, ChannelRef]:
        """Field name -> channel it refers to."""
        return {name: value for name, value in _named(self) if isinstance(value, ChannelRef)}


def _named(settings: ControllerSettings) -> Iterator[tuple[str, object]]:
    for name, value in settings:
        if isinstance(value, tuple):
            yield from ((f"{name}[{number}]", one) for number, one in enumerate(value))
        else:
            yield name, value


class Controller(ABC):
    """A small plugin of the entry point group ``simems.controllers``.

    ``execute`` runs once per cycle. Raising costs the controller its turn; its last proposals live out their lifetime.
    """

    spec: ClassVar[Spec]
    Settings: ClassVar[type[ControllerSettings]]
    site: SiteFacts = SiteFacts()
    """What the site file says of the site as a whole; set before :meth:`bind`."""

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

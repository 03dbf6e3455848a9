"""What a controller is and what it sees: base class, spec, settings, references, context.

In: nothing but the core's snapshot types. Out: the names every controller and every test of one imports.
Never here: I/O, devices, a particular controller.
"""

from simems_edge.contracts.binding import Binding, EssHandles, MeterHandles, PvHandles
from simems_edge.contracts.context import Context
from simems_edge.contracts.controller import Controller, ControllerSettings, control_settings
from simems_edge.contracts.references import DeviceRef, EssRef, MeterRef, PvRef
from simems_edge.contracts.spec import Metric, Priority, Spec

__all__ = [
    "Binding",
    "Context",
    "Controller",
    "ControllerSettings",
    "DeviceRef",
    "EssHandles",
    "EssRef",
    "MeterHandles",
    "MeterRef",
    "Metric",
    "Priority",
    "PvHandles",
    "PvRef",
    "Spec",
    "control_settings",
]

"""What a controller is and what it sees: base class, spec, settings, references, context.

In: nothing but the core's snapshot types. Out: the names every controller and every test of one imports.
Never here: I/O, devices, a particular controller.
"""

from simems_edge.contracts.binding import Binding, EssHandles, MeterHandles, PvHandles
from simems_edge.contracts.context import Context
from simems_edge.contracts.controller import Controller, ControllerSettings, control_settings
from simems_edge.contracts.references import (
    BreakerRef,
    ChannelRef,
    DeviceRef,
    EssRef,
    EvcsRef,
    LoadRef,
    MeterRef,
    PvRef,
    RelayRef,
)
from simems_edge.contracts.site_facts import SiteFacts
from simems_edge.contracts.spec import Input, Metric, Output, Priority, Spec

__all__ = [
    "Binding",
    "BreakerRef",
    "ChannelRef",
    "Context",
    "Controller",
    "ControllerSettings",
    "DeviceRef",
    "EssHandles",
    "EssRef",
    "EvcsRef",
    "Input",
    "LoadRef",
    "MeterHandles",
    "MeterRef",
    "Metric",
    "Output",
    "Priority",
    "PvHandles",
    "PvRef",
    "RelayRef",
    "SiteFacts",
    "Spec",
    "control_settings",
]

"""The site file.

Enters: a path to SITE.yaml. Leaves: one frozen :class:`Site`, or :class:`SiteError` with every :class:`Problem` found,
each with file, line, path, value and remedy. Never happens here: any look at devices, controllers or the network;
secrets in messages.
"""

from simems_edge.config.model import (
    BufferSettings,
    CloudSettings,
    Component,
    Connection,
    ControllerEntry,
    CycleSettings,
    GridLimits,
    Guards,
    HmiSettings,
    ModbusTcp,
    RecorderSettings,
    Site,
    SiteInfo,
)
from simems_edge.config.simulation import SimulatedDevice, SimulatedLoad, SimulatedPv, Simulation

__all__ = [
    "BufferSettings",
    "CloudSettings",
    "Component",
    "Connection",
    "ControllerEntry",
    "CycleSettings",
    "GridLimits",
    "Guards",
    "HmiSettings",
    "ModbusTcp",
    "RecorderSettings",
    "SimulatedDevice",
    "SimulatedLoad",
    "SimulatedPv",
    "Simulation",
    "Site",
    "SiteInfo",
]

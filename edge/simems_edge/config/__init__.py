"""The site file.

Enters: a path to SITE.yaml. Leaves: one frozen :class:`Site`, or :class:`SiteError` with every :class:`Problem` found,
each with file, line, path, value and remedy. Never happens here: any look at devices, controllers or the network;
secrets in messages.
"""

from simems_edge.config.charging import ChargingStation, Ocpp, OcppSettings
from simems_edge.config.connection import Connection, Modbus, ModbusRtu, ModbusRtuTcp, ModbusTcp
from simems_edge.config.load import SiteFile, load_site, read_site
from simems_edge.config.model import (
    BufferSettings,
    CloudSettings,
    ClusterEntry,
    Component,
    Control,
    ControllerEntry,
    CycleSettings,
    Estimator,
    GridLimits,
    Guards,
    HmiSettings,
    RecorderSettings,
    Shadow,
    Site,
    SiteInfo,
)
from simems_edge.config.problem import Problem, SiteError
from simems_edge.config.settings import parse_settings, settings_problems
from simems_edge.config.simulation import (
    SimulatedBreaker,
    SimulatedCells,
    SimulatedCharger,
    SimulatedConsumer,
    SimulatedDevice,
    SimulatedDropouts,
    SimulatedForming,
    SimulatedGrid,
    SimulatedHeatPump,
    SimulatedHybrid,
    SimulatedLoad,
    SimulatedPv,
    SimulatedSession,
    SimulatedThermal,
    Simulation,
)

__all__ = [
    "BufferSettings",
    "ChargingStation",
    "CloudSettings",
    "ClusterEntry",
    "Component",
    "Connection",
    "Control",
    "ControllerEntry",
    "CycleSettings",
    "Estimator",
    "GridLimits",
    "Guards",
    "HmiSettings",
    "Modbus",
    "ModbusRtu",
    "ModbusRtuTcp",
    "ModbusTcp",
    "Ocpp",
    "OcppSettings",
    "Problem",
    "RecorderSettings",
    "Shadow",
    "SimulatedBreaker",
    "SimulatedCells",
    "SimulatedCharger",
    "SimulatedConsumer",
    "SimulatedDevice",
    "SimulatedDropouts",
    "SimulatedForming",
    "SimulatedGrid",
    "SimulatedHeatPump",
    "SimulatedHybrid",
    "SimulatedLoad",
    "SimulatedPv",
    "SimulatedSession",
    "SimulatedThermal",
    "Simulation",
    "Site",
    "SiteError",
    "SiteFile",
    "SiteInfo",
    "load_site",
    "parse_settings",
    "read_site",
    "settings_problems",
]

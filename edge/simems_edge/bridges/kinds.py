"""Which bridges a site needs."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Any, Final

from simems_edge.bridges.can import CanBridge
from simems_edge.bridges.http import HttpBridge
from simems_edge.bridges.modbus import ModbusBridge
from simems_edge.bridges.mqtt import MqttBridge
from simems_edge.bridges.ocpp.bridge import OcppBridge
from simems_edge.bridges.ocpp.office import ChargingOffice
from simems_edge.config import Site

Kind = type[ModbusBridge] | type[HttpBridge] | type[MqttBridge] | type[CanBridge] | type[OcppBridge]
BRIDGES: Final[dict[str, Kind]] = {
    "modbus": ModbusBridge,
    "http": HttpBridge,
    "mqtt": MqttBridge,
    "can": CanBridge,
    "ocpp": OcppBridge,
}
"""By protocol of a connection."""


def bridges_of(site: Site, data: Path | None = None, office: ChargingOffice | None = None) -> list[Any]:
    """One for each protocol that a component is reached by; each runs apart, so that none waits for another.

    ``data``: folder of what must not be forgotten; without one charging stations, whose sessions could not be kept, are
    not answered. ``office``: shows charging to screens."""
    spoken = {component.connection.protocol for component in site.components}
    found: list[Any] = [kind for protocol, kind in BRIDGES.items() if protocol in spoken - {"ocpp"}]
    if "ocpp" in spoken and data is not None:
        found.append(partial(OcppBridge, data=data, office=office))
    return found

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

BRIDGES: Final[dict[str, Any]] = {
    "modbus": ModbusBridge,
    "http": HttpBridge,
    "mqtt": MqttBridge,
    "can": CanBridge,
    "ocpp": OcppBridge,
}
"""By protocol of a connection."""


def bridges_of(site: Site, data: Path, office: ChargingOffice | None = None) -> list[Any]:
    """One for each protocol that a component is reached by; each runs apart, so that none waits for another.

    ``data``: folder of what a bridge must not forget; ``office``: shows charging to screens."""
    makers = BRIDGES | {"ocpp": partial(OcppBridge, data=data, office=office)}
    spoken = {component.connection.protocol for component in site.components}
    return [bridge for protocol, bridge in makers.items() if protocol in spoken]

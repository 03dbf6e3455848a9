"""Which bridges a site needs."""

from __future__ import annotations

from typing import Final

from simems_edge.bridges.can import CanBridge
from simems_edge.bridges.http import HttpBridge
from simems_edge.bridges.modbus import ModbusBridge
from simems_edge.bridges.mqtt import MqttBridge
from simems_edge.config import Site

Kind = type[ModbusBridge] | type[HttpBridge] | type[MqttBridge] | type[CanBridge]
BRIDGES: Final[dict[str, Kind]] = {"modbus": ModbusBridge, "http": HttpBridge, "mqtt": MqttBridge, "can": CanBridge}
"""By protocol of a connection."""


def bridges_of(site: Site) -> list[Kind]:
    """One for each protocol that a component is reached by; each runs apart, so that none waits for another."""
    spoken = {component.connection.protocol for component in site.components}
    return [bridge for protocol, bridge in BRIDGES.items() if protocol in spoken]

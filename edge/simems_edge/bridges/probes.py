"""One look at a device, whatever it speaks."""

from __future__ import annotations

from collections.abc import AsyncGenerator
from typing import Protocol

from simems_edge.bridges.can.probing import CanProbe
from simems_edge.bridges.http.probing import HttpProbe
from simems_edge.bridges.modbus.probing import Probe as ModbusProbe
from simems_edge.bridges.mqtt.probing import MqttProbe
from simems_edge.config import Can, Connection, Http, Mqtt, MqttSettings
from simems_edge.devices import Profile


class Probe(Protocol):
    """Nothing is ever set by one."""

    def watch(self, interval_s: float) -> AsyncGenerator[dict[str, float | None], None]:
        """Everything each ``interval_s``; None: the device does not have it. Raises DeviceError."""


def probe_of(connection: Connection, profile: Profile, broker: MqttSettings | None = None) -> Probe:
    """``broker``: of an MQTT connection. ValueError without it, and (DbcError) when a DBC file cannot be used."""
    one = connection.given
    if isinstance(one, Http):
        return HttpProbe(one, profile)
    if isinstance(one, Can):
        return CanProbe(one, profile)
    if isinstance(one, Mqtt):
        if broker is None:
            raise ValueError("an MQTT device is reached through a broker; name it")
        return MqttProbe(one, profile, broker)
    return ModbusProbe(connection, profile)

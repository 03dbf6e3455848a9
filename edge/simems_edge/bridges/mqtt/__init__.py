"""MQTT: devices that send to the site's broker, the site told there, and requests where the site file has them.

Enters: messages of devices; signed requests. Leaves: values in the image as of their arrival; channels, retained;
bounds with a lifetime. Never happens here: a retained message taken for a fresh one or for a request; a request carried
out that is not signed, not on the list, out of range or repeated.
"""

from simems_edge.bridges.mqtt.bridge import MqttBridge
from simems_edge.bridges.mqtt.gateway import Desk, MqttGateway

__all__ = ["Desk", "MqttBridge", "MqttGateway"]

"""What Home Assistant must be told of a channel so that it shows it, and its energy dashboard counts it. Pure.

Source: Home Assistant, "MQTT Discovery" and "MQTT Sensor"; device and state classes of its sensor integration.
"""

from __future__ import annotations

import json
from typing import Any, Final

from simems_core import Channel

from simems_edge.bridges.mqtt.topics import Topics

COUNTERS: Final = frozenset({
    "import_energy_wh", "export_energy_wh", "charge_energy_wh", "discharge_energy_wh", "energy_wh", "session_energy_wh",
})  # fmt: skip
"""Registers that only rise (and may begin anew)."""
DEVICE_CLASSES: Final = {
    "W": "power", "Wh": "energy_storage", "V": "voltage", "A": "current", "Hz": "frequency", "degC": "temperature",
    "var": "reactive_power", "VA": "apparent_power", "s": "duration",
}  # fmt: skip
UNITS: Final = {"degC": "°C"}
ORIGIN: Final = {"name": "Sim EMS"}


def announcement(channel: Channel, topics: Topics) -> tuple[str, str]:
    """Topic and payload of a channel's discovery message."""
    component, _, name = channel.address.partition("/")
    kind = "binary_sensor" if channel.kind == "bool" else "sensor"
    object_id = f"{component}_{name}".replace("-", "_")
    topic = f"{topics.discovery}/{kind}/{topics.node}/{object_id}/config"
    return topic, json.dumps(_config(channel, topics, f"{topics.node}_{object_id}"), ensure_ascii=False)


def _config(channel: Channel, topics: Topics, unique_id: str) -> dict[str, Any]:
    component, _, name = channel.address.partition("/")
    return {
        "name": name.replace("_", " "),
        "unique_id": unique_id,
        "state_topic": topics.channel(channel.address),
        "availability": [
            {"topic": topics.status},
            {
                "topic": topics.channel(channel.address),
                "value_template": "{{ 'online' if value_json.value is not none else 'offline' }}",
            },
        ],
        "availability_mode": "all",
        "device": {
            "identifiers": [f"{topics.node}_{component}"],
            "name": f"{topics.site} {component}",
            "manufacturer": "Sim EMS",
        },
        "origin": ORIGIN,
        **_kind(channel, name),
    }


def _kind(channel: Channel, name: str) -> dict[str, Any]:
    if channel.kind == "bool":
        return {"value_template": "{{ 'ON' if value_json.value == 1 else 'OFF' }}"}
    if channel.labels:
        return {
            "device_class": "enum",
            "options": list(dict.fromkeys(channel.labels.values())),
            "value_template": "{{ value_json.label }}",
        }
    shown: dict[str, Any] = {"value_template": "{{ value_json.value }}", "state_class": "measurement"}
    if channel.unit:
        shown["unit_of_measurement"] = UNITS.get(channel.unit, channel.unit)
    if name.removesuffix("_l1").removesuffix("_l2").removesuffix("_l3") in COUNTERS:
        return shown | {"device_class": "energy", "state_class": "total_increasing"}
    if name in {"soc_pct", "soc_est_pct"}:
        return shown | {"device_class": "battery"}
    device_class = DEVICE_CLASSES.get(channel.unit)
    return shown if device_class is None else shown | {"device_class": device_class}

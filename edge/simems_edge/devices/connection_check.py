"""Does each component's connection fit what its profile speaks, and is what it names there? Pure but for files that
the site file names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simems_edge.config import Component, Problem, Site
from simems_edge.config.document import Document
from simems_edge.config.problem import Path
from simems_edge.devices.profile import ProfileError, load_profile

SPOKEN: Final = {"sunspec": "modbus", "modbus": "modbus", "http": "http", "mqtt": "mqtt", "can": "can"}
"""Protocol of a profile -> of the connection."""
_WRITE: Final = {
    "modbus": "modbus_tcp: {host: ..., port: ..., unit: ...}",
    "http": "http: {url: http://...}",
    "mqtt": "mqtt: {topic: ...}",
    "can": "can: {channel: can0}",
}


def connection_problems(site: Site, document: Document) -> Iterator[Problem]:
    """Components whose connection and profile are of two protocols, and MQTT devices without a broker."""
    for position, component in enumerate(site.components):
        path: Path = ("components", position, "connection")
        yield from _misfit(document, path, component)
        if component.connection.protocol == "mqtt" and site.mqtt is None:
            message = "has no broker: the site file has no section mqtt"
            yield document.problem((*path, "mqtt"), message, "add mqtt: {host: ...} to the site file")


def _misfit(document: Document, path: Path, component: Component) -> Iterator[Problem]:
    try:
        profile = load_profile(component.profile)
    except ProfileError:
        return  # said where the profile is named
    wanted, connection = SPOKEN[profile.protocol], component.connection
    if connection.protocol != wanted:
        message = f"cannot reach it: profile {profile.id} speaks {profile.protocol}"
        yield document.problem((*path, connection.kind), message, f"use {_WRITE[wanted]}", value=connection.shown)

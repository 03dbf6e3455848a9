"""Does each component's connection fit what its profile speaks, and is what it names there? Pure but for files that
the site file names."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from simems_edge.config import Component, Problem, Site
from simems_edge.config.document import Document
from simems_edge.config.problem import Path
from simems_edge.devices.profile import ProfileError, load_profile

SPOKEN: Final = {"sunspec": "modbus", "modbus": "modbus", "http": "http", "mqtt": "mqtt", "can": "can", "ocpp": "ocpp"}
"""Protocol of a profile -> of the connection."""
_WRITE: Final = {
    "modbus": "modbus_tcp: {host: ..., port: ..., unit: ...}",
    "http": "http: {url: http://...}",
    "mqtt": "mqtt: {topic: ...}",
    "can": "can: {channel: can0}",
    "ocpp": "ocpp: {station: ..., connector: 1}",
}


def connection_problems(site: Site, document: Document) -> Iterator[Problem]:
    """Components whose connection and profile are of two protocols, and MQTT devices without a broker."""
    for position, component in enumerate(site.components):
        path: Path = ("components", position, "connection")
        misfits = list(_misfit(document, path, component))
        yield from misfits
        if component.connection.protocol == "mqtt" and site.mqtt is None and not misfits:
            message = "has no broker: the site file has no section mqtt"
            yield document.problem((*path, "mqtt"), message, "add mqtt: {host: ...} to the site file")
    yield from _requests(site, document)


def _requests(site: Site, document: Document) -> Iterator[Problem]:
    """What may be asked over the broker must be there to be set."""
    settable = {address for component in site.components for address in _settable(component)}
    for position, request in enumerate(site.mqtt.requests if site.mqtt else ()):
        path: Path = ("mqtt", "requests", position, "sets")
        if "/" in request.sets and request.sets not in settable:
            remedy = f"use one of {', '.join(sorted(settable)) or '(none here)'}, or a limit"
            yield document.problem(path, "is nothing that can be set", remedy)
        if request.sets == "dimming_limit" and site.site.dimming is None:
            yield document.problem(path, "is not there: the site file has no dimming", "add site.dimming, or remove it")
        if request.sets.endswith("_limit") and request.minimum < 0.0:
            path = (*path[:-1], "minimum")
            yield document.problem(path, "is a limit below 0 W", "give 0 or more")


def _settable(component: Component) -> list[str]:
    try:
        rows = load_profile(component.profile).channels
    except ProfileError:
        return []  # said where the profile is named
    return [f"{component.id}/{row.name}" for row in rows if row.settable]


def _misfit(document: Document, path: Path, component: Component) -> Iterator[Problem]:
    try:
        profile = load_profile(component.profile)
    except ProfileError:
        return  # said where the profile is named
    wanted, connection = SPOKEN[profile.protocol], component.connection
    if connection.protocol != wanted:
        message = f"cannot reach it: profile {profile.id} speaks {profile.protocol}"
        yield document.problem((*path, connection.kind), message, f"use {_WRITE[wanted]}", value=connection.shown)

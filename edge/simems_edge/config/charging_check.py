"""What the site file says of charging stations must fit together. Needs no devices."""

from __future__ import annotations

import difflib
from collections.abc import Iterator
from typing import TYPE_CHECKING

from simems_edge.config.document import Document
from simems_edge.config.problem import Path, Problem

if TYPE_CHECKING:
    from simems_edge.config.model import Component, Site


def charging_problems(site: Site, document: Document) -> Iterator[Problem]:
    """Stations, their connectors, and caps that even the safe currents would pass."""
    yield from _connectors(site, document)
    if site.ocpp is not None:
        yield from _stations(site, document)
        if site.ocpp.port == site.hmi.port:
            yield document.problem(
                ("ocpp", "port"), "is also the port of the hmi", "choose another port for one of them"
            )
    yield from _caps(site, document)


def _connectors(site: Site, document: Document) -> Iterator[Problem]:
    for position, component in enumerate(site.components):
        ocpp = component.connection.ocpp
        if ocpp is None:
            continue
        path: Path = ("components", position, "connection", "ocpp")
        if site.ocpp is None:
            remedy = "add a section ocpp: {stations: [{id: ...}]}"
            yield document.problem(path, "has no management system to connect to", remedy)
        elif site.ocpp.station(ocpp.station) is None:
            known = [one.id for one in site.ocpp.stations]
            close = difflib.get_close_matches(ocpp.station, known, n=1)
            remedy = f"did you mean {close[0]!r}?" if close else "add it under ocpp.stations"
            yield document.problem((*path, "station"), "is no listed station", remedy, value=repr(ocpp.station))
        if component.control is None:
            remedy = "add control: {safe_current_a: 6 A, maximum_current_a: 32 A}"
            yield document.problem(("components", position), "is a connector without a safe current", remedy)


def _stations(site: Site, document: Document) -> Iterator[Problem]:
    assert site.ocpp is not None  # noqa: S101 - the caller looked
    used = {c.connection.ocpp.station for c in site.components if c.connection.ocpp is not None}
    seen: set[str] = set()
    for position, station in enumerate(site.ocpp.stations):
        path: Path = ("ocpp", "stations", position)
        if station.id in seen:
            yield document.problem((*path, "id"), "is listed twice", "keep one of them")
        seen.add(station.id)
        if station.id not in used:
            yield document.problem(
                (*path, "id"), "has no connector among the components", "add a component for each of its connectors"
            )
        if site.ocpp.security_profile in {1, 2} and station.password_hash is None:
            message = f"has no password, which security profile {site.ocpp.security_profile} needs"
            yield document.problem(path, message, "make one with `simems-edge ocpp-password`", value=station.id)


def _caps(site: Site, document: Document) -> Iterator[Problem]:
    """A station that loses its management system falls to the safe current: all of them must fit."""
    by_id = {component.id: component for component in site.components}
    for position, cluster in enumerate(site.clusters):
        members = [by_id[name] for name in cluster.members if name in by_id]
        path: Path = ("clusters", position)
        ours = [member.connection.ocpp is not None for member in members]
        if any(ours) and not all(ours):
            message = "mix connectors of OCPP with other chargers"
            yield document.problem((*path, "members"), message, "give each kind a cluster with a limit of its own")
        if not any(ours):
            continue
        yield from _sum(document, (*path, "limit_a"), cluster.limit_a, members)
        for phase in (1, 2, 3):
            on = [one for one in members if one.control is not None and phase in one.control.phases]
            yield from _sum(document, (*path, "fuse_a"), cluster.fuse_a, on)
    yield from _station_fuses(site, document)


def _sum(document: Document, path: Path, limit_a: float | None, members: list[Component]) -> Iterator[Problem]:
    safe_a = sum(one.control.safe_current_a for one in members if one.control is not None)
    if limit_a is not None and safe_a > limit_a:
        message = f"is below the {safe_a:g} A that its members' safe currents take together"
        yield document.problem(path, message, "lower safe_current_a of its members (0 A is allowed), or raise it")


def _station_fuses(site: Site, document: Document) -> Iterator[Problem]:
    for position, station in enumerate(site.ocpp.stations if site.ocpp else ()):
        members = [c for c in site.components if c.connection.ocpp and c.connection.ocpp.station == station.id]
        yield from _sum(
            document, ("ocpp", "stations", position, "maximum_current_a"), station.maximum_current_a, members
        )

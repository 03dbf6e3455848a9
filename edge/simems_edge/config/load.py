"""SITE.yaml -> Site, or every problem in it."""

from dataclasses import dataclass
from pathlib import Path as FilePath
from typing import TypeVar

from pydantic import BaseModel, ValidationError

from simems_edge.config.connection import Connection
from simems_edge.config.consistency import consistency_problems
from simems_edge.config.document import Document
from simems_edge.config.explain import explain
from simems_edge.config.model import Component, Site
from simems_edge.config.mqtt import MqttSettings
from simems_edge.config.parse import read_document
from simems_edge.config.problem import Problem, SiteError

Section = TypeVar("Section", bound=BaseModel)


@dataclass(frozen=True)
class SiteFile:
    """A site with the document it came from, so that later checks can name lines. ``site`` is None when it has
    problems that leave nothing to check further."""

    document: Document
    site: Site | None
    problems: tuple[Problem, ...]


def load_site(path: str | FilePath) -> Site:
    """The site in this file. Raises :class:`SiteError` with everything that is wrong in the file itself.

    Profiles and controllers' settings are checked by those who know them (``devices.checked_site``).
    """
    file = read_site(path)
    if file.problems or file.site is None:
        raise SiteError(file.problems)
    return file.site


def read_site(path: str | FilePath) -> SiteFile:
    """As :func:`load_site`, but collects the problems instead of raising."""
    return site_of(read_document(FilePath(path)))


def site_of(document: Document) -> SiteFile:
    """Check a parsed document."""
    problems = list(document.problems)
    if document.data is None and problems:
        return SiteFile(document, None, tuple(problems))
    if not isinstance(document.data, dict):
        return SiteFile(document, None, (*problems, _not_a_site(document)))
    try:
        site = Site.model_validate(document.data)
    except ValidationError as error:
        return SiteFile(document, None, (*problems, *explain(document, error, Site)))
    site = _placed(site, FilePath(document.file).parent)
    return SiteFile(document, site, (*problems, *consistency_problems(site, document)))


def _placed(site: Site, folder: FilePath) -> Site:
    """Paths in a site file are relative to it; from here on they are whole."""
    updates: dict[str, object] = {
        "components": tuple(_component_placed(component, folder) for component in site.components),
        "mqtt": _mqtt_placed(site.mqtt, folder),
    }
    if site.prices is not None:
        updates["prices"] = placed(site.prices, folder, "token_file")
    if site.ocpp is not None:
        updates["ocpp"] = placed(site.ocpp, folder, "certificate", "private_key", "client_authority")
    if site.cloud is not None:
        updates["cloud"] = placed(site.cloud, folder, "ca_file", "certificate", "certificate_key")
    return site.model_copy(update=updates)


def _mqtt_placed(mqtt: MqttSettings | None, folder: FilePath) -> MqttSettings | None:
    if mqtt is None:
        return None
    tls = mqtt.tls if mqtt.tls is None else placed(mqtt.tls, folder, "ca_file", "certificate_file", "key_file")
    requests = tuple(placed(request, folder, "secret_file") for request in mqtt.requests)
    return placed(mqtt, folder, "password_file").model_copy(update={"tls": tls, "requests": requests})


def _component_placed(component: Component, folder: FilePath) -> Component:
    updates: dict[str, object] = {"connection": _connection_placed(component.connection, folder)}
    if component.estimator is not None:
        cell = str((folder / component.estimator.cell).resolve())
        updates["estimator"] = component.estimator.model_copy(update={"cell": cell})
    return component.model_copy(update=updates)


def _connection_placed(connection: Connection, folder: FilePath) -> Connection:
    http = connection.http
    if http is None:
        return connection
    return connection.model_copy(update={"http": placed(http, folder, "password_file", "ca_file")})


def placed(section: Section, folder: FilePath, *names: str) -> Section:
    """The section with the files that it names as whole paths."""
    given = {name: getattr(section, name) for name in names if getattr(section, name) is not None}
    return section.model_copy(update={name: str((folder / path).resolve()) for name, path in given.items()})


def _not_a_site(document: Document) -> Problem:
    remedy = "write a site file, or let `simems-edge init` write one"
    if document.data is None:
        return document.problem((), "is empty", remedy, value="(empty)")
    return document.problem((), "must be sections of keys and values", remedy)

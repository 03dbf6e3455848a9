"""Can a site keep what its ``dimming`` section promises? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simems_edge.config import Problem, Site
from simems_edge.config.document import Document
from simems_edge.config.problem import Path
from simems_edge.devices.profile import ProfileError, load_profile

_READ_BOOL = "name a bool channel that can be read, as component/channel (`simems-edge show SITE.yaml`)"


def dimming_problems(site: Site, document: Document, kinds: Mapping[str, str]) -> Iterator[Problem]:
    """Contacts that nobody reads, devices that nobody commands, consumers that nobody measures."""
    dimming = site.site.dimming
    if dimming is None:
        return
    path: Path = ("site", "dimming")
    for place, contact in enumerate(dimming.contacts):
        if not _reads(site, contact.channel, kind="bool"):
            yield document.problem((*path, "contacts", place, "channel"), "is no such channel of this site", _READ_BOOL)
    commanded = {c.id for c in site.components if kinds.get(c.id) == "ess" or c.control is not None}
    for place, device in enumerate(dimming.devices):
        if kinds.get(device) not in {"ess", "evcs"} or device not in commanded:
            message = "is no battery or charger that is commanded here"
            remedy = "give it a control section, or list it under consumers"
            yield document.problem((*path, "devices", place), message, remedy)
    for place, consumer in enumerate(dimming.consumers):
        if consumer.component in dimming.devices:
            message, remedy = "is among the devices already", "keep it in one of both"
            yield document.problem((*path, "consumers", place, "component"), message, remedy)
        elif not _reads(site, f"{consumer.component}/active_power_w", kind="float"):
            message, remedy = "gives no active_power_w", "name a component whose profile reads it"
            yield document.problem((*path, "consumers", place, "component"), message, remedy)


def _reads(site: Site, address: str, *, kind: str) -> bool:
    component_id, _, name = address.partition("/")
    component = next((one for one in site.components if one.id == component_id), None)
    if component is None:
        return False
    try:
        rows = load_profile(component.profile).channels
    except ProfileError:
        return True  # said where the profile is named
    return any(row.name == name and row.kind == kind and row.readable for row in rows)

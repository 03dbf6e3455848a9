"""Frames of one CAN bus must be one device's: what is wrong between the profiles of a site that share a bus."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from simems_edge.config import Component, Site
from simems_edge.config.document import Document
from simems_edge.config.problem import Problem
from simems_edge.devices.bms_check import profile_of
from simems_edge.devices.can_frames import codecs
from simems_edge.devices.dbc import DbcError
from simems_edge.devices.profile import Profile

REMEDY = "give one of them a bus of its own, or a profile whose DBC file has other identifiers"


@dataclass(frozen=True, slots=True)
class _User:
    component: str
    profile: Profile
    message: str
    says: bool

    def may_share(self, other: _User) -> bool:
        """Two profiles of one device may hear the same frame; nobody says what another says or hears."""
        one, two = self.profile.device, other.profile.device
        return not (self.says or other.says) and one is not None and one == two


def bus_problems(
    site: Site, document: Document, find: Callable[[Component], Profile | None] = profile_of
) -> Iterator[Problem]:
    """Every frame that two components of one bus would take for theirs. ``find``: the profile of a component; None
    where it cannot be used, which is said elsewhere."""
    users: dict[tuple[str, str, int, bool], _User] = {}
    for position, component in enumerate(site.components):
        bus = component.connection.can
        profile = None if bus is None else find(component)
        if bus is None or profile is None:
            continue
        for frame, user in _frames(component.id, profile):
            first = users.setdefault((bus.interface, bus.channel, *frame), user)
            if first.component != component.id and not first.may_share(user):
                yield _problem(document, position, first, user, frame[0])


def _frames(component: str, profile: Profile) -> Iterator[tuple[tuple[int, bool], _User]]:
    said = set() if profile.can is None else {one.message for one in profile.can.transmit}
    try:
        known = codecs(profile)
    except DbcError:  # found where profiles are checked
        return
    for name, codec in known.items():
        yield (codec.frame_id, codec.extended), _User(component, profile, name, name in said)


def _problem(document: Document, position: int, first: _User, user: _User, frame_id: int) -> Problem:
    verb, other = ("says" if one.says else "hears" for one in (user, first))
    message = (
        f"{verb} frame 0x{frame_id:X} ({user.message}), which component {first.component!r} {other} on the same bus "
        f"({first.message})"
    )
    return document.problem(("components", position, "connection", "can"), message, REMEDY)

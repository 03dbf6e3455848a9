"""What is wrong between a profile and its DBC file. Pure but for that file."""

from __future__ import annotations

from collections.abc import Collection, Iterator

from cantools.database import Message
from cantools.database.can import Database, Signal

from simems_edge.devices.can_frames import byte_of, codecs
from simems_edge.devices.content_points import CanNetwork, CanPoint, Protection, Transmit
from simems_edge.devices.dbc import DbcError, load_dbc, message_of
from simems_edge.devices.json_content import ContentError
from simems_edge.devices.profile import Profile
from simems_edge.devices.registers import EncodeError


def can_problems(profile: Profile) -> list[str]:
    """Names that the DBC file does not have, signals without a range, messages that cannot be sent."""
    if profile.can is None:
        return []
    try:
        database = load_dbc(profile.can.database)
        known = codecs(profile)
    except DbcError as error:
        return [f"can: {error}"]
    found = _longer(profile.can, known)
    found += [text for one in profile.can.protect for text in _protection(database, one)]
    found += [text for point in _points(profile) for text in _point(database, point)]
    return found + [text for one in profile.can.transmit for text in _transmit(profile, one)]


def _points(profile: Profile) -> list[CanPoint]:
    terms = [t.can for c in profile.channels for source in c.read for t in source.terms]
    return [point for point in (*terms, *(one.can for one in profile.alive)) if point is not None]


def _signal(message: Message, name: str) -> Signal | None:
    return next((signal for signal in message.signals if signal.name == name), None)


def _point(database: Database, point: CanPoint) -> Iterator[str]:
    signal = _signal(message_of(database, point.message), point.signal)
    if signal is None:
        yield f"message {point.message} has no signal {point.signal}; use one of its names"
        return
    if signal.minimum is None or signal.maximum is None:
        yield f"signal {point.signal} of {point.message} has no range; give it [minimum|maximum] in the DBC file"
    brings = signal.multiplexer_ids or []
    if (point.multiplex is None) == bool(brings) or (point.multiplex is not None and point.multiplex not in brings):
        shown = ", ".join(map(str, brings)) or "(none)"
        yield f"signal {point.signal} of {point.message} comes with multiplexer value {shown}; write that as multiplex"


def _longer(network: CanNetwork, known: Collection[str]) -> list[str]:
    """A checksum is over every byte, so none may be left out; what this edge says is as long as the file has it.
    ``known``: names of the messages."""
    summed = {one.message for one in network.protect if one.crc is not None}
    said = {one.message for one in network.transmit}
    unfit = [name for name in network.longer if name not in known or name in summed | said]
    return [f"longer: {name} is no message that is heard without a checksum; remove it" for name in unfit]


def _protection(database: Database, one: Protection) -> Iterator[str]:
    try:
        message = message_of(database, one.message)
    except DbcError as error:
        yield f"protect: {error}"
        return
    for name in (one.counter, one.crc):
        if name is not None and _signal(message, name) is None:
            yield f"protect: message {one.message} has no signal {name}; use one of its names"
    crc = None if one.crc is None else _signal(message, one.crc)
    if crc is not None:
        try:
            byte_of(crc)
        except ContentError as error:
            yield f"protect: {error}; a checksum fills one"


def _transmit(profile: Profile, one: Transmit) -> Iterator[str]:
    codec = codecs(profile)[one.message]
    for numbers in (one.idle, one.idle | one.active):
        try:
            codec.encode(numbers, 0)
        except EncodeError as error:
            yield f"transmit: {error}; give every signal but counter and checksum a value in its range"

"""The test kit of a new profile: what is wrong with it, and whether registers written by hand read as the values that
the device's document promises. Pure.

A case is a YAML file with ``registers`` (as they stand in the frame), the ``values`` they must read as, and the
``writes`` that setpoints must become. Words come from the document or from a recording of the device, never from this
product's own encoder.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Annotated, Any, Self

import yaml
from pydantic import Field, ValidationError, model_validator

from simems_edge.devices.can_check import can_problems
from simems_edge.devices.can_frames import codecs, decoded, numbers_of
from simems_edge.devices.commands import Command, allowed, command_of
from simems_edge.devices.content_view import ContentView
from simems_edge.devices.data import Data
from simems_edge.devices.definition import DefinitionError, load_definition
from simems_edge.devices.json_content import ContentError
from simems_edge.devices.points import CONTENT, Address, PointRef, UnitId
from simems_edge.devices.profile import Profile, ProfileChannel, ProfileError, parse_profile
from simems_edge.devices.register_view import RegisterView
from simems_edge.devices.registers import EncodeError
from simems_edge.devices.sunspec import ChainError, parse_chain
from simems_edge.devices.sunspec_view import SunSpecView, layout_of
from simems_edge.devices.tables import Table
from simems_edge.devices.view import DeviceView, Write

Word = Annotated[int, Field(ge=0, le=0xFFFF)]
Words = Mapping[tuple[int | None, Table, int], int]
TOLERANCE = 1e-6


Hexadecimal = Annotated[str, Field(pattern=r"^([0-9A-Fa-f]{2} ?){0,64}$")]


class Stretch(Data):
    """Neighbouring registers (or coils, 0 or 1 each)."""

    address: Address
    words: Annotated[tuple[Word, ...], Field(min_length=1)]
    table: Table = "holding"
    unit: UnitId | None = None


class ExpectedRequest(Data):
    """A request (HTTP) or a message (MQTT: ``place`` is the topic)."""

    place: str
    method: str = "GET"
    body: Any = None
    """JSON (HTTP), or the payload's text (MQTT); null: empty."""


class ExpectedWrite(Data):
    """What a setpoint must become, in this order."""

    channel: str
    value: float
    registers: tuple[Stretch, ...] = ()
    request: ExpectedRequest | None = None
    frame: Hexadecimal | None = None
    """A CAN message, its counter at 0."""


class Case(Data):
    """What a device says at one moment, and what it means: registers, or documents, or frames."""

    registers: tuple[Stretch, ...] = ()
    documents: dict[str, Any] = Field(default_factory=dict)
    """Path (HTTP) or topic (MQTT) -> what the device says there."""
    frames: dict[str, Hexadecimal] = Field(default_factory=dict)
    """Name of a CAN message (``NAME#VALUE`` of a multiplexed one) -> its bytes in hexadecimal."""
    values: dict[str, float | None]
    """Channel -> value in its unit and our sign; null: missing."""
    writes: tuple[ExpectedWrite, ...] = ()

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not (self.registers or self.documents or self.frames):
            raise ValueError("says nothing; give registers, documents or frames")
        return self

    def words(self) -> dict[tuple[int | None, Table, int], int]:
        """Each register by its place."""
        return {
            (one.unit, one.table, one.address + offset): word
            for one in self.registers
            for offset, word in enumerate(one.words)
        }


def read_profile(path: Path) -> Profile:
    """The profile in a file. Raises :class:`ProfileError` that names it."""
    return parse_profile(_yaml(path), str(path))


def read_case(path: Path) -> Case:
    """Raises :class:`ProfileError` that names the file and the place."""
    try:
        return Case.model_validate(_yaml(path))
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        place = ".".join(map(str, first["loc"])) or "(top)"
        raise ProfileError(f"{path}: {place}: {first['msg']}; correct it") from error


def _yaml(path: Path) -> object:
    try:
        return yaml.safe_load(path.read_text("utf-8"))
    except OSError as error:
        raise ProfileError(f"{path}: cannot be read ({error.strerror}); check the name") from error
    except (yaml.YAMLError, ValueError, OverflowError, RecursionError) as error:  # as PyYAML raises them
        line = getattr(getattr(error, "problem_mark", None), "line", None)
        place = f"{path}:{line + 1}" if line is not None else str(path)
        raise ProfileError(f"{place}: is no YAML ({type(error).__name__}); correct the file") from error


def profile_problems(profile: Profile) -> list[str]:
    """What is wrong with a profile that its schema cannot know."""
    found = [text for channel in profile.channels for text in _channel_problems(channel)]
    found += can_problems(profile)
    for name, text in (("source", profile.source), ("untested", profile.untested)):
        if len(text.split()) < 4:
            found.append(f"{name}: says too little; name the document with its version, and what nobody has tried")
    return found


def _channel_problems(channel: ProfileChannel) -> Iterator[str]:
    terms = [t.sunspec for source in channel.read for t in source.terms] + [
        p.sunspec for sink in channel.write for p in sink.pieces
    ]
    for point in (one for one in terms if one is not None):
        yield from _unknown(channel.name, point)
        if point.relative_to is not None:
            yield from _unknown(channel.name, point.relative_to)
    for sink in channel.write:
        for piece in (p.sunspec for p in sink.pieces if p.sunspec is not None):
            yield from _not_writable(channel.name, piece, (*sink.arm, *sink.disarm))
    ranged = any(sink.http or sink.mqtt or sink.can for sink in channel.write)
    bare = ranged or any(piece.modbus is not None for sink in channel.write for piece in sink.pieces)
    if bare and channel.kind == "float" and channel.minimum is None and channel.maximum is None:
        yield f"{channel.name}: can be set without any range; give minimum and maximum"


def _unknown(channel: str, point: PointRef) -> Iterator[str]:
    for model in point.models:
        try:
            load_definition(model).point(point.point)
        except DefinitionError as error:
            yield f"{channel}: {error}"


def _not_writable(channel: str, point: PointRef, beside: tuple[str, ...]) -> Iterator[str]:
    for model in point.models:
        for name in (point.point, *beside):
            try:
                if not load_definition(model).point(name).writable:
                    yield f"{channel}: point {name} of model {model} cannot be written"
            except DefinitionError as error:
                yield f"{channel}: {error}"


def case_problems(profile: Profile, case: Case) -> list[str]:
    """Where the case and the profile differ; empty when every value and every write is as it must be."""
    if profile.protocol in CONTENT:
        return [*content_problems(profile, case), *_content_values(profile, case)]
    words = case.words()
    try:
        view = _view(profile, words)
    except ChainError as error:
        return [f"registers: {error}"]
    found = list(_fill(view, words))
    view.bind()
    found += _value_problems(view.values(), case)
    for write in case.writes:
        found += _write_problems(view, write)
    return found


def content_problems(profile: Profile, case: Case) -> Iterator[str]:
    """Documents and frames that the profile needs and the case lacks, and requests that are not as they must be."""
    given = {*case.documents, *case.frames}
    for part in ContentView(profile).parts:
        if part.key not in given and not part.apart:
            yield f"{'frames' if profile.protocol == 'can' else 'documents'}.{part.key}: is read but not given"
    fits = allowed(profile.channels)
    for write in (one for one in case.writes if one.request is not None):
        yield from _request_problems(profile, write, fits)
    for write in (one for one in case.writes if one.frame is not None):
        yield from _frame_problems(profile, write)


def _content_values(profile: Profile, case: Case) -> list[str]:
    view = ContentView(profile)
    try:
        contents = case.documents if profile.can is None else decoded(profile, case.frames)
    except ContentError as error:
        return [f"frames: {error}"]
    for key, content in contents.items():
        view.update(key, content, 0)
    return list(_value_problems(view.values(), case))


def _frame_problems(profile: Profile, expected: ExpectedWrite) -> Iterator[str]:
    place = f"writes.{expected.channel}={expected.value:g}"
    try:
        channel = profile.channel(expected.channel)
        sent = _frame(profile, channel, expected.value)
    except (KeyError, IndexError, EncodeError) as error:
        yield f"{place}: cannot be sent: {error}"
        return
    if sent != bytes.fromhex(expected.frame or ""):
        yield f"{place}: sends {sent.hex(' ')}, not {expected.frame}"


def _frame(profile: Profile, channel: ProfileChannel, value: float) -> bytes:
    sink, known = channel.write[0].can, codecs(profile)
    said = () if profile.can is None else profile.can.transmit
    transmit = next((one for one in said if sink is not None and one.message == sink.message), None)
    if sink is None or transmit is None:
        raise EncodeError("the profile transmits no message with it")
    return known[transmit.message].encode(numbers_of(transmit, [(channel, sink, value)]), 0)


def _request_problems(profile: Profile, expected: ExpectedWrite, fits: Callable[[Command], bool]) -> Iterator[str]:
    place, request = f"writes.{expected.channel}={expected.value:g}", expected.request
    try:
        channel = profile.channel(expected.channel)
        command = command_of(channel, channel.write[0], expected.value)
    except (KeyError, IndexError, EncodeError) as error:
        yield f"{place}: cannot be sent: {error}"
        return
    body = (json.loads(command.text) if command.text else None) if profile.protocol == "http" else command.text
    sent = ExpectedRequest(place=command.place, method=command.method, body=body)
    if sent != request:
        yield f"{place}: sends {sent}, not {request}"
    if not fits(command):
        yield f"{place}: is not among what the profile sends"


def _view(profile: Profile, words: Words) -> DeviceView:
    if profile.protocol == "modbus":
        return RegisterView(profile)
    base = min((address for _, _, address in words), default=0)
    count = max(address for _, _, address in words) - base + 1
    chain = [words.get((None, "holding", base + offset), 0) for offset in range(count)]
    return SunSpecView(profile, layout_of(parse_chain(chain, base)))


def _fill(view: DeviceView, words: Words) -> Iterator[str]:
    for block in view.blocks:
        got = [words.get((block.unit, block.table, address)) for address in range(block.address, block.end)]
        whole = [word for word in got if word is not None]
        if len(whole) == block.count:
            view.update(block, whole)
        elif not block.apart:
            lacking = next(a for a, word in enumerate(got, block.address) if word is None)
            yield f"registers: {block.table} {lacking} is read with {block.address}..{block.end - 1} but not given"


def _value_problems(read: Mapping[str, float | None], case: Case) -> Iterator[str]:
    for name, value in case.values.items():
        if name not in read:
            yield f"values.{name}: is no channel that this device can show"
        elif not _same(read[name], value):
            yield f"values.{name}: reads {read[name]}, not {value}"
    for name in sorted(set(read) - set(case.values)):
        yield f"values.{name}: reads {read[name]} but the case does not say what it must be"


def _same(read: float | None, expected: float | None) -> bool:
    if read is None or expected is None:
        return read is expected
    return math.isclose(read, expected, rel_tol=TOLERANCE, abs_tol=TOLERANCE)


def _write_problems(view: DeviceView, expected: ExpectedWrite) -> Iterator[str]:
    place = f"writes.{expected.channel}={expected.value:g}"
    try:
        channel = view.profile.channel(expected.channel)
        rows = view.setpoint_writes(channel, expected.value)
    except (KeyError, EncodeError) as error:
        yield f"{place}: cannot be written: {error}"
        return
    if shown(rows) != list(expected.registers):
        yield f"{place}: writes {shown(rows)}, not {list(expected.registers)}"
    if any(row.area not in view.allowed() for row in rows):
        yield f"{place}: touches registers that are not among those allowed"


def shown(rows: list[Write]) -> list[Stretch]:
    """Writes as a case states them."""
    return [Stretch(address=r.address, words=r.registers, table=r.table, unit=r.unit) for r in rows]

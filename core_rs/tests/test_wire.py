"""The wire: every message round-trips, a plain reader reads it, and garbage gives WireError and nothing else."""

from __future__ import annotations

import json
import math
from pathlib import Path
from typing import Any

import jsonschema
import msgpack
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_core import wire, wire_schema

DOCUMENT = Path(__file__).parents[2] / "docs" / "schemas" / "wire.json"

TELEMETRY = wire.Telemetry(
    sequence=7,
    times_us=[1_700_000_000_000_000, 1_000_000],
    columns=[wire.Column(channel="ess0/soc_pct", resolution=0.1, values=[512, None], quality=[0, 1])],
)
EVENT = wire.Event(id="a", kind="raised", code="x.y", severity="alarm", component="grid0", time_us=1)
HELLO = wire.Hello(
    site="s",
    time_zone="Europe/Stockholm",
    software="0.1.0",
    time_us=1,
    sequence=0,
    components=[wire.ComponentInfo(id="ess0", kind="ess")],
    channels=[wire.ChannelInfo(address="site/state", kind="enum", labels={0: "INIT", 2: "RUN"})],
    settings={"peak0/threshold_w": 60_000.0},
)
FROM_EDGE: list[wire.FromEdge] = [
    HELLO,
    TELEMETRY,
    wire.Events(sequence=8, events=[EVENT]),
    wire.Ping(time_us=1),
    wire.Bye(),
    wire.Claim(public_key="k", signing_key="s"),
    wire.Rekey(public_key="k"),
    wire.KeyTaken(key="k", number=1, reason="r"),
]
KEY_CHANGE = wire.KeyChange(tenant="t", number=1, old_key="a", new_key="b", old_until_us=5, signature="c")
FROM_CLOUD: list[wire.FromCloud] = [
    wire.Ack(sequence=3),
    wire.Refused(sequence=4, reason="no"),
    wire.Pong(time_us=1, server_time_us=2),
    wire.Bye(reason="restart"),
    wire.ClaimState(state="waiting"),
    wire.Rekeyed(public_key="k"),
    wire.Welcome(tenant="t", device="d", command_keys=["a", "b"], key_changes=[KEY_CHANGE], command_counter=4),
]


@pytest.mark.parametrize("message", FROM_EDGE, ids=lambda m: type(m).__name__)
def test_what_the_edge_sends_comes_back_equal(message: wire.FromEdge) -> None:
    assert wire.decode_from_edge(wire.encode(message)) == message


@pytest.mark.parametrize("message", FROM_CLOUD, ids=lambda m: type(m).__name__)
def test_what_the_cloud_sends_comes_back_equal(message: wire.FromCloud) -> None:
    assert wire.decode_from_cloud(wire.encode(message)) == message


@pytest.mark.parametrize("message", [*FROM_EDGE, *FROM_CLOUD], ids=lambda m: type(m).__name__)
def test_a_plain_reader_reads_every_message_and_the_schema_holds(message: wire.FromEdge | wire.FromCloud) -> None:
    plain: dict[str, Any] = msgpack.unpackb(wire.encode(message), strict_map_key=False)
    assert plain["type"] == type(message).__name__.lower()
    assert plain["version"] == wire.VERSION
    jsonschema.validate(json.loads(json.dumps(plain)), wire_schema.schema())


def test_the_kept_schema_is_up_to_date() -> None:
    assert DOCUMENT.read_text() == wire_schema.document(), "write it again: python -m simems_core.wire_schema"


def test_every_message_has_a_schema() -> None:
    assert set(wire_schema.MESSAGES) == set(wire.Message.__subclasses__())


def test_a_field_from_the_future_is_ignored() -> None:
    assert wire.decode_from_cloud(msgpack.packb({"type": "ack", "sequence": 2, "new": [1]})) == wire.Ack(sequence=2)


@pytest.mark.parametrize(
    "frame",
    [
        b"",
        b"\xc1",
        b"\x91" * 100_000,
        b"\xdd\xff\xff\xff\xff",
        b"\xdf\xff\xff\xff\xff",
        msgpack.packb({"type": "ack", "sequence": 2, "version": 2}),
        msgpack.packb({"type": "nobody"}),
        msgpack.packb({"type": "ack", "sequence": "2"}),
        b"\x81\xa4type\xa3\xff\xfe\xfd",
        b"\x00" * (wire.MAX_FRAME_BYTES + 1),
    ],
    ids=["empty", "reserved", "nested", "long-array", "long-map", "future", "unknown", "type", "utf8", "size"],
)
def test_a_broken_frame_is_refused(frame: bytes) -> None:
    with pytest.raises(wire.WireError):
        wire.decode_from_cloud(frame)


@given(st.binary(max_size=200))
def test_noise_raises_wire_errors_only(frame: bytes) -> None:
    _decodes_or_refuses(frame)


@given(st.sampled_from([*FROM_EDGE, *FROM_CLOUD]), st.integers(0, 10_000), st.binary(min_size=1, max_size=4))
def test_a_damaged_message_raises_wire_errors_only(message: Any, place: int, damage: bytes) -> None:
    frame = bytearray(wire.encode(message))
    at = place % len(frame)
    frame[at : at + len(damage)] = damage
    _decodes_or_refuses(bytes(frame))


def _decodes_or_refuses(frame: bytes) -> None:
    for decode in (wire.decode_from_edge, wire.decode_from_cloud):
        try:
            message = decode(frame)
        except wire.WireError:
            continue
        assert isinstance(message, wire.Message)
        if isinstance(message, wire.Durable):
            wire.inconsistency(message)
    wire.sequence_of(frame)


@given(st.lists(st.integers(1, 10**15), min_size=1, max_size=50, unique=True))
def test_times_survive_their_differences(times: list[int]) -> None:
    times.sort()
    assert wire.absolute_us(wire.differences_us(times)) == times


def test_values_come_back_in_their_unit() -> None:
    assert wire.column_values(TELEMETRY.columns[0]) == [pytest.approx(51.2), None]
    doubles = wire.Column(channel="a/b", resolution=0.0, values=[1, 2.5, None])
    assert wire.column_values(doubles) == [1.0, 2.5, None]


def _column(**changes: Any) -> wire.Column:
    fields: dict[str, Any] = {"channel": "a/b", "resolution": 1.0, "values": [1, 2]}
    return wire.Column(**(fields | changes))


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"sequence": 0}, "positive"),
        ({"times_us": []}, "no times"),
        ({"times_us": [5, 0]}, "rise"),
        ({"times_us": [wire.MAX_TIME_US, 1]}, "range"),
        ({"columns": [_column(values=[1])]}, "one value"),
        ({"columns": [_column(quality=[0])]}, "one value"),
        ({"columns": [_column(), _column()]}, "twice"),
        ({"columns": [_column(values=[1, 2.5])]}, "fraction"),
        ({"columns": [_column(resolution=0.0, values=[1.0, math.nan])]}, "finite"),
        ({"columns": [_column(resolution=-1.0)]}, "resolution"),
        ({"columns": [_column(quality=[0, 9])]}, "quality"),
    ],
)
def test_a_telemetry_that_cannot_be_stored_is_named(changes: dict[str, Any], said: str) -> None:
    problem = wire.inconsistency(msgspec.structs.replace(TELEMETRY, **changes))
    assert problem is not None
    assert said in problem


def test_a_sound_message_has_no_inconsistency() -> None:
    assert wire.inconsistency(TELEMETRY) is None
    assert wire.inconsistency(wire.Events(sequence=1, events=[EVENT])) is None


def test_an_unreadable_body_can_still_be_refused_by_its_sequence() -> None:
    assert wire.sequence_of(msgpack.packb({"type": "telemetry", "sequence": 9, "columns": "?"})) == 9
    assert wire.sequence_of(b"\xc1") is None


OLD_CHANNEL = {"address": "grid0/import_energy_wh", "unit": "Wh", "kind": "float", "resolution": 1.0, "labels": {}}
OLD_HELLO = {
    "type": "hello",
    "version": 1,
    "site": "s",
    "site_name": "",
    "time_zone": "UTC",
    "currency": "",
    "software": "0.1.0",
    "time_us": 1,
    "sequence": 0,
    "oldest": 0,
    "components": [{"id": "grid0", "kind": "meter", "profile": "", "name": ""}],
    "channels": [OLD_CHANNEL],
    "settings": {},
}
"""As edges said it before devices and channels were described."""


def test_a_hello_without_descriptions_still_reads() -> None:
    read = wire.decode_from_edge(msgpack.packb(OLD_HELLO))
    assert isinstance(read, wire.Hello)
    assert (read.channels[0].scale, read.channels[0].rollover, read.channels[0].access) == (1.0, 0.0, "read")
    assert (read.components[0].serial_number, read.firmware) == ("", "")
    assert read.version == wire.VERSION, "an old reader misreads nothing, so the version stays"

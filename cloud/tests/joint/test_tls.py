"""TLS of HTTPS, WebSocket and MQTT: who is not trusted is refused, and the message names what to do.

That the right ones are taken is what the contract suite shows: there each of these transports runs over TLS with the
certificates of both sides.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
import zmq.asyncio
from authority import Authority, handshakes
from simems_core.web_proof import topic_name
from simems_edge.sync import Cloud, Identity, mqtt_link
from simems_edge.sync.link import LinkError, LinkRefusedError
from simems_edge.sync.transports import Papers, connection_to

pytestmark = pytest.mark.integration
SCHEMES = {"https": "https", "websocket": "wss", "mqtt": "mqtts"}


class Meeting:
    """A box and what ends TLS; by default each trusts the other."""

    def __init__(self, authority: Authority, other: Authority) -> None:
        self.authority, self.other = authority, other
        self.server = authority.certificate("localhost")
        self.ca: Path | None = authority.ca
        self.box: tuple[str, str] | None = authority.certificate("box")

    def wrong_authority(self) -> None:
        self.ca = self.other.ca

    def the_systems_authorities(self) -> None:
        self.ca = None

    def another_name(self) -> None:
        self.server = self.authority.certificate("elsewhere", ("ingest.example.com",))

    def expired(self) -> None:
        self.server = self.authority.certificate("old", days=(-9, -1))

    def not_yet(self) -> None:
        self.server = self.authority.certificate("new", days=(1, 9))

    def no_certificate_of_the_box(self) -> None:
        self.box = None

    def box_of_another_authority(self) -> None:
        self.box = self.other.certificate("stranger")

    def expired_box(self) -> None:
        self.box = self.authority.certificate("old-box", days=(-9, -1))


CASES: list[tuple[Callable[[Meeting], None], str]] = [
    (Meeting.wrong_authority, "does not trust; name its file as cloud.ca_file"),
    (Meeting.the_systems_authorities, "does not trust; name its file as cloud.ca_file"),
    (Meeting.another_name, "for another name; write the name that it is for as cloud.endpoint"),
    (Meeting.expired, "its certificate has expired; renew it there"),
    (Meeting.not_yet, "its certificate begins later; set the clock of this box right"),
    (Meeting.no_certificate_of_the_box, "name cloud.certificate and cloud.certificate_key"),
    (Meeting.box_of_another_authority, "does not trust who signed cloud.certificate"),
    (Meeting.expired_box, "the certificate of this box has expired; put a new one in cloud.certificate"),
]


@pytest.mark.parametrize("transport", SCHEMES)
@pytest.mark.parametrize(("spoil", "said"), CASES, ids=lambda one: getattr(one, "__name__", ""))
async def test_who_is_not_trusted_is_refused_and_the_remedy_is_named(
    transport: str, spoil: Callable[[Meeting], None], said: str, tmp_path: Path, authority: Authority, request: Any
) -> None:
    meeting = Meeting(authority, Authority(tmp_path, "other authority"))
    spoil(meeting)
    with ExitStack() as stack:
        port = await _listening(stack, transport, meeting, request)
        ca = None if meeting.ca is None else str(meeting.ca)
        cloud = Cloud(f"{SCHEMES[transport]}://localhost:{port}", ca_file=ca, certificate=meeting.box)
        error = await _refusal(cloud, Identity(tmp_path / "data"))
    assert said in str(error)
    assert not isinstance(error, LinkRefusedError), "a box whose TLS is wrong is not told to be claimed"


async def _listening(stack: ExitStack, transport: str, meeting: Meeting, request: Any) -> int:
    if transport != "mqtt":
        return stack.enter_context(handshakes(meeting.server, meeting.authority.ca))
    broker = request.getfixturevalue("new_broker")(meeting.server)
    await request.getfixturevalue("eventually")(broker.answers)
    return int(broker.port)


async def _refusal(cloud: Cloud, identity: Identity) -> LinkError:
    with zmq.asyncio.Context() as context:
        try:
            async with connection_to(cloud, context, Papers(identity.keys, identity.signing_key)):
                raise AssertionError("it was let in")
        except LinkError as error:
            return error


@pytest.mark.parametrize("transport", SCHEMES)
@pytest.mark.parametrize(
    ("ca", "certificate", "said"),
    [
        ("missing", "box", "cloud.ca_file: missing: cannot be read (No such file"),
        ("junk", "box", "cloud.ca_file: junk: is no PEM file"),
        ("ca", "missing", "cannot be read (No such file"),
        ("ca", "junk", "is no PEM file"),
        ("ca", "mixed", "give the certificate, and the key that belongs to it"),
    ],
)
async def test_files_that_cannot_be_used_are_named(
    transport: str, ca: str, certificate: str, said: str, tmp_path: Path, authority: Authority, monkeypatch: Any
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "junk").write_text("nothing that anybody signed")
    box, other = authority.certificate("box"), authority.certificate("other")
    files = {"box": box, "missing": ("missing", "missing"), "junk": ("junk", "junk"), "mixed": (box[0], other[1])}
    trusted = str(authority.ca) if ca == "ca" else ca
    cloud = Cloud(f"{SCHEMES[transport]}://localhost:1", ca_file=trusted, certificate=files[certificate])
    error = await _refusal(cloud, Identity(tmp_path / "data"))
    assert said in str(error)


async def test_a_certificate_for_another_name_at_the_broker_is_named(
    new_broker: Any, eventually: Any, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The broker takes it, and drops what is said without a word."""
    monkeypatch.setattr(mqtt_link, "ASK_S", 0.5)
    monkeypatch.setattr(mqtt_link, "FIRST_S", 0.5)
    broker, identity = new_broker(), Identity(tmp_path / "data")
    await eventually(broker.answers)
    cloud = Cloud(f"mqtts://localhost:{broker.port}", ca_file=str(broker.ca), certificate=broker.certificate("box"))
    with zmq.asyncio.Context() as context:
        async with connection_to(cloud, context, Papers(identity.keys, identity.signing_key)) as link:
            with pytest.raises(LinkError, match=f"the common name {topic_name(identity.keys.public_key)}"):
                await link.watch()


@pytest.mark.parametrize(
    ("status", "text", "said"),
    [
        (400, "<h1>400 No required SSL certificate was sent</h1>", "name cloud.certificate and cloud.certificate_key"),
        (400, "<h1>400 The SSL certificate error</h1>", "does not take cloud.certificate"),
        (404, "Not Found", "is the address that of ingest?"),
    ],
)
async def test_what_a_web_server_answers_in_place_of_ingest_is_explained(
    status: int, text: str, said: str, tmp_path: Path
) -> None:
    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readuntil(b"\r\n\r\n")
        head = f"HTTP/1.1 {status} X\r\nContent-Length: {len(text)}\r\nConnection: close\r\n\r\n"
        writer.write(head.encode() + text.encode())
        writer.close()

    async with await asyncio.start_server(answer, "127.0.0.1", 0) as server:
        port = server.sockets[0].getsockname()[1]
        for scheme in ("http", "ws"):
            error = await _refusal(Cloud(f"{scheme}://127.0.0.1:{port}"), Identity(tmp_path / "data"))
            assert said in str(error)

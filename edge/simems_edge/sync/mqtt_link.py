"""The uplink's connection through an MQTT broker: signed envelopes up, answers on the box's own topic.

The broker is proven by its certificate and may ask for ours. First an empty envelope asks the cloud for its time and
whether this box may come in; once that is answered, the box's wall clock plays no part. A cloud that does not answer
there is noticed by its silence, as on any transport.
"""

from __future__ import annotations

import asyncio
import time
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import aiomqtt
import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core import wire
from simems_core.web_proof import TOPICS, WITHIN_US, Envelope, signed_request

from simems_edge.kit.checkpoint import checkpoint
from simems_edge.kit.side_by_side import end
from simems_edge.sync.link import Cloud, LinkError, LinkRefusedError
from simems_edge.sync.tls import asked_why, tls_of, tls_trouble

CONNECT_S: Final = 20.0
ASK_S: Final = 5.0
FIRST_S: Final = 10.0
"""After the question; before the uplink gives up a silent connection without knowing why."""


class MqttLink:
    """Entering raises LinkError. ``name``: of the box at the broker, so of its topic."""

    def __init__(self, cloud: Cloud, public_key: str, signing_key: Ed25519PrivateKey, name: str) -> None:
        self._cloud, self._public_key, self._signing_key = cloud, public_key, signing_key
        self._name = name
        self._up, self._down = f"{TOPICS}/{self._name}/up", f"{TOPICS}/{self._name}/down"
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self._heard = asyncio.Event()
        self._offset_us = time.time_ns() // 1000 - round(time.monotonic() * 1e6)
        self._client: aiomqtt.Client
        self._arrivals: asyncio.Task[None] | None = None

    async def __aenter__(self) -> Self:
        await self._connect()
        try:
            await self._subscribe()
            self._arrivals = asyncio.create_task(self._take_arrivals())
            await self._ask()
        except BaseException:
            await self.__aexit__(None, None, None)
            raise
        return self

    async def _connect(self) -> None:
        url = urlsplit(self._cloud.endpoint)
        host, tls = url.hostname or "", tls_of(self._cloud) if url.scheme == "mqtts" else None
        port = url.port or (8883 if tls else 1883)
        self._client = aiomqtt.Client(
            host,
            port,
            username=url.username,
            password=url.password,
            tls_context=tls,
            identifier=f"simems-{self._name}",
            protocol=aiomqtt.ProtocolVersion.V5,
            timeout=CONNECT_S,
        )
        try:
            await self._client.__aenter__()
        except (aiomqtt.MqttError, OSError) as error:
            why = tls_trouble(error) or (await asked_why(host, port, tls) if tls else None)
            text = why or f"is not reachable: {error}"
            raise LinkError(f"the broker at {host}:{port}: {text}") from error

    async def _subscribe(self) -> None:
        try:
            codes = await self._client.subscribe(self._down, qos=1)
        except aiomqtt.MqttError as error:
            raise LinkError(f"the broker does not answer: {error}") from error
        if any(getattr(code, "is_failure", False) for code in codes):
            text = (
                f"the broker refuses this box its topic {self._down}; give its certificate the common name {self._name}"
            )
            raise LinkError(text)

    async def _ask(self) -> None:
        """May this box come in, and what time is it? Raises LinkRefusedError. An older cloud says nothing."""
        for _ in range(2):
            asked_us = self._now_us()
            await self._publish(b"\x90", asked_us)
            try:
                async with asyncio.timeout(ASK_S):
                    answer = wire.decode_from_cloud(await self._incoming.get())
            except (TimeoutError, wire.WireError):
                return
            if isinstance(answer, wire.Bye):
                raise LinkRefusedError(f"the cloud refuses this box: {answer.reason}")
            if not isinstance(answer, wire.Pong) or answer.time_us != asked_us:
                return
            self._offset_us = answer.server_time_us - round(time.monotonic() * 1e6)
            if abs(answer.server_time_us - asked_us) <= WITHIN_US:
                return

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if self._arrivals is not None:
            await end(self._arrivals)
        try:
            await self._client.__aexit__(None, None, None)
        except aiomqtt.MqttError:
            return  # it is gone already, which is what was wanted

    async def send(self, frame: bytes) -> None:
        """Waits until the broker has it."""
        await self._publish(msgspec.msgpack.encode([msgspec.Raw(frame)]), self._now_us())

    async def _publish(self, body: bytes, time_us: int) -> None:
        signature = self._signing_key.sign(signed_request("MQTT", self._up, time_us, body)).hex()
        envelope = Envelope(device=self._public_key, time_us=time_us, signature=signature, body=body)
        try:
            await self._client.publish(self._up, msgspec.msgpack.encode(envelope), qos=1)
        except aiomqtt.MqttError as error:
            raise LinkError(f"the broker takes nothing: {error}") from error
        checkpoint()

    def _now_us(self) -> int:
        return self._offset_us + round(time.monotonic() * 1e6)

    async def receive(self) -> bytes:
        return await self._incoming.get()

    async def watch(self) -> None:
        """Returns only by raising LinkError; a broker drops what a box may not say there without a word."""
        if self._arrivals is not None:
            try:
                async with asyncio.timeout(FIRST_S):
                    await self._heard.wait()
            except TimeoutError as error:
                raise LinkError(self._nobody()) from error
            await asyncio.shield(self._arrivals)
        raise LinkError("the connection to the broker ended")

    def _nobody(self) -> str:
        return (
            "nobody answers at the broker: the cloud is not there, or the broker keeps this box from the topics "
            f"{TOPICS}/{self._name}/#; its certificate must have the common name {self._name}"
        )

    async def _take_arrivals(self) -> None:
        """Until the connection is lost, which raises LinkError."""
        try:
            async for message in self._client.messages:
                await self._arrived(message.payload)
        except aiomqtt.MqttError as error:
            raise LinkError(f"the connection to the broker is lost: {error}") from error
        finally:
            self._heard.set()

    async def _arrived(self, payload: object) -> None:
        self._heard.set()
        if not isinstance(payload, bytes) or len(payload) > wire.MAX_FRAME_BYTES:
            return
        try:
            frames = msgspec.msgpack.decode(payload, type=list[msgspec.Raw])
        except (msgspec.MsgspecError, ValueError, RecursionError):
            await self._incoming.put(payload)
            return
        for frame in frames:
            await self._incoming.put(bytes(frame))

    async def say_goodbye(self, frame: bytes) -> None:
        await self.send(frame)

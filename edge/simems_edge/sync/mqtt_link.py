"""The uplink's connection through an MQTT broker: signed envelopes up, answers on the box's own topic.

The broker is proven by its certificate and may ask for ours. A cloud that does not answer there is noticed by its
silence, as on any transport.
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
from simems_core.web_proof import TOPICS, Envelope, signed_request, topic_name

from simems_edge.sync.link import Cloud, LinkError
from simems_edge.sync.tls import tls_of

CONNECT_S: Final = 20.0


class MqttLink:
    """Entering raises LinkError. The envelope's time is the wall clock's until the cloud's is heard."""

    def __init__(self, cloud: Cloud, public_key: str, signing_key: Ed25519PrivateKey) -> None:
        self._cloud, self._public_key, self._signing_key = cloud, public_key, signing_key
        name = topic_name(public_key)
        self._up, self._down = f"{TOPICS}/{name}/up", f"{TOPICS}/{name}/down"
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self._offset_us = time.time_ns() // 1000 - round(time.monotonic() * 1e6)
        self._client: aiomqtt.Client

    async def __aenter__(self) -> Self:
        url = urlsplit(self._cloud.endpoint)
        tls = tls_of(self._cloud) if url.scheme == "mqtts" else None
        self._client = aiomqtt.Client(
            url.hostname or "",
            url.port or (8883 if tls else 1883),
            username=url.username,
            password=url.password,
            tls_context=tls,
            identifier=f"simems-{topic_name(self._public_key)}",
            protocol=aiomqtt.ProtocolVersion.V5,
            timeout=CONNECT_S,
        )
        try:
            await self._client.__aenter__()
        except (aiomqtt.MqttError, OSError) as error:
            raise LinkError(f"the broker at {url.hostname} is not reachable: {error}") from error
        try:
            await self._client.subscribe(self._down, qos=1)
        except BaseException as error:
            await self._client.__aexit__(None, None, None)
            if isinstance(error, aiomqtt.MqttError):
                raise LinkError(f"the broker refuses this box its topic: {error}") from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        try:
            await self._client.__aexit__(None, None, None)
        except aiomqtt.MqttError:
            return  # it is gone already, which is what was wanted

    async def send(self, frame: bytes) -> None:
        """Waits until the broker has it."""
        body = msgspec.msgpack.encode([msgspec.Raw(frame)])
        time_us = self._offset_us + round(time.monotonic() * 1e6)
        signature = self._signing_key.sign(signed_request("MQTT", self._up, time_us, body)).hex()
        envelope = Envelope(device=self._public_key, time_us=time_us, signature=signature, body=body)
        try:
            await self._client.publish(self._up, msgspec.msgpack.encode(envelope), qos=1)
        except aiomqtt.MqttError as error:
            raise LinkError(f"the broker takes nothing: {error}") from error

    async def receive(self) -> bytes:
        return await self._incoming.get()

    async def watch(self) -> None:
        """Takes what arrives; returns only by raising LinkError."""
        try:
            async for message in self._client.messages:
                await self._arrived(message.payload)
        except aiomqtt.MqttError as error:
            raise LinkError(f"the connection to the broker is lost: {error}") from error
        raise LinkError("the connection to the broker ended")

    async def _arrived(self, payload: object) -> None:
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

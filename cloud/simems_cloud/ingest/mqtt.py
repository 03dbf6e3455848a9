"""The same door through an MQTT broker: devices publish signed envelopes, answers go to their own topic.

The broker proves devices by their client certificates and holds each to its topics; to us a device is who signed.
Several ingest processes share the subscription. The broker is trusted with acknowledgements, never with commands: those
are signed by the tenant.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
import time
from collections.abc import Callable
from functools import partial
from typing import Final
from urllib.parse import urlsplit

import aiomqtt
import msgspec
from simems_core import wire
from simems_core.web_proof import TOPICS, Envelope, signed_request, topic_name

from simems_cloud.ingest.claims import ONLY_A_CLAIM
from simems_cloud.ingest.dispatch import Send
from simems_cloud.ingest.proving import NotKnownError, NotProvenError, WrongTimeError
from simems_cloud.ingest.registry import Claimant, Gone, Guest
from simems_cloud.ingest.web import MOST_BYTES, WebDoor, split
from simems_cloud.kit.database import UNAVAILABLE
from simems_cloud.kit.settings import Settings

log = logging.getLogger(__name__)
SHARED: Final = f"$share/simems-ingest/{TOPICS}/+/up"
AGAIN_S: Final = 2.0
SIDE_BY_SIDE: Final = 8
_envelope = msgspec.msgpack.Decoder(Envelope)
_json_envelope = msgspec.json.Decoder(Envelope)


class MqttDoor:
    def __init__(self, settings: Settings, web: WebDoor, ready: Callable[[], None] | None = None) -> None:
        self._settings, self._web, self._ready = settings, web, ready
        self._turns = asyncio.Semaphore(SIDE_BY_SIDE)
        self._tasks: set[asyncio.Task[None]] = set()
        self._farewells: set[asyncio.Task[None]] = set()
        self._client: aiomqtt.Client | None = None

    async def run(self) -> None:
        """Until cancelled; a broker that goes is waited for."""
        while True:
            try:
                await self._session()
            except (aiomqtt.MqttError, OSError) as error:
                log.warning("the broker is away, trying again", extra={"error": repr(error)})
            self._client = None
            await asyncio.sleep(AGAIN_S)

    async def _session(self) -> None:
        async with broker(self._settings) as client:
            await client.subscribe(SHARED, qos=1)
            self._client = client
            if self._ready is not None:
                self._ready()
            log.info("listening for devices at the broker")
            async for message in client.messages:
                if isinstance(message.payload, bytes) and len(message.payload) <= MOST_BYTES:
                    await self._turns.acquire()
                    task = asyncio.create_task(self._take(client, str(message.topic), message.payload))
                    self._tasks.add(task)
                    task.add_done_callback(self._done)

    def cut(self, gone: Gone) -> None:
        """The device was revoked: it is told goodbye, and what it still sends is dropped. One that goes on with another
        key has the same topic: there nothing is said."""
        if self._client is None or gone.goes_on or not gone.broker_name:
            return
        down = f"{TOPICS}/{gone.broker_name}/down"
        farewell = asyncio.create_task(_publish(self._client, down, wire.Bye(reason="it may not come in any more")))
        self._farewells.add(farewell)
        farewell.add_done_callback(self._farewells.discard)

    def _done(self, task: asyncio.Task[None]) -> None:
        self._tasks.discard(task)
        self._turns.release()
        if not task.cancelled() and task.exception() is not None:
            log.error("a message failed", exc_info=task.exception())

    async def _take(self, client: aiomqtt.Client, topic: str, payload: bytes) -> None:
        """Who is not known hears that, and who has another time hears ours; anything else gets no answer: whoever
        reads that topic need not hear of it."""
        down = topic.removesuffix("up") + "down"
        try:
            envelope = (_json_envelope if payload[:1] == b"{" else _envelope).decode(payload)
            guest = await self._signer(topic, envelope)
            answers = await self._answers(guest, topic, envelope, partial(_publish, client, down))
        except WrongTimeError:
            answers = [_time(envelope)]
        except NotKnownError as error:
            answers = [wire.Bye(reason=str(error))]
        except (NotProvenError, wire.WireError, msgspec.MsgspecError, ValueError, RecursionError) as error:
            log.warning("dropped a message from the broker", extra={"topic": topic[:80], "reason": str(error)[:200]})
            return
        except UNAVAILABLE:
            return
        if answers:
            await client.publish(down, msgspec.msgpack.encode(answers), qos=1)

    async def _signer(self, topic: str, envelope: Envelope) -> Guest:
        """A device on its own topic, or a box that claims. Raises NotProvenError."""
        signed = signed_request("MQTT", topic, envelope.time_us, envelope.body)
        guest = await self._web.prover.guest(envelope.device, envelope.time_us, envelope.signature, signed)
        if not isinstance(guest, Claimant) and topic != _up(guest.broker_name):
            raise NotProvenError("another device's topic")
        return guest

    async def _answers(self, guest: Guest, topic: str, envelope: Envelope, send: Send) -> list[wire.FromCloud]:
        messages = split(envelope.body)
        if not messages:
            return [_time(envelope)]
        if not isinstance(guest, Claimant):
            return await self._web.stored(guest, messages, send)
        if any(_up(topic_name(_claimed_key(one))) != topic for one in messages):
            raise NotProvenError("a claim is made on the topic of the key that shall come in")
        return await self._web.claimed(guest, messages)


def _up(broker_name: str) -> str:
    return f"{TOPICS}/{broker_name}/up"


def _claimed_key(payload: bytes) -> str:
    """Raises WireError for what is no claim."""
    message = wire.decode_from_edge(payload)
    if not isinstance(message, wire.Claim):
        raise wire.WireError(ONLY_A_CLAIM)
    return message.public_key


def _time(envelope: Envelope) -> wire.FromCloud:
    return wire.Pong(time_us=envelope.time_us, server_time_us=time.time_ns() // 1000)


async def _publish(client: aiomqtt.Client, topic: str, message: wire.FromCloud) -> None:
    await client.publish(topic, msgspec.msgpack.encode([message]), qos=1)


def broker(settings: Settings) -> aiomqtt.Client:
    """As the settings say. Raises OSError for files that cannot be used."""
    url = urlsplit(settings.ingest_mqtt_url or "")
    tls = None
    if url.scheme == "mqtts":
        tls = ssl.create_default_context(cafile=settings.ingest_mqtt_ca)
        if settings.ingest_mqtt_certificate is not None:
            tls.load_cert_chain(settings.ingest_mqtt_certificate, settings.ingest_mqtt_key)
    return aiomqtt.Client(
        url.hostname or "127.0.0.1",
        url.port or (8883 if tls else 1883),
        username=url.username,
        password=url.password,
        tls_context=tls,
        identifier=f"simems-ingest-{time.time_ns():x}",
        protocol=aiomqtt.ProtocolVersion.V5,
    )

"""A connection to the site's broker: made, made again with back-off and jitter, and its errors as ours."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any, Final

import aiomqtt
from aiomqtt.exceptions import MqttConnectError
from paho.mqtt.packettypes import PacketTypes
from paho.mqtt.properties import Properties
from paho.mqtt.subscribeoptions import SubscribeOptions

from simems_edge.bridges.breaker import CircuitBreaker
from simems_edge.bridges.errors import DeviceError, NoAnswerError, UnsuitableError
from simems_edge.bridges.secrets import SecretError, read_secret
from simems_edge.config import MqttSettings
from simems_edge.kit.checkpoint import checkpoint

log = logging.getLogger(__name__)
KEEP_ALIVE_S: Final = 10
ANSWER_S: Final = 5.0
LARGEST: Final = 65_536
"""Bytes of a message that anybody may send us; the broker drops longer ones."""
QUEUED_IN: Final = 2_000
REFUSED: Final = 0x80
"""Reason codes from here on are refusals (MQTT 5.0, 2.4)."""
RETAIN_AS_PUBLISHED: Final = SubscribeOptions(qos=1, retainAsPublished=True)
"""The mark "retained" stays on a message that is passed on live (MQTT 5.0, 3.8.3.1)."""
Use = Callable[[aiomqtt.Client], Coroutine[Any, Any, None]]


class BrokerLink:
    """``on_lost`` and ``on_up`` are called on the event loop."""

    def __init__(
        self,
        settings: MqttSettings,
        identifier: str,
        random: Callable[[], float],
        *,
        will: aiomqtt.Will | None = None,
        on_up: Callable[[], None],
        on_lost: Callable[[DeviceError, bool], None],
    ) -> None:
        """``identifier``: one client of this name at a time; ``on_lost(error, open)``: open once more than one lost
        packet must be the cause."""
        self._settings, self._identifier, self._will = settings, identifier, will
        self._on_up, self._on_lost = on_up, on_lost
        self.breaker = CircuitBreaker(random)
        self.client: aiomqtt.Client | None = None
        """The connection, while there is one."""
        self.name = "the broker {}:{}".format(*settings.broker)

    async def run(self, use: Use) -> None:
        """Until cancelled: ``use`` on a connection, again after each end of one."""
        while True:
            checkpoint()
            try:
                await self._once(use)
            except UnsuitableError as error:
                self.breaker.trip()
                self._on_lost(error, True)
            except NoAnswerError as error:
                self.breaker.failure()
                self._on_lost(error, self.breaker.open)
            await asyncio.sleep(max(self.breaker.wait_s(), 0.1))

    async def _once(self, use: Use) -> None:
        async with self.opened() as client:
            self.client = client
            try:
                self.breaker.success()
                self._on_up()
                await use(client)
            finally:
                self.client = None
        raise NoAnswerError(f"the connection to {self.name} ended")

    @asynccontextmanager
    async def opened(self) -> AsyncIterator[aiomqtt.Client]:
        """A connection. Raises a DeviceError, from its use as well."""
        try:
            async with self._client() as client:
                checkpoint()
                yield client
        except MqttConnectError as error:
            text = f"{self.name} refuses us ({error}); check user, password_file and certificates"
            raise UnsuitableError("broker_refused", text) from error
        except ssl.SSLError as error:
            text = f"{self.name}: TLS does not come about ({error.reason}); check the section tls"
            raise UnsuitableError("broker_refused", text) from error
        except (aiomqtt.MqttError, OSError, TimeoutError) as error:
            raise NoAnswerError(f"{self.name} does not answer ({type(error).__name__})") from error

    def _client(self) -> aiomqtt.Client:
        settings = self._settings
        host, port = settings.broker
        properties = Properties(PacketTypes.CONNECT)  # type: ignore[no-untyped-call]
        properties.MaximumPacketSize = LARGEST
        return aiomqtt.Client(
            host,
            port,
            username=settings.user,
            password=_password(settings),
            identifier=self._identifier,
            protocol=aiomqtt.ProtocolVersion.V5,
            will=self._will,
            clean_start=True,
            keepalive=KEEP_ALIVE_S,
            timeout=ANSWER_S,
            max_queued_incoming_messages=QUEUED_IN,
            max_queued_outgoing_messages=QUEUED_IN,
            properties=properties,
            tls_context=_tls(settings),
            logger=logging.getLogger("simems_edge.mqtt"),
        )


async def subscribe(client: aiomqtt.Client, topic: str, name: str, *, as_published: bool = False) -> None:
    """Raises :class:`UnsuitableError` when the broker does not let us hear ``topic``."""
    options = RETAIN_AS_PUBLISHED if as_published else SubscribeOptions(qos=1)
    codes = await client.subscribe(topic, options=options)
    checkpoint()
    if any((code if isinstance(code, int) else code.value) >= REFUSED for code in codes):
        raise UnsuitableError("broker_refused", f"{name} does not let us hear {topic}; check its access list")


def _password(settings: MqttSettings) -> str | None:
    if settings.password_file is None:
        return None
    try:
        return read_secret(Path(settings.password_file))
    except SecretError as error:
        raise UnsuitableError("broker_refused", str(error)) from error


def _tls(settings: MqttSettings) -> ssl.SSLContext | None:
    tls = settings.tls
    if tls is None:
        return None
    try:
        context = ssl.create_default_context(cafile=tls.ca_file)
        if tls.certificate_file is not None:
            context.load_cert_chain(tls.certificate_file, tls.key_file)
    except (OSError, ssl.SSLError) as error:
        text = f"a certificate of the section tls cannot be used ({type(error).__name__}); give PEM files"
        raise UnsuitableError("broker_refused", text) from error
    return context

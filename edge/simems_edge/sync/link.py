"""One encrypted connection to the cloud, from its handshake to its end. A lost or refused one is never reused."""

from __future__ import annotations

import asyncio
from dataclasses import dataclass
from types import TracebackType
from typing import Protocol, Self

import zmq
import zmq.asyncio
from simems_core import wire
from zmq.utils.monitor import parse_monitor_message

from simems_edge.sync.identity import DeviceKeys

HANDSHAKE_S = 10.0
LINGER_MS = 300
_REFUSALS = zmq.Event.HANDSHAKE_FAILED_AUTH | zmq.Event.HANDSHAKE_FAILED_PROTOCOL | zmq.Event.HANDSHAKE_FAILED_NO_DETAIL
_WATCHED = _REFUSALS | zmq.Event.HANDSHAKE_SUCCEEDED | zmq.Event.DISCONNECTED | zmq.Event.CLOSED


class LinkError(Exception):
    """The connection ended or never came to be.

    LinkError
     +- LinkRefusedError  the server answered and does not want this device (or is not the expected server)
    """


class LinkRefusedError(LinkError):
    """The handshake failed: the device is not registered, or the server's key is another."""


@dataclass(frozen=True)
class Cloud:
    """Where the cloud listens: ``tcp://`` (ZeroMQ) and the key it must prove to hold (Z85), or ``https://``, ``wss://``
    or ``mqtts://``, where its certificate, or the broker's, proves it."""

    endpoint: str
    server_key: str = ""
    ca_file: str | None = None
    """Of the authority that signed the cloud's certificate; None: those of the system."""
    certificate: tuple[str, str] | None = None
    """Files of a client certificate and its key, where what stands before the cloud asks for one."""

    @property
    def is_web(self) -> bool:
        return not self.endpoint.startswith("tcp://")

    @property
    def is_mqtt(self) -> bool:
        return self.endpoint.startswith("mqtt")


class Connection(Protocol):
    """What the uplink needs of any transport. Entering raises LinkError."""

    async def __aenter__(self) -> Self: ...

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None: ...

    async def send(self, frame: bytes) -> None: ...

    async def receive(self) -> bytes: ...

    async def watch(self) -> None:
        """Returns only by raising LinkError when the connection is lost."""

    async def say_goodbye(self, frame: bytes) -> None: ...


class Link:
    """Use as ``async with``; entering connects and shakes hands. Raises LinkError."""

    def __init__(self, context: zmq.asyncio.Context, cloud: Cloud, keys: DeviceKeys) -> None:
        self._socket = context.socket(zmq.DEALER)
        self._configure(cloud, keys)
        self._monitor = self._socket.get_monitor_socket(int(_WATCHED))
        self._endpoint = cloud.endpoint

    def _configure(self, cloud: Cloud, keys: DeviceKeys) -> None:
        socket = self._socket
        socket.linger = 0
        socket.set(zmq.RECONNECT_IVL, -1)
        socket.set(zmq.HANDSHAKE_IVL, round(HANDSHAKE_S * 1000))
        socket.set(zmq.MAXMSGSIZE, wire.MAX_FRAME_BYTES)
        socket.set(zmq.SNDHWM, 64)
        socket.set(zmq.IMMEDIATE, 1)
        socket.curve_publickey = keys.public_key.encode()
        socket.curve_secretkey = keys.secret_key.encode()
        socket.curve_serverkey = cloud.server_key.encode()

    async def __aenter__(self) -> Self:
        try:
            self._socket.connect(self._endpoint)
            async with asyncio.timeout(HANDSHAKE_S):
                await self._handshake()
        except BaseException as error:
            self._close()
            if isinstance(error, TimeoutError):
                raise LinkError(f"{self._endpoint} does not answer") from error
            if isinstance(error, zmq.ZMQError):
                raise LinkError(f"{self._endpoint}: {error}") from error
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._close()

    async def _handshake(self) -> None:
        while (event := await self._next_event()) != zmq.Event.HANDSHAKE_SUCCEEDED:
            if event & _REFUSALS:
                raise LinkRefusedError(f"{self._endpoint} refused the handshake ({event.name})")
            raise LinkError(f"{self._endpoint} is not reachable")

    async def watch(self) -> None:
        """Returns only by raising LinkError when the connection is lost."""
        event = await self._next_event()
        raise LinkError(f"{self._endpoint}: connection lost ({event.name})")

    async def _next_event(self) -> zmq.Event:
        parsed = parse_monitor_message(await self._monitor.recv_multipart())
        return zmq.Event(parsed["event"])

    async def send(self, frame: bytes) -> None:
        """Waits while the peer takes nothing."""
        await self._socket.send(frame)

    async def receive(self) -> bytes:
        parts = await self._socket.recv_multipart()
        return parts[-1]

    async def say_goodbye(self, frame: bytes) -> None:
        """The last frame of this connection."""
        await self._socket.send(frame, zmq.NOBLOCK)
        self._socket.linger = LINGER_MS

    def _close(self) -> None:
        self._socket.disable_monitor()
        self._monitor.close(0)
        self._socket.close()

"""The socket: CURVE server, ZAP check, arrivals with the key that sent them, replies by route."""

from __future__ import annotations

import logging
from contextlib import suppress
from dataclasses import dataclass

import zmq
import zmq.asyncio
from simems_core.wire import MAX_FRAME_BYTES, FromCloud, encode
from zmq.auth.asyncio import AsyncioAuthenticator

from simems_cloud.ingest.lines import Lines
from simems_cloud.ingest.registry import Registry
from simems_cloud.kit.secret_files import CurveKeys

log = logging.getLogger(__name__)
DOMAIN = "simems"
RECEIVE_HIGH_WATER = 64
"""Frames per device that libzmq holds before TCP holds the device back."""


@dataclass(frozen=True)
class Arrival:
    """One frame, who sent it (the authenticated key) and where an answer goes."""

    route: bytes
    key: str
    payload: bytes
    descriptor: int


class Door:
    """Owns its own ZeroMQ context, so that nothing else can answer its ZAP questions."""

    def __init__(self, endpoint: str, keys: CurveKeys, registry: Registry) -> None:
        self._context = zmq.asyncio.Context()
        self._guard = AsyncioAuthenticator(self._context)
        self._guard.start()
        self._guard.configure_curve_callback(domain=DOMAIN, credentials_provider=registry)
        self._socket = self._context.socket(zmq.ROUTER)
        self._configure(keys)
        self._socket.bind(endpoint)
        self.endpoint: str = self._socket.getsockopt_string(zmq.LAST_ENDPOINT)
        self._lines = Lines(int(self.endpoint.rpartition(":")[2]))

    def _configure(self, keys: CurveKeys) -> None:
        s = self._socket
        s.curve_server = True
        s.curve_secretkey, s.curve_publickey = keys.secret.encode(), keys.public.encode()
        s.zap_domain = DOMAIN.encode()
        s.setsockopt(zmq.MAXMSGSIZE, MAX_FRAME_BYTES)
        s.setsockopt(zmq.RCVHWM, RECEIVE_HIGH_WATER)
        s.setsockopt(zmq.LINGER, 200)
        s.setsockopt(zmq.HANDSHAKE_IVL, 10_000)
        s.setsockopt(zmq.HEARTBEAT_IVL, 5_000)
        s.setsockopt(zmq.HEARTBEAT_TIMEOUT, 15_000)
        s.setsockopt(zmq.TCP_KEEPALIVE, 1)

    async def receive(self) -> Arrival:
        """The next frame with an authenticated sender; anything else is dropped and counted in the log."""
        while True:
            parts = await self._socket.recv_multipart(copy=False)
            key = _property(parts[-1], "User-Id")
            if len(parts) == 2 and key is not None:
                arrival = Arrival(parts[0].bytes, key, parts[1].bytes, int(parts[1].get(zmq.SRCFD)))
                self._lines.note(key, (arrival.route, arrival.descriptor), _property(parts[-1], "Peer-Address") or "")
                return arrival
            log.warning("dropped a message of the wrong shape", extra={"parts": len(parts), "key": key})

    async def reply(self, route: bytes, message: FromCloud) -> None:
        """To a route that is gone, or too slow to read, nothing is sent: the device asks again."""
        with suppress(zmq.ZMQError):
            await self._socket.send_multipart([route, encode(message)])

    def cut(self, arrival: Arrival) -> None:
        """End the connection that brought this frame."""
        self._lines.end_one(arrival.key, (arrival.route, arrival.descriptor))

    def cut_key(self, key: str) -> int:
        """End every connection that this key has; how many there were."""
        return self._lines.end(key)

    def close(self) -> None:
        self._socket.close()
        self._guard.stop()
        self._context.term()


def _property(frame: zmq.Frame, name: str) -> str | None:
    """What libzmq knows of the connection that a frame came through."""
    try:
        found = frame.get(name)
    except zmq.ZMQError:
        return None
    return str(found) or None

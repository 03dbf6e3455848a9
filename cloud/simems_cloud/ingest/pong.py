"""The answer to a ping: the cloud's time."""

from __future__ import annotations

import time

from simems_core.wire import Ping, Pong, WireError, decode_from_edge

PING_BYTES = 200


def pong_to(ping: Ping) -> Pong:
    return Pong(time_us=ping.time_us, server_time_us=time.time_ns() // 1000)


def pong(payload: bytes) -> Pong | None:
    """The answer when it is a ping; anything longer is not one."""
    if len(payload) > PING_BYTES:
        return None
    try:
        message = decode_from_edge(payload)
    except WireError:
        return None
    return pong_to(message) if isinstance(message, Ping) else None

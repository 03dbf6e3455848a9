"""Pings and goodbyes: answered and noted at once, whatever waits to be stored."""

from __future__ import annotations

import time

from simems_core.wire import Bye, Ping, Pong, WireError, decode_from_edge

PING_BYTES = 200


def pong_to(ping: Ping) -> Pong:
    return Pong(time_us=ping.time_us, server_time_us=time.time_ns() // 1000)


def small_talk(payload: bytes) -> Ping | Bye | None:
    """What is neither stored nor has to wait; anything longer is something else."""
    if len(payload) > PING_BYTES:
        return None
    try:
        message = decode_from_edge(payload)
    except WireError:
        return None
    return message if isinstance(message, Ping | Bye) else None

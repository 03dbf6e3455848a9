"""``python -m bench.cloud.junk PORT COUNT PER_S``: strangers at the door, who stay until this process ends.

One third says nothing, one third begins a CURVE handshake and leaves it half open, one third sends noise. Nobody reads.
"""

from __future__ import annotations

import os
import resource
import socket
import sys
import time
from contextlib import suppress

GREETING = b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
"""ZMTP 3.0 (RFC 23): signature, version, mechanism, as-server and filler, 64 bytes."""
NOISE_BYTES = 400
BURST_S = 0.05
CONNECT_S = 30.0


def main(port: int, count: int, per_s: float) -> None:
    """Says ``done`` when all have come."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    begin_s, kept = time.monotonic(), []
    for number in range(count):
        kept.append(_stranger(port, number))
        ahead_s = begin_s + number / per_s - time.monotonic()
        if ahead_s > BURST_S:
            time.sleep(ahead_s)
    print("done", flush=True)
    sys.stdin.read()


def _stranger(port: int, number: int) -> socket.socket:
    connection = socket.create_connection(("127.0.0.1", port), CONNECT_S)
    if number % 3:
        connection.send(GREETING if number % 3 == 1 else os.urandom(NOISE_BYTES))
    return connection


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3]))

"""``python -m bench.cloud.junk PORT COUNT PER_S``: strangers at the door, kept until it ends them or this process ends.

One third says nothing, one third begins a CURVE handshake and leaves it half open, one third sends noise.
"""

from __future__ import annotations

import asyncio
import os
import resource
import sys
from contextlib import suppress

GREETING = b"\xff\x00\x00\x00\x00\x00\x00\x00\x01\x7f\x03\x00" + b"CURVE".ljust(20, b"\0") + bytes(32)
"""ZMTP 3.0 (RFC 23): signature, version, mechanism, as-server and filler, 64 bytes."""
NOISE_BYTES = 400
BURST_S = 0.05


async def main(port: int, count: int, per_s: float) -> None:
    """Says ``done`` when all have come."""
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    kept: set[asyncio.Task[None]] = set()
    begin_s = asyncio.get_running_loop().time()
    for number in range(count):
        kept.add(asyncio.create_task(_stranger(port, number)))
        ahead_s = begin_s + number / per_s - asyncio.get_running_loop().time()
        if ahead_s > BURST_S:
            await asyncio.sleep(ahead_s)
    print("done", flush=True)
    await asyncio.gather(*kept)


async def _stranger(port: int, number: int) -> None:
    with suppress(OSError):
        reader, writer = await asyncio.open_connection("127.0.0.1", port)
        if number % 3:
            writer.write(GREETING if number % 3 == 1 else os.urandom(NOISE_BYTES))
        while await reader.read(4096):
            continue
        writer.close()


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(int(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))

"""``python -m bench.cloud.box FOLDER ENDPOINT SERVER_KEY BACKLOG_S LIVE_S``: the edge's own buffer and uplink with a
backlog of so many seconds, a live frame every LIVE_S, until ended.

What lies in the buffer was flushed every second and packed meanwhile, as on a box that was cut off for so long.
"""

from __future__ import annotations

import asyncio
import contextlib
import sys
import time
from pathlib import Path

from simems_core import wire
from simems_edge.buffer import Buffer, Status
from simems_edge.sync import Cloud, Identity, Uplink

CHANNELS = 50
SITE = "backlog"
FLUSHED_AT_ONCE = 200


async def main(folder: Path, endpoint: str, server_key: str, backlog_s: int, live_s: float) -> None:
    buffer = await Buffer.open(folder, _utc_us)
    await _fill(buffer, backlog_s)
    uplink = Uplink(
        buffer,
        Cloud(endpoint, server_key),
        Identity(folder).keys,
        _hello,
        utc_us=_utc_us,
        on_refused=lambda sequence, reason: print(f"refused {sequence}: {reason}", file=sys.stderr),
    )
    await asyncio.gather(uplink.run(), _measure(buffer, live_s))


async def _fill(buffer: Buffer, backlog_s: int) -> None:
    begin_us = _utc_us() - 2 * backlog_s * 1_000_000
    for second in range(backlog_s):
        buffer.append_telemetry([begin_us + second * 1_000_000], _columns(second))
        if second % FLUSHED_AT_ONCE == FLUSHED_AT_ONCE - 1 or second == backlog_s - 1:
            await buffer.flush()
    while await buffer.compact():
        continue


async def _measure(buffer: Buffer, live_s: float) -> None:
    number = 0
    while True:
        await asyncio.sleep(live_s)
        number += 1
        buffer.append_telemetry([_utc_us()], _columns(number))
        await buffer.flush()


def _columns(number: int) -> list[wire.Column]:
    """Noisy powers at a resolution of 10 W."""
    return [
        wire.Column(channel=address(c), resolution=10.0, values=[(c * 7919 + number * 104_729) % 6_000])
        for c in range(CHANNELS)
    ]


def address(channel: int) -> str:
    return f"meter{channel}/active_power_w"


def _hello(status: Status, time_us: int) -> wire.Hello:
    channels = [wire.ChannelInfo(address=address(c), resolution=10.0) for c in range(CHANNELS)]
    return wire.Hello(
        site=SITE, time_zone="UTC", software="bench", time_us=time_us, sequence=status.last_sequence,
        oldest=status.oldest_sequence, components=[], channels=channels,
    )  # fmt: skip


def _utc_us() -> int:
    return time.time_ns() // 1000


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(Path(sys.argv[1]), sys.argv[2], sys.argv[3], int(sys.argv[4]), float(sys.argv[5])))

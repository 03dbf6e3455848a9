"""``python -m bench.cloud.fleet ENDPOINT SERVER_KEY PERIOD_S < KEYS``: one device per line of keys, until ended."""

from __future__ import annotations

import asyncio
import contextlib
import random
import sys
import time

import zmq
import zmq.asyncio
from simems_core import wire

CHANNELS = ("grid0/active_power_w", "pv0/active_power_w", "ess0/active_power_w", "ess0/soc_pct", "site/load_power_w")
MORE = ("grid0/voltage_v", "grid0/frequency_hz", "grid0/import_energy_wh")
COMPONENTS = [
    wire.ComponentInfo(id=f"{kind}0", kind=name) for kind, name in (("grid", "meter"), ("pv", "pv"), ("ess", "ess"))
]
ROWS = 10


async def main(endpoint: str, server_key: str, period_s: float, keys: list[list[str]]) -> None:
    context = zmq.asyncio.Context()
    context.set(zmq.MAX_SOCKETS, 2 * len(keys) + 10)
    await asyncio.gather(*(_device(context, endpoint, server_key, period_s, n, *key) for n, key in enumerate(keys)))


async def _device(
    context: zmq.asyncio.Context, endpoint: str, server_key: str, period_s: float, number: int, public: str, secret: str
) -> None:
    link = context.socket(zmq.DEALER)
    link.curve_serverkey, link.curve_publickey, link.curve_secretkey = (
        server_key.encode(),
        public.encode(),
        secret.encode(),
    )
    await asyncio.sleep(random.uniform(0, period_s))
    link.connect(endpoint)
    await link.send(wire.encode(_hello(number)))
    reader = asyncio.create_task(_read(link))
    sequence = 0
    while not reader.done():
        sequence += 1
        await link.send(wire.encode(_frame(number, sequence)))
        await asyncio.sleep(period_s)


async def _read(link: zmq.asyncio.Socket) -> None:
    while True:
        await link.recv()


def _hello(number: int) -> wire.Hello:
    channels = [wire.ChannelInfo(address=address, resolution=1.0) for address in (*CHANNELS, *MORE)]
    return wire.Hello(
        site=f"site-{number:04d}", time_zone="Europe/Stockholm", software="bench", time_us=0, sequence=0,
        components=COMPONENTS, channels=channels,
    )  # fmt: skip


def _frame(number: int, sequence: int) -> wire.Telemetry:
    start_us = time.time_ns() // 1000 - ROWS * 1_000_000
    columns = [
        wire.Column(channel=address, resolution=1.0, values=[(number + place + row) % 60_000 for row in range(ROWS)])
        for place, address in enumerate((*CHANNELS, *MORE))
    ]
    return wire.Telemetry(sequence=sequence, times_us=[start_us, *[1_000_000] * (ROWS - 1)], columns=columns)


if __name__ == "__main__":
    with contextlib.suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), [line.split() for line in sys.stdin]))

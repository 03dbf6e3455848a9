"""``python -m tests.reconnect.fleet ENDPOINT SERVER_KEY WINDOW_S FRAMES``: a device per line of keys that it reads.

Each connects at a moment of its own within WINDOW_S, greets, hears what the cloud has, and sends what that leaves of
its FRAMES, again when nothing moves; then it stays. An empty line ends the keys, the end of the input the process. It
prints ``greeted SECONDS`` when the last has heard of the cloud, ``drained SECONDS`` when all is acknowledged.
"""

from __future__ import annotations

import asyncio
import random
import resource
import sys
import time
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

import zmq
import zmq.asyncio
from simems_core import wire

CHANNELS = tuple(
    f"{component}/state" for component in ("site", "grid0", "pv0", "ess0", "evcs0", "load0", "hp0", "ffr0")
)
ROWS, STEP_S = 5, 60
"""Of a frame: a row a minute, five minutes in one; twelve are an hour."""
START_US = 1_760_000_400_000_000
STALLED_S = 60.0


@dataclass(frozen=True)
class Task:
    endpoint: str
    server_key: bytes
    frames: Sequence[bytes]


async def main(endpoint: str, server_key: str, window_s: float, count: int, keys: list[list[str]]) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (limits[1], limits[1]))
    context = zmq.asyncio.Context()
    context.set(zmq.MAX_SOCKETS, len(keys) + 10)
    task = Task(endpoint, server_key.encode(), [_frame(number) for number in range(1, count + 1)])
    devices = [_Device(context, task, number, *key) for number, key in enumerate(keys)]
    began_s = time.monotonic()
    async with asyncio.TaskGroup() as group:
        for device in devices:
            group.create_task(device.run(random.uniform(0.0, window_s)))
        for word, events in (("greeted", [d.greeted for d in devices]), ("drained", [d.drained for d in devices])):
            for event in events:
                await event.wait()
            print(f"{word} {time.monotonic() - began_s:.2f}", flush=True)  # noqa: T201 - to whoever started it
    await asyncio.to_thread(sys.stdin.read)
    context.destroy(linger=0)


class _Device:
    def __init__(self, context: zmq.asyncio.Context, task: Task, number: int, public: str, secret: str) -> None:
        self._task, self._number = task, number
        self._link = context.socket(zmq.DEALER)
        self._link.curve_serverkey = task.server_key
        self._link.curve_publickey, self._link.curve_secretkey = public.encode(), secret.encode()
        self.greeted, self.drained = asyncio.Event(), asyncio.Event()

    async def run(self, after_s: float) -> None:
        await asyncio.sleep(after_s)
        self._link.connect(self._task.endpoint)
        frames = self._task.frames
        acked = await self._ask([wire.encode(_hello(self._number, len(frames)))], 0)
        self.greeted.set()
        if acked < len(frames):
            await self._ask(frames[acked:], len(frames))
        self.drained.set()

    async def _ask(self, messages: Sequence[bytes], wanted: int) -> int:
        """Until so much is acknowledged, how much that is."""
        while True:
            for message in messages:
                await self._link.send(message)
            with suppress(TimeoutError):
                async with asyncio.timeout(STALLED_S):
                    return await self._acked(wanted)

    async def _acked(self, wanted: int) -> int:
        while True:
            match wire.decode_from_cloud(await self._link.recv()):
                case wire.Ack(sequence=acked) if acked >= wanted:
                    return acked
                case wire.Refused() | wire.Bye() as answer:
                    raise RuntimeError(f"the cloud answered {answer}")


def _hello(number: int, last: int) -> wire.Hello:
    channels = [wire.ChannelInfo(address=address, kind="enum", labels={0: "OFF", 1: "RUN"}) for address in CHANNELS]
    return wire.Hello(
        site=f"site-{number:05d}", time_zone="UTC", software="reconnect", time_us=0, sequence=last,
        components=[], channels=channels,
    )  # fmt: skip


def _frame(number: int) -> bytes:
    times_us = [START_US + number * ROWS * STEP_S * 1_000_000, *[STEP_S * 1_000_000] * (ROWS - 1)]
    columns = [
        wire.Column(channel=address, resolution=1.0, values=[(number + place) % 3] * ROWS)
        for place, address in enumerate(CHANNELS)
    ]
    return wire.encode(wire.Telemetry(sequence=number, times_us=times_us, columns=columns))


def _keys() -> list[list[str]]:
    return [line.split() for line in iter(sys.stdin.readline, "\n")]


if __name__ == "__main__":
    with suppress(KeyboardInterrupt):
        asyncio.run(main(sys.argv[1], sys.argv[2], float(sys.argv[3]), int(sys.argv[4]), _keys()))

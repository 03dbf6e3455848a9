"""A device that sends frames and waits for their acks."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass

import zmq
import zmq.asyncio
from simems_core import wire

from bench.cloud.rig import Device

START_US = 1_760_000_400_000_000
BOUND_S = 300.0
IN_FLIGHT = 128
"""Frames without an ack; an edge has up to 256 live ones."""


@dataclass(frozen=True)
class Shape:
    """``count`` frames of ``rows`` rows and ``channels`` channels, a row every ``step_s``."""

    name: str
    count: int
    rows: int
    channels: int
    step_s: int

    @property
    def values(self) -> int:
        return self.count * self.rows * self.channels

    def hello(self) -> wire.Hello:
        channels = [wire.ChannelInfo(address=address(n), resolution=1.0) for n in range(self.channels)]
        return wire.Hello(
            site=f"bench-{self.rows}", time_zone="UTC", software="bench", time_us=0, sequence=0, components=[],
            channels=channels,
        )  # fmt: skip

    def frames(self) -> list[wire.Telemetry]:
        return [self._frame(number) for number in range(self.count)]

    def _frame(self, number: int) -> wire.Telemetry:
        step_us = self.step_s * 1_000_000
        times_us = [START_US + number * self.rows * step_us, *[step_us] * (self.rows - 1)]
        columns = [
            wire.Column(
                channel=address(channel),
                resolution=1.0,
                values=[(channel * 7919 + (number * self.rows + row) * 104_729) % 60_000 for row in range(self.rows)],
            )
            for channel in range(self.channels)
        ]
        return wire.Telemetry(sequence=number + 1, times_us=times_us, columns=columns)


def address(channel: int) -> str:
    return f"meter{channel}/active_power_w"


def ship(payloads: Sequence[bytes], shape: Shape, device: Device, endpoint: str, server_key: bytes) -> float:
    """Seconds from the first frame sent until the ack of the last."""
    return asyncio.run(_ship(payloads, shape, device, endpoint, server_key))


async def _ship(payloads: Sequence[bytes], shape: Shape, device: Device, endpoint: str, server_key: bytes) -> float:
    with zmq.asyncio.Context() as context, context.socket(zmq.DEALER) as link:
        link.linger = 0
        link.curve_serverkey = server_key
        link.curve_publickey, link.curve_secretkey = device.public_key, device.secret_key
        link.connect(endpoint)
        async with asyncio.timeout(BOUND_S):
            await link.send(wire.encode(shape.hello()))
            await _until(link, 0)
            began = time.monotonic()
            acked = 0
            for number, payload in enumerate(payloads):
                while number - acked >= IN_FLIGHT:
                    acked = await _until(link, acked + 1)
                await link.send(payload)
            await _until(link, len(payloads))
        return time.monotonic() - began


async def _until(link: zmq.asyncio.Socket, sequence: int) -> int:
    while True:
        message = wire.decode_from_cloud(await link.recv())
        match message:
            case wire.Ack(sequence=acked) if acked >= sequence:
                return acked
            case wire.Refused() | wire.Bye():
                raise RuntimeError(f"the cloud answered {message}")

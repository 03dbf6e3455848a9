"""A device that sent more than is read, and died: the door must outlive it.

While the database is away nobody reads; libzmq then stops to take from the device, and where heartbeats were on it
aborted the whole process with the next one after the connection broke (libzmq 4.3.5, ``!_io_error``).
"""

from __future__ import annotations

import subprocess
import sys
from contextlib import suppress

import pytest
import zmq

pytestmark = pytest.mark.integration
DOOR = """
import asyncio, sys
from simems_cloud.ingest.door import Door
from simems_cloud.kit.secret_files import CurveKeys

class Everybody:
    async def callback(self, domain, key):
        return True

async def main(public, secret):
    door = Door("tcp://127.0.0.1:*", CurveKeys(public=public, secret=secret), Everybody())
    print(door.endpoint, flush=True)
    await asyncio.Event().wait()

asyncio.run(main(*sys.argv[1:]))
"""
FULL_MS = 1_000
"""Nothing more is taken for so long."""
OUTLIVES_S = 12.0
"""It ended after eight to nine seconds."""


def test_the_door_outlives_a_device_that_it_held_back() -> None:
    public, secret = (half.decode() for half in zmq.curve_keypair())
    command = [sys.executable, "-c", DOOR, public, secret]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as door:
        try:
            assert door.stdout is not None
            _flood(door.stdout.readline().strip(), public.encode())
            with pytest.raises(subprocess.TimeoutExpired):
                door.wait(OUTLIVES_S)
        finally:
            door.kill()


def _flood(endpoint: str, server_key: bytes) -> None:
    with zmq.Context() as context, context.socket(zmq.DEALER) as device:
        device.linger, device.sndtimeo = 0, FULL_MS
        device.curve_serverkey = server_key
        device.curve_publickey, device.curve_secretkey = zmq.curve_keypair()
        device.connect(endpoint)
        with suppress(zmq.Again):
            while True:
                device.send(bytes(20_000))

"""What honest devices get through while 10,000 strangers come: silent connections, half-open handshakes, noise.

The same devices ship the same frames with and without them, in turns; the cloud is on one core, devices and strangers
share the others.
"""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from statistics import median

from simems_core import wire

from bench.cloud.edge import Shape, ship
from bench.cloud.rig import Rig, free_port, one_core, process, rig
from bench.figure import Figure

STRANGERS, SPAN_S, ROUNDS = 10_000, 20.0, 3
SHAPE = Shape("frames of 60 rows x 50 channels, each second", 100, 60, 50, 1)


def measure() -> list[Figure]:
    port = free_port()
    endpoint = f"tcp://127.0.0.1:{port}"
    payloads = [wire.encode(frame) for frame in SHAPE.frames()]
    with one_core(), rig() as made, process(made, "ingest", SIMEMS_INGEST_ENDPOINT=endpoint):
        _shipped(made, payloads, endpoint)
        rounds = [(_undisturbed(made, payloads, endpoint), _besieged(made, payloads, port)) for _ in range(ROUNDS)]
    normal = median(alone for alone, _ in rounds)
    ratio = median(besieged / alone for alone, besieged in rounds)
    name = f"ingest while {STRANGERS:,} strangers come"
    return [Figure(name, ratio * normal, "values/s", "nobody else", normal, 0.8, at_most=False)]


def _undisturbed(made: Rig, payloads: Sequence[bytes], endpoint: str) -> float:
    end_s = time.monotonic() + SPAN_S
    return _rate(made, payloads, endpoint, lambda: time.monotonic() < end_s)


def _besieged(made: Rig, payloads: Sequence[bytes], port: int) -> float:
    """While they come; those that came stay."""
    command = [sys.executable, "-m", "bench.cloud.junk", str(port), str(STRANGERS), str(STRANGERS / SPAN_S)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as strangers:
        assert strangers.stdout is not None
        all_came = strangers.stdout
        try:
            os.set_blocking(all_came.fileno(), False)
            return _rate(
                made, payloads, f"tcp://127.0.0.1:{port}", lambda: strangers.poll() is None and not all_came.read()
            )
        finally:
            strangers.terminate()


def _rate(made: Rig, payloads: Sequence[bytes], endpoint: str, goes_on: Callable[[], bool]) -> float:
    """Values a second, one device after the other."""
    values, began_s = 0, time.monotonic()
    while goes_on():
        _shipped(made, payloads, endpoint)
        values += SHAPE.values
    return values / (time.monotonic() - began_s)


def _shipped(made: Rig, payloads: Sequence[bytes], endpoint: str) -> None:
    ship(payloads, SHAPE, made.device(made.tenant()), endpoint, made.server_key)

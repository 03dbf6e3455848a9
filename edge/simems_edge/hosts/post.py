"""What the edge and a controller's process tell each other: an order at birth, then reports one way.

Reports are datagrams of JSON: whole or not at all, and whatever a broken process sends, reading it neither waits nor
runs anything.
"""

from __future__ import annotations

import socket
from collections.abc import Iterator
from dataclasses import dataclass
from multiprocessing import reduction
from typing import Any

import msgspec

from simems_edge.contracts import Controller

LARGEST = 65_536
AT_ONCE = 100
"""Reports read in one go; a flood costs nobody else."""


@dataclass(frozen=True)
class Limits:
    """What a controller's process may take."""

    memory_mb: int = 256
    """Private memory beyond what it has when it starts; over it the process ends."""
    silent_s: float = 5.0
    """Without a sign of life for this long it is killed and started again."""
    first_backoff_s: float = 0.5
    """Pause before the first new start; each further one doubles it."""
    longest_backoff_s: float = 60.0


class Descriptor:
    """A file descriptor that goes along when a process is started."""

    def __init__(self, number: int) -> None:
        self.number = number

    def __getstate__(self) -> dict[str, Any]:
        return {"dup": reduction.DupFd(self.number)}

    def __setstate__(self, state: dict[str, Any]) -> None:
        self.number = state["dup"].detach()


@dataclass(frozen=True)
class Order:
    """All that a process needs to give its controller turns."""

    controller: Controller
    """Never given a turn before."""
    actuators: dict[str, int]
    period_s: float
    memory_mb: int
    board: Descriptor
    desk: Descriptor
    bell: Descriptor
    post: Descriptor


class Ready(msgspec.Struct, frozen=True, tag=True):
    """The controller is bound and waits for its first turn."""


class Turns(msgspec.Struct, frozen=True, tag=True):
    """Its turns go well again."""


class Failed(msgspec.Struct, frozen=True, tag=True):
    """Turns were lost since the last report."""

    count: int
    text: str
    trace: str
    """Of the first of its kind; else empty."""


Report = Ready | Turns | Failed
_encode = msgspec.json.Encoder().encode
_decode = msgspec.json.Decoder(Report).decode


def post_box() -> tuple[socket.socket, socket.socket]:
    """(the edge's end, the process's end); neither ever waits."""
    ends = socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)
    for end in ends:
        end.setblocking(False)
    return ends


def send(box: socket.socket, report: Report) -> bool:
    """False when the box is full or nobody reads it any more; the report is then left out."""
    try:
        box.send(_encode(report))
    except OSError:
        return False
    return True


def reports(box: socket.socket) -> Iterator[Report]:
    """What came since the last call; what is no report is left out."""
    for _ in range(AT_ONCE):
        try:
            data = box.recv(LARGEST)
        except OSError:
            return
        try:
            yield _decode(data)
        except (msgspec.MsgspecError, RecursionError):
            continue

"""Only the connection that was meant is ended, whatever its descriptor stands for by then."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from simems_cloud.ingest.lines import Lines

HERE = "127.0.0.1"


@pytest.fixture
def ours() -> Iterator[socket.socket]:
    with closing(socket.create_server((HERE, 0))) as listening:
        yield listening


def _port(listening: socket.socket) -> int:
    return int(listening.getsockname()[1])


def _connected(listening: socket.socket) -> tuple[socket.socket, socket.socket]:
    """(the device's end, ours)"""
    device = socket.create_connection(listening.getsockname())
    device.settimeout(5.0)
    return device, listening.accept()[0]


def _taken_over(descriptor: int, by: socket.socket) -> None:
    """The number is closed and at once given to another connection."""
    os.dup2(by.fileno(), descriptor)


def test_a_key_loses_every_connection_and_no_other_key_any(ours: socket.socket) -> None:
    lines = Lines(_port(ours))
    pairs = [_connected(ours) for _ in range(3)]
    for number, (_, own) in enumerate(pairs):
        lines.note("a" if number < 2 else "b", (b"route%d" % number, own.fileno()), HERE)
    assert lines.end("a") == 2
    assert [device.recv(1) for device, _ in pairs[:2]] == [b"", b""]
    pairs[2][1].sendall(b"x")
    assert pairs[2][0].recv(1) == b"x"
    assert lines.end("a") == 0


def test_what_waits_of_an_ended_connection_ends_no_other(ours: socket.socket) -> None:
    """Frames that were sent before come after: each asked for the end of a number that the database had by then."""
    lines = Lines(_port(ours))
    _, own = _connected(ours)
    line = (b"route", own.fileno())
    lines.note("a", line, HERE)
    assert lines.end("a") == 1
    with closing(socket.create_server((HERE, 0))) as database:
        client = socket.create_connection(database.getsockname())
        server, _ = database.accept()
        _taken_over(line[1], client)
        for _ in range(3):
            lines.note("a", line, HERE)
            lines.end_one("a", line)
        assert lines.end("a") == 0
        client.sendall(b"select")
        assert server.recv(6) == b"select"


def test_another_devices_connection_under_the_same_number_goes_on(ours: socket.socket) -> None:
    lines = Lines(_port(ours))
    device, own = _connected(ours)
    lines.note("a", (b"first", own.fileno()), HERE)
    device.close()
    other, second = _connected(ours)
    _taken_over(own.fileno(), second)
    assert lines.end("a") == 0
    second.sendall(b"x")
    other.settimeout(5.0)
    assert other.recv(1) == b"x"


def test_a_frame_that_is_read_late_names_nobody_elses_connection(ours: socket.socket) -> None:
    """Its connection had gone before its first frame was read."""
    lines = Lines(_port(ours))
    with closing(socket.create_server((HERE, 0))) as database:
        client = socket.create_connection(database.getsockname())
        database.accept()
        lines.note("a", (b"route", client.fileno()), HERE)
        lines.note("a", (b"other", client.fileno()), "192.0.2.7")
        assert lines.end("a") == 0
    device, own = _connected(ours)
    lines.note("a", (b"third", own.fileno()), "192.0.2.7")
    assert lines.end("a") == 0, "the frame came from another address"
    device.close()


def test_a_number_that_is_no_socket_or_nothing_is_left_alone(ours: socket.socket, tmp_path: Path) -> None:
    lines = Lines(_port(ours))
    before = len(os.listdir("/proc/self/fd"))
    with (tmp_path / "file").open("w") as file:
        lines.note("a", (b"route", file.fileno()), HERE)
        lines.end_one("a", (b"route", file.fileno()))
    lines.note("a", (b"route", 9_999), HERE)
    assert lines.end("a") == 0
    assert len(os.listdir("/proc/self/fd")) == before, "nothing stays open"

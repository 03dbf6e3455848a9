"""What systemd asks for, read from the environment."""

from __future__ import annotations

import logging
import os
import socket
from contextlib import suppress
from pathlib import Path

import pytest
from simems_core import Actuator, Channel, Clock, Cycle, ProcessImage
from simems_edge.cli.systemd import Notifier


def cycle() -> Cycle:
    image = ProcessImage([Channel("a/p")])
    actuators = [Actuator("a/p", minimum=0.0, maximum=1.0)]
    return Cycle(image, period_s=1.0, sources=[], actuators=actuators, guards=[], clock=Clock.monotonic())


@pytest.mark.parametrize(
    ("environment", "watchdog_s"),
    [
        ({}, None),
        ({"WATCHDOG_USEC": "900000"}, None),
        ({"NOTIFY_SOCKET": "@x"}, None),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "900000"}, 0.9),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "0"}, None),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "soon"}, None),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "900000", "WATCHDOG_PID": str(os.getpid())}, 0.9),
        ({"NOTIFY_SOCKET": "@x", "WATCHDOG_USEC": "900000", "WATCHDOG_PID": "1"}, None),
    ],
)
def test_patience(environment: dict[str, str], watchdog_s: float | None) -> None:
    assert Notifier(environment).watchdog_s == watchdog_s


def test_without_systemd_nobody_is_told() -> None:
    notifier = Notifier({})
    assert notifier.watch(cycle(), 1.0) is None
    notifier.stopping()


def test_a_socket_that_is_none_does_not_stop_the_edge(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": "x" * 200})
    with caplog.at_level(logging.WARNING):
        assert notifier.watch(cycle(), 0.1) is None
        notifier.stopping()
    assert [record.message for record in caplog.records] == ["systemd is told nothing"]


def test_a_patience_shorter_than_three_cycles_is_told(caplog: pytest.LogCaptureFixture) -> None:
    notifier = Notifier({"NOTIFY_SOCKET": "@simems-test", "WATCHDOG_USEC": "900000"})
    with caplog.at_level(logging.WARNING):
        watchdog = notifier.watch(cycle(), 1.0)
    assert watchdog is not None
    watchdog.stop()
    assert "shorter than three cycles" in caplog.text


@pytest.mark.timeout(10)
def test_the_end_does_not_wait_for_a_systemd_that_does_not_read(tmp_path: Path) -> None:
    path = str(tmp_path / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as deaf:
        deaf.bind(path)
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as channel, suppress(BlockingIOError):
            channel.setblocking(False)
            while channel.sendto(b"WATCHDOG=1", path):
                pass
        Notifier({"NOTIFY_SOCKET": path}).stopping()

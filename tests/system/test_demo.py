"""``make demo`` as a newcomer meets it: it gets ready, says where, and leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from threading import Event

import pytest

from demo.settings import ROOT
from tests.system.conftest import own_settings, reachable_folder

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(300)]

READY = re.compile(r"^READY portal=(\S+) hmi=(\S+) user=(\S+) password=(\S+) pin=(\d{6})$", re.MULTILINE)


@pytest.fixture
def environment() -> Iterator[dict[str, str]]:
    with reachable_folder() as folder:
        settings = own_settings(folder, history_days=1)
        yield {
            **os.environ,
            "SIMEMS_DEMO_DIR": str(folder),
            "SIMEMS_PORTAL_PORT": str(settings.portal_port),
            "SIMEMS_HMI_PORT": str(settings.hmi_port),
            "SIMEMS_INGEST_PORT": str(settings.ingest_port),
            "SIMEMS_PLANT_PORT": str(settings.plant_port),
            "SIMEMS_MODBUS_PORT": str(settings.modbus_port),
            "SIMEMS_DEMO_DAYS": "1",
        }


def _start(environment: dict[str, str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "demo"], cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True
    )


def _ready_line(process: subprocess.Popen[str]) -> str:
    assert process.stdout is not None
    return process.stdout.readline()


def _left_behind(folder: str) -> list[str]:
    """Processes that name the demonstration's folder on their command line or work below it."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdecimal() and int(entry.name) != os.getpid():
            try:
                words = (entry / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
                inside = f"SIMEMS_DEMO_DIR={folder}".encode() in (entry / "environ").read_bytes()
            except OSError:
                continue
            if folder in words or inside:
                found.append(words)
    return found


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGKILL], ids=lambda number: number.name)
def test_demo_gets_ready_and_leaves_nothing_behind(environment: dict[str, str], number: signal.Signals) -> None:
    folder = environment["SIMEMS_DEMO_DIR"]
    process = _start(environment)
    line = _ready_line(process)
    assert READY.match(line), line
    assert _left_behind(folder), "the search finds processes while they run"

    process.send_signal(number)
    code = process.wait(60)
    assert code == (0 if number == signal.SIGINT else -signal.SIGKILL)
    deadline = time.monotonic() + 30
    while (left := _left_behind(folder)) and time.monotonic() < deadline:
        Event().wait(0.1)
    assert not left

    again = _start(environment)
    assert READY.match(_ready_line(again)), "a second start finds everything in order"
    again.send_signal(signal.SIGINT)
    assert again.wait(60) == 0


def test_a_busy_port_is_named(environment: dict[str, str]) -> None:
    with socket.socket() as taken:
        taken.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        taken.bind(("127.0.0.1", int(environment["SIMEMS_HMI_PORT"])))
        taken.listen()
        done = subprocess.run(
            [sys.executable, "-m", "demo"], cwd=ROOT, env=environment, capture_output=True, text=True, check=False
        )
    assert done.returncode == 1
    assert "SIMEMS_HMI_PORT" in done.stderr
    assert "Traceback" not in done.stderr

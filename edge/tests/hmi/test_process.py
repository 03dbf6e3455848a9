"""The whole edge as a process: it starts without its devices and its cloud, answers, records, and stops cleanly."""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import yaml
from simems_edge.buffer import Store

ROOT = Path(__file__).parents[3]
BOUND_S = 40.0
WATCHDOG_S = 0.9
pytestmark = pytest.mark.integration


def free_ports(count: int) -> list[int]:
    """All different: every listener stays open until the last one is bound."""
    listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(count)]
    ports = [int(listener.getsockname()[1]) for listener in listeners]
    for listener in listeners:
        listener.close()
    return ports


def simems(*arguments: str) -> list[str]:
    return [sys.executable, "-m", "simems_edge.cli.main", *arguments]


@dataclass
class EdgeProcess:
    process: subprocess.Popen[str]
    url: str
    site_file: Path
    data: Path
    notices: socket.socket

    def told(self) -> list[bytes]:
        """Every message to systemd that waits to be read."""
        self.notices.settimeout(0.0)
        messages = []
        with contextlib.suppress(BlockingIOError):
            while True:
                messages.append(self.notices.recv(64))
        self.notices.settimeout(BOUND_S)
        return messages

    def thread(self, name: str) -> int:
        """Id of the edge's thread of this name."""
        for task in Path(f"/proc/{self.process.pid}/task").iterdir():
            if (task / "comm").read_text().strip() == name:
                return int(task.name)
        raise LookupError(name)

    def logged(self) -> list[dict[str, object]]:
        assert self.process.stderr is not None
        return [json.loads(line) for line in self.process.stderr.read().splitlines()]


def wait_until(condition: Callable[[], bool]) -> None:
    end_s = time.monotonic() + BOUND_S
    while not condition():
        assert time.monotonic() < end_s, "it did not happen in time"
        time.sleep(0.05)


def answers(url: str) -> bool:
    try:
        return httpx.get(url, timeout=2).is_success
    except httpx.TransportError:
        return False


def write_site(folder: Path) -> tuple[Path, int]:
    """The demonstration's site with every port free and nobody behind any."""
    site = yaml.safe_load((ROOT / "demo" / "site.yaml").read_text("utf-8"))
    port, cloud, *devices = free_ports(2 + len(site["components"]))
    for component, device in zip(site["components"], devices, strict=True):
        component["connection"]["modbus_tcp"]["port"] = device
    site["cloud"]["endpoint"] = f"tcp://127.0.0.1:{cloud}"
    site["hmi"]["port"] = port
    shutil.copy(ROOT / "demo" / "cell.yaml", folder)
    site_file = folder / "site.yaml"
    site_file.write_text(yaml.safe_dump(site, allow_unicode=True), "utf-8")
    return site_file, port


@pytest.fixture
def edge_process(tmp_path: Path) -> Iterator[EdgeProcess]:
    site_file, port = write_site(tmp_path)
    notices = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    notices.bind(str(tmp_path / "notify"))
    notices.settimeout(BOUND_S)
    environment = os.environ | {
        "SIMEMS_HMI_PIN": "1",
        "NOTIFY_SOCKET": str(tmp_path / "notify"),
        "WATCHDOG_USEC": str(int(WATCHDOG_S * 1e6)),
    }
    command = simems("run", str(site_file), "--data", str(tmp_path / "data"))
    with subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, text=True) as process:
        url = f"http://127.0.0.1:{port}"
        try:
            wait_until(lambda: process.poll() is not None or answers(f"{url}/healthz"))
            yield EdgeProcess(process, url, site_file, tmp_path / "data", notices)
        finally:
            process.kill()
    notices.close()


def test_it_runs_alone_is_watched_and_stops_cleanly(edge_process: EdgeProcess) -> None:
    edge = edge_process
    assert edge.notices.recv(64) == b"READY=1"
    assert edge.notices.recv(64) == b"WATCHDOG=1"
    wait_until(lambda: httpx.get(f"{edge.url}/api/v1/sync").json()["last_sequence"] >= 2)
    status = subprocess.run(simems("status", "--url", edge.url, "--json"), capture_output=True, check=False)
    assert status.returncode == 1
    assert json.loads(status.stdout)["ready"]["checks"] == {"cycle": True, "buffer": True, "bridge": False}
    edge.process.send_signal(signal.SIGTERM)
    assert edge.process.wait(BOUND_S) == 0
    assert b"STOPPING=1" in edge.told()
    assert {"warning", "info"} >= {str(line["level"]) for line in edge.logged()}
    store = Store(edge.data, lambda: 1)
    assert store.status().last_sequence >= 2
    store.close()


@contextlib.contextmanager
def hung(thread: int) -> Iterator[None]:
    """One thread of a child process stands still; its others run on (ptrace(2): seize, interrupt, detach)."""
    trace = ctypes.CDLL(None, use_errno=True).ptrace
    trace.argtypes = [ctypes.c_long, ctypes.c_long, ctypes.c_void_p, ctypes.c_void_p]
    if trace(0x4206, thread, None, None) != 0:
        pytest.skip(f"this machine does not let a test trace its child: {os.strerror(ctypes.get_errno())}")
    assert trace(0x4207, thread, None, None) == 0
    os.waitpid(thread, 0x40000000)
    try:
        yield
    finally:
        assert trace(17, thread, None, None) == 0


def test_a_hung_cycle_is_not_kicked_for_and_a_hung_event_loop_does_not_matter(edge_process: EdgeProcess) -> None:
    edge = edge_process
    assert edge.notices.recv(64) == b"READY=1"
    with hung(edge.thread("simems-cycle")):
        edge.told()
        edge.notices.settimeout(WATCHDOG_S)
        with contextlib.suppress(TimeoutError):
            assert edge.notices.recv(64) == b"WATCHDOG=1", "at most one, for cycles completed before"
            with pytest.raises(TimeoutError):
                edge.notices.recv(64)
        assert answers(f"{edge.url}/healthz"), "only the cycle hangs"
        edge.told()
    edge.notices.settimeout(BOUND_S)
    assert edge.notices.recv(64) == b"WATCHDOG=1", "it beats again"
    with hung(edge.process.pid):
        edge.told()
        assert [edge.notices.recv(64) for _ in range(5)] == [b"WATCHDOG=1"] * 5
        assert not answers(f"{edge.url}/healthz"), "the event loop hangs"
    wait_until(lambda: answers(f"{edge.url}/healthz"))


def test_what_the_machine_granted_is_one_line_of_the_log(edge_process: EdgeProcess) -> None:
    edge = edge_process
    edge.process.send_signal(signal.SIGTERM)
    assert edge.process.wait(BOUND_S) == 0
    lines = [str(line["message"]) for line in edge.logged() if "real-time set-up" in str(line["message"])]
    assert len(lines) == 1
    assert "SCHED_FIFO 50" in lines[0]
    assert "locked memory" in lines[0]


def test_a_second_edge_or_a_backfill_on_the_same_folder_is_refused(edge_process: EdgeProcess) -> None:
    edge = edge_process
    for command in ("run", "backfill"):
        second = subprocess.run(
            simems(command, str(edge.site_file), "--data", str(edge.data)), capture_output=True, text=True, check=False
        )
        assert second.returncode == 1
        assert f"process {edge.process.pid}" in second.stderr


def test_after_a_kill_it_starts_again_and_goes_on_numbering(edge_process: EdgeProcess) -> None:
    edge = edge_process
    wait_until(lambda: httpx.get(f"{edge.url}/api/v1/sync").json()["last_sequence"] >= 2)
    edge.process.kill()
    edge.process.wait(BOUND_S)
    store = Store(edge.data, lambda: 1)
    numbers = [frame.sequence for frame in store.read_after(0, 1000)]
    assert numbers == list(range(1, len(numbers) + 1))
    assert store.take_faults() == []
    store.close()


def test_nobody_there_is_exit_code_3() -> None:
    url = f"http://127.0.0.1:{free_ports(1)[0]}"
    status = subprocess.run(simems("status", "--url", url), capture_output=True, text=True, check=False)
    assert status.returncode == 3
    assert "is the edge running" in status.stderr


def test_a_used_port_is_said_with_its_place(tmp_path: Path) -> None:
    site_file, port = write_site(tmp_path)
    with socket.create_server(("", port)):
        run = subprocess.run(
            simems("run", str(site_file), "--data", str(tmp_path / "data")), capture_output=True, text=True, check=False
        )
    assert run.returncode == 2
    assert "hmi.port" in run.stderr


def test_the_simulated_past_lands_in_the_buffer_once(tmp_path: Path) -> None:
    site_file, _ = write_site(tmp_path)
    command = simems("backfill", str(site_file), "--days", "0.25", "--data", str(tmp_path / "data"), "--json")
    first = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert 359 <= first["rows"] <= 361
    again = json.loads(subprocess.run(command, capture_output=True, check=True).stdout)
    assert again["rows"] <= 2

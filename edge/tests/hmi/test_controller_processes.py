"""The controllers of a running edge are processes of their own, die with it, and come back without it."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import httpx
import pytest

from .test_process import EdgeProcess, edge_process, wait_until

__all__ = ["edge_process"]
pytestmark = pytest.mark.integration


def controllers(edge: int) -> dict[str, int]:
    """Name -> pid of the controllers' processes below an edge's process."""
    parents = {pid: _parent(pid) for pid in map(int, filter(str.isdigit, os.listdir("/proc")))}
    below = {pid for pid, parent in parents.items() if parents.get(parent or 0) == edge}
    names = {_name(pid): pid for pid in below}
    return {name: pid for name, pid in names.items() if name.startswith("ctl-")}


def _parent(pid: int) -> int | None:
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
    except OSError:
        return None


def _name(pid: int) -> str:
    try:
        return Path(f"/proc/{pid}/comm").read_text().strip()
    except OSError:
        return ""


def failing(edge: EdgeProcess) -> list[str]:
    alarms = httpx.get(f"{edge.url}/api/v1/alarms", params={"active": True}).json()
    return [alarm["cause"] for alarm in alarms if alarm["code"] == "controller_failing"]


def test_each_controller_is_a_process_that_comes_back(edge_process: EdgeProcess) -> None:
    edge = edge_process
    wait_until(lambda: set(controllers(edge.process.pid)) == {"ctl-peak0", "ctl-self0"})
    before = controllers(edge.process.pid)
    os.kill(before["ctl-peak0"], signal.SIGKILL)
    wait_until(lambda: any("SIGKILL" in cause for cause in failing(edge)))
    wait_until(lambda: failing(edge) == [])
    after = controllers(edge.process.pid)
    assert after["ctl-peak0"] != before["ctl-peak0"]
    assert after["ctl-self0"] == before["ctl-self0"], "its neighbour was not touched"


def test_a_stop_told_to_all_processes_is_still_orderly(edge_process: EdgeProcess) -> None:
    edge = edge_process
    wait_until(lambda: len(controllers(edge.process.pid)) == 2)
    pids = list(controllers(edge.process.pid).values())
    server = _parent(pids[0])
    assert server is not None
    for pid in (*pids, server, edge.process.pid):
        os.kill(pid, signal.SIGTERM)
    assert edge.process.wait(40.0) == 0
    assert not [line for line in edge.logged() if line["level"] == "error"]


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_none_outlives_the_edge(edge_process: EdgeProcess, number: signal.Signals) -> None:
    wait_until(lambda: len(controllers(edge_process.process.pid)) == 2)
    pids = list(controllers(edge_process.process.pid).values())
    edge_process.process.send_signal(number)
    edge_process.process.wait(40.0)
    wait_until(lambda: not any(_name(pid).startswith("ctl-") for pid in pids))

"""``simems-edge sim`` as a process: control port, shared clock, restart after kill -9, clear refusals."""

from __future__ import annotations

import json
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml
from simems_edge.bridges.shared_clock import read_clock

pytestmark = pytest.mark.integration
Start = Callable[..., "RunningPlant"]


class RunningPlant:
    def __init__(self, site: Path, *arguments: str) -> None:
        with socket.create_server(("127.0.0.1", 0)) as opened:
            port = opened.getsockname()[1]
        self.url = f"http://127.0.0.1:{port}"
        self.process = subprocess.Popen(
            [
                sys.executable,
                "-m",
                "simems_edge.cli.main",
                "sim",
                str(site),
                "--control-port",
                str(port),
                "--json",
                *arguments,
            ],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, self.process.communicate()[1]
        self.ready = json.loads(line)
        self._answers()

    def _answers(self) -> None:
        deadline = time.monotonic() + 20
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{self.url}/clock", timeout=1)
            except httpx.TransportError:
                continue
            return
        pytest.fail("the control port does not answer")

    def get(self, path: str) -> dict[str, Any]:
        return dict(httpx.get(f"{self.url}{path}", timeout=5).raise_for_status().json())

    def end(self) -> int:
        self.process.terminate()
        return self.process.wait(timeout=30)


@pytest.fixture
def start_plant(plant_site_file: Path) -> Iterator[Start]:
    running: list[RunningPlant] = []

    def start(*arguments: str) -> RunningPlant:
        running.append(RunningPlant(plant_site_file, *arguments))
        return running[-1]

    yield start
    for plant in running:
        if plant.process.poll() is None:
            plant.process.kill()
        plant.process.communicate()


def test_control_port_and_orderly_end(start_plant: Start) -> None:
    plant = start_plant()
    truth = plant.get("/truth")["values"]
    assert truth["site/load_power_w"] > 10_000
    assert set(plant.ready["devices"]) == {"grid0", "pv0", "ess0"}
    answer = httpx.post(f"{plant.url}/silence", json={"component": "nobody", "silent": True}, timeout=5)
    assert answer.status_code == 422
    assert "nobody" in answer.json()["detail"]
    assert httpx.post(f"{plant.url}/silence", content=b"[]", timeout=5).status_code == 422
    assert httpx.post(f"{plant.url}/silence", json={"component": "grid0"}, timeout=5).status_code == 200
    assert httpx.post(f"{plant.url}/drive", json={"address": "grid/colour", "value": 1}, timeout=5).status_code == 422
    assert (
        httpx.post(f"{plant.url}/drive", json={"address": "grid/present", "value": True}, timeout=5).status_code == 422
    )
    driven = httpx.post(f"{plant.url}/drive", json={"address": "grid/present", "value": 0}, timeout=5)
    assert driven.status_code == 200
    _until(lambda: plant.get("/truth")["values"]["site/live"] == 0.0)
    assert plant.end() == 0


def test_kill_and_restart_go_on(start_plant: Start, tmp_path: Path) -> None:
    state = tmp_path / "state.json"
    arguments = ("--state", str(state), "--clock-file", str(tmp_path / "clock.json"), "--speed", "20")
    first = start_plant(*arguments)
    _until(lambda: first.get("/counter")["counter"] >= 40)
    saved = json.loads(state.read_text())
    counter = first.get("/counter")["counter"]
    first.process.kill()
    first.process.wait()
    second = start_plant(*arguments)
    after = second.get("/counter")["counter"]
    assert counter <= after <= counter + 20 * 20
    truth = second.get("/truth")["values"]
    assert truth["ess0/energy_wh"] <= saved["energies"]["ess0/energy_wh"]
    assert truth["ess0/energy_wh"] == pytest.approx(saved["energies"]["ess0/energy_wh"], abs=10.0)
    assert truth["grid0/import_energy_wh"] >= saved["energies"]["grid0/import_energy_wh"]


def _until(ready: Callable[[], bool], timeout_s: float = 20.0) -> None:
    deadline = time.monotonic() + timeout_s
    while not ready():
        assert time.monotonic() < deadline, "did not happen in time"


def test_scaled_clock_is_shared(start_plant: Start, tmp_path: Path) -> None:
    path = tmp_path / "clock.json"
    plant = start_plant("--speed", "10", "--clock-file", str(path), "--start", "2026-06-01T12:00:00+02:00")
    clock = read_clock(path).clock()
    assert clock.speed == 10.0
    before_us = clock.utc_us(clock.now_ns())
    shown = plant.get("/clock")
    after_us = clock.utc_us(clock.now_ns())
    assert shown["speed"] == 10.0
    assert before_us - 20_000 <= shown["utc_us"] <= after_us + 20_000


def _refused(*arguments: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "simems_edge.cli.main", "sim", *arguments]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)


def test_speed_without_a_shared_clock_is_refused(plant_site_file: Path) -> None:
    result = _refused(str(plant_site_file), "--speed", "5")
    assert result.returncode == 2
    assert "--clock-file" in result.stderr
    assert "Traceback" not in result.stderr


def test_unknown_profile_is_refused(plant_site_file: Path) -> None:
    data = yaml.safe_load(plant_site_file.read_text())
    data["simulation"]["load"]["profile"] = "bakery"
    plant_site_file.write_text(yaml.safe_dump(data))
    result = _refused(str(plant_site_file))
    assert result.returncode == 2
    assert "bakery" in result.stderr


def test_a_taken_port_ends_with_3(plant_site_file: Path) -> None:
    data = yaml.safe_load(plant_site_file.read_text())
    with socket.create_server(("127.0.0.1", 0)) as taken:
        data["components"][0]["connection"]["modbus_tcp"]["port"] = taken.getsockname()[1]
        plant_site_file.write_text(yaml.safe_dump(data))
        result = _refused(str(plant_site_file))
    assert result.returncode == 3
    assert "cannot be opened" in result.stderr

"""The doctor as a command against the virtual plant's real Modbus servers, ten times faster than life."""

from __future__ import annotations

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
import yaml

pytestmark = [pytest.mark.integration, pytest.mark.alone]
SPEED = "10"
LATEST_S = 60.0
MAIN = [sys.executable, "-m", "simems_edge.cli.main"]
Start = Callable[..., "Site"]


def _as_at_a_terminal() -> None:
    """What a shell starts in the background ignores Ctrl-C, and so would its children."""
    signal.signal(signal.SIGINT, signal.SIG_DFL)


class Site:
    """A site file, its plant as a process, and the doctor."""

    def __init__(self, folder: Path, import_limit_w: float, devices: dict[str, dict[str, Any]]) -> None:
        self.folder, self.file, self.clock = folder, folder / "site.yaml", folder / "clock.json"
        sockets = [socket.create_server(("127.0.0.1", 0)) for _ in range(4)]
        ports = [opened.getsockname()[1] for opened in sockets]
        for opened in sockets:
            opened.close()
        self.control = f"http://127.0.0.1:{ports[3]}"
        self.file.write_text(yaml.safe_dump(_site(ports, import_limit_w, devices), sort_keys=False), "utf-8")
        self.plant = subprocess.Popen(
            [*MAIN, "sim", str(self.file), "--speed", SPEED, "--clock-file", str(self.clock), "--json",
             "--control-port", str(ports[3]), "--start", "2026-06-09T12:00:00+02:00"],
            stdout=subprocess.PIPE, text=True,
        )  # fmt: skip
        assert self.plant.stdout is not None
        assert json.loads(self.plant.stdout.readline())["ready"]

    def doctor(self, *arguments: str) -> subprocess.Popen[str]:
        data = ["--clock-file", str(self.clock), "--data", str(self.folder / "data")]
        return subprocess.Popen(
            [*MAIN, "doctor", str(self.file), *data, *arguments],
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
            preexec_fn=_as_at_a_terminal,  # noqa: PLW1509 - no thread of this process holds a lock then
        )  # fmt: skip

    def truth(self, address: str) -> float:
        values = httpx.get(f"{self.control}/truth", timeout=10, trust_env=False).json()["values"]
        return float(values[address])

    def stop(self) -> None:
        self.plant.terminate()
        self.plant.communicate(timeout=20)


def _site(ports: list[int], import_limit_w: float, devices: dict[str, dict[str, Any]]) -> dict[str, Any]:
    names = [("grid0", "sunspec_meter"), ("pv0", "sunspec_pv"), ("ess0", "sunspec_storage")]
    settings: dict[str, dict[str, Any]] = {"grid0": {"noise_w": 20}, "ess0": {"initial_soc_pct": 60}}
    for name, more in devices.items():
        settings[name] = settings.get(name, {}) | more
    return {
        "site": {
            "id": "live-1", "time_zone": "Europe/Stockholm", "currency": "SEK",
            "grid": {"import_limit_w": import_limit_w, "export_limit_w": 90_000},
        },
        "components": [
            {"id": name, "profile": profile, "connection": {"modbus_tcp": {"host": "127.0.0.1", "port": port}}}
            for (name, profile), port in zip(names, ports, strict=False)
        ],
        "controllers": [{"id": "self0", "type": "self_consumption", "grid": "grid0", "ess": "ess0"}],
        "simulation": {"load": {"profile": "supermarket"}, "pv": {"peak_w": 30_000}, "devices": settings},
    }  # fmt: skip


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    running: list[Site] = []

    def make(import_limit_w: float = 120_000.0, **devices: dict[str, Any]) -> Site:
        running.append(Site(tmp_path, import_limit_w, devices))
        return running[-1]

    yield make
    for one in running:
        one.stop()


def test_a_reversed_meter_is_named_over_modbus_and_handed_over_signed(start: Start) -> None:
    site = start(grid0={"mistakes": {"ct_reversed": [1, 2, 3]}})
    report = site.folder / "handover.pdf"
    running = site.doctor("--allow-pulses", "5 kW", "--allow-full-power", "--json", "--report", str(report))
    out, err = running.communicate(timeout=LATEST_S)
    assert running.returncode == 1, err
    found = json.loads(out)
    named = {(v["check"], v["component"]) for v in found["verdicts"] if v["result"] == "fault"}
    # At ten times the speed a busy machine is late itself.
    assert named - {("meter_late", "grid0")} == {("grid_ct_reversed", "grid0")}, err
    assert 0.8 < found["actuators"]["ess0"]["gain"] < 1.2
    assert found["actuators"]["ess0"]["phases"] == [1, 2, 3]
    assert "grid_ct_reversed" in " ".join(found["skipped"]), "no full power on a reversed meter"
    assert "ess0: pulses" in err
    assert abs(site.truth("ess0/active_power_w")) < 100.0
    checked = subprocess.run(
        [*MAIN, "doctor", "verify", str(report), "--key", found["public_key"]],
        check=False,
        capture_output=True,
        text=True,
    )
    assert checked.returncode == 0, checked.stderr
    assert report.read_bytes().startswith(b"%PDF-")


def test_reading_writes_nothing_even_when_a_guard_would(start: Start) -> None:
    """The load is far beyond the connection: the guards of a running site would discharge the battery."""
    site = start(import_limit_w=5_000.0)
    out, err = site.doctor("--read-only", "--json").communicate(timeout=LATEST_S)
    found = json.loads(out)
    assert found["faults"] == 0, err
    assert {v["result"] for v in found["verdicts"] if v["check"] == "battery_ignores_setpoints"} == {"not_tested"}
    assert site.truth("ess0/discharge_energy_wh") == 0.0
    assert site.truth("ess0/charge_energy_wh") == 0.0


def test_ctrl_c_brings_the_battery_to_0_and_still_tells_what_was_found(start: Start) -> None:
    site = start()
    running = site.doctor("--allow-pulses", "5000")
    assert running.stderr is not None
    while "pulses" not in (line := running.stderr.readline()):
        assert line, running.communicate()[0]
    _until(lambda: abs(site.truth("ess0/active_power_w")) > 500.0)
    running.send_signal(signal.SIGINT)
    out, _ = running.communicate(timeout=LATEST_S)
    assert running.returncode == 0
    assert "ended by a person" in out
    assert abs(site.truth("ess0/active_power_w")) < 100.0


def _until(reached: Callable[[], bool]) -> None:
    for _ in range(2_000):
        if reached():
            return
    pytest.fail("never reached")


def test_a_device_that_does_not_answer_is_said_with_exit_code_3(start: Start) -> None:
    site = start()
    httpx.post(
        f"{site.control}/silence", json={"component": "ess0", "silent": True, "mode": "refuse"}, trust_env=False
    ).raise_for_status()
    running = site.doctor("--read-only")
    _, err = running.communicate(timeout=LATEST_S)
    assert running.returncode == 3
    assert "ess0" in err
    assert "simems-edge probe" in err

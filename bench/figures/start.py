"""How long the demonstration takes from the start of its processes to live values in the cloud."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from bench.figure import Figure
from demo.processes import free_ports

FIRST_LIMIT_S, SECOND_LIMIT_S = 60.0, 15.0


def measure() -> list[Figure]:
    """First start with two weeks of simulated history, then a second one."""
    folder = Path(tempfile.mkdtemp(prefix="simems-bench-"))
    folder.chmod(0o755)
    environment = {**os.environ, **_environment(folder)}
    try:
        first_s, second_s = _ready_after_s(environment), _ready_after_s(environment)
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    return [
        Figure("demonstration, first start until live", first_s, "s", "limit", FIRST_LIMIT_S, 1.0),
        Figure("demonstration, second start until live", second_s, "s", "limit", SECOND_LIMIT_S, 1.0),
    ]


def _ready_after_s(environment: dict[str, str]) -> float:
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "demo", "--exit-when-ready"],
        env=environment,
        stdout=subprocess.PIPE,
        stderr=subprocess.DEVNULL,
        text=True,
    )
    assert process.stdout is not None
    line = process.stdout.readline()
    took_s = time.monotonic() - began
    process.wait()
    if not line.startswith("READY"):
        raise RuntimeError("the demonstration did not get ready; run `make demo` to see why")
    return took_s


def _environment(folder: Path) -> dict[str, str]:
    names = ("SIMEMS_PORTAL_PORT", "SIMEMS_HMI_PORT", "SIMEMS_INGEST_PORT", "SIMEMS_PLANT_PORT")
    first = free_ports(len(names) + 4)
    ports = {name: str(first + offset) for offset, name in enumerate(names)}
    return {**ports, "SIMEMS_MODBUS_PORT": str(first + len(names)), "SIMEMS_DEMO_DIR": str(folder)}

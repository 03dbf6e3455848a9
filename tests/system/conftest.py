"""The whole product as real processes: cloud with its own PostgreSQL, plant, edge."""

from __future__ import annotations

import os
import shutil
import signal
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import httpx
import pytest

from demo import commands, prepare
from demo.__main__ import start
from demo.processes import Family, Launch, answers, free_ports
from demo.settings import Settings, from_environment


@dataclass
class System:
    """A running demonstration on ports of its own."""

    settings: Settings
    family: Family
    who: prepare.Credentials
    portal: httpx.Client
    hmi: httpx.Client

    def truth(self) -> dict[str, float]:
        """The plant's exact values by channel address."""
        return dict(httpx.get(f"{self.settings.plant_url}/truth", timeout=5).raise_for_status().json()["values"])

    def silence(self, component: str, silent: bool) -> None:
        body = {"component": component, "silent": silent}
        httpx.post(f"{self.settings.plant_url}/silence", json=body, timeout=5).raise_for_status()

    def site(self) -> str:
        """The site's id in the cloud."""
        return str(self.get("/sites")[0]["id"])

    def get(self, path: str) -> Any:
        return self.portal.get(f"/api/v1{path}").raise_for_status().json()

    def local(self, path: str) -> Any:
        return self.hmi.get(f"/api/v1{path}").raise_for_status().json()

    def until(self, what: str, ready: Callable[[], bool], timeout_s: float = 30.0) -> float:
        """Wait for a condition; the seconds it took."""
        began = time.monotonic()
        self.family.wait_until(what, lambda: _quietly(ready), timeout_s)
        return time.monotonic() - began

    def kill(self, name: str) -> None:
        """kill -9, as a power cut would."""
        os.kill(self.family.named(name).process.pid, signal.SIGKILL)
        self.family.forget(name)

    def restart(self, name: str) -> None:
        self.family.start(self.launch(name))

    def launch(self, name: str) -> Launch:
        made = {
            "cloud": lambda: commands.cloud(self.settings),
            "plant": lambda: commands.plant(self.settings),
            "edge": lambda: commands.edge(self.settings, self.who.pin),
        }
        return made[name]()

    def all_up(self) -> bool:
        return (
            answers(f"{self.settings.portal_url}/readyz")
            and answers(f"{self.settings.hmi_url}/readyz")
            and answers(f"{self.settings.plant_url}/clock")
        )


def _quietly(ready: Callable[[], bool]) -> bool:
    """A peer that is down for a moment is not there yet."""
    try:
        return ready()
    except httpx.HTTPError:
        return False


def own_settings(data: Path, history_days: int = 0) -> Settings:
    first = free_ports(12)
    return replace(
        from_environment(),
        data=data,
        portal_port=first,
        hmi_port=first + 1,
        ingest_port=first + 2,
        plant_port=first + 3,
        modbus_port=first + 4,
        history_days=history_days,
    )


@contextmanager
def reachable_folder() -> Iterator[Path]:
    """A folder that the database's own user can enter (pytest's are closed to it when we are root)."""
    folder = Path(tempfile.mkdtemp(prefix="simems-system-"))
    folder.chmod(0o755)
    try:
        yield folder
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def run_system(history_days: int = 0) -> Iterator[System]:
    """Start everything in a folder of its own, hand it over, leave nothing behind."""
    with reachable_folder() as data:
        settings = own_settings(data, history_days)
        settings.edge_data.mkdir(parents=True)
        family = Family(settings.data / "logs")
        try:
            who = start(settings, family)
            portal = signed_in(settings, who)
            yield System(settings, family, who, portal, httpx.Client(base_url=settings.hmi_url, timeout=10))
        finally:
            family.stop()


def signed_in(settings: Settings, who: prepare.Credentials) -> httpx.Client:
    portal = httpx.Client(base_url=settings.portal_url, timeout=10)
    form = {"username": who.user, "password": who.password}
    token = portal.post("/api/v1/auth/token", data=form).raise_for_status().json()["access_token"]
    portal.headers["Authorization"] = f"Bearer {token}"
    return portal


@pytest.fixture(scope="module")
def system() -> Iterator[System]:
    """One running system for the tests of a module."""
    yield from run_system()

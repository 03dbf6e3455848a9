"""A site like the demonstration's on free ports."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from simems_edge.config import Site

SITE: dict[str, Any] = {
    "site": {
        "id": "plant-1",
        "time_zone": "Europe/Stockholm",
        "currency": "SEK",
        "grid": {"import_limit_w": 100_000, "export_limit_w": 50_000},
    },
    "components": [
        {"id": "grid0", "profile": "sunspec_meter", "connection": {"modbus_tcp": {"host": "127.0.0.1"}}},
        {"id": "pv0", "profile": "sunspec_pv", "connection": {"modbus_tcp": {"host": "127.0.0.1"}}},
        {"id": "ess0", "profile": "sunspec_storage", "connection": {"modbus_tcp": {"host": "127.0.0.1"}}},
    ],
    "simulation": {
        "load": {"profile": "supermarket", "scale": 1.0},
        "pv": {"profile": "rooftop", "peak_w": 60_000},
        "devices": {"ess0": {"initial_soc_pct": 60}},
    },
}


def plant_site_data(**devices: dict[str, Any]) -> dict[str, Any]:
    data: dict[str, Any] = json.loads(json.dumps(SITE))
    sockets = [socket.create_server(("127.0.0.1", 0)) for _ in data["components"]]
    for component, opened in zip(data["components"], sockets, strict=True):
        component["connection"]["modbus_tcp"]["port"] = opened.getsockname()[1]
        opened.close()
    for name, settings in devices.items():
        data["simulation"]["devices"].setdefault(name, {}).update(settings)
    return data


@pytest.fixture(scope="session")
def make_plant_site() -> Callable[..., Site]:
    def make(**devices: dict[str, Any]) -> Site:
        return Site.model_validate_json(json.dumps(plant_site_data(**devices)))

    return make


@pytest.fixture
def plant_site(make_plant_site: Callable[..., Site]) -> Site:
    return make_plant_site()


@pytest.fixture
def plant_site_file(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump(plant_site_data()), "utf-8")
    return path

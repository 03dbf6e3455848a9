"""Commands to a running edge process: it starts anew, takes a configuration, takes a bad one back, tells how it is."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from tests.system.conftest import System, run_system

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(600)]


@pytest.fixture(scope="module")
def commanded() -> Iterator[System]:
    """A demonstration of its own: its site file changes."""
    yield from run_system()


def _ended(system: System, order: dict[str, Any], timeout_s: float = 90.0) -> dict[str, Any]:
    path = f"/api/v1/sites/{system.site()}/commands"
    command = system.portal.post(path, json={"order": order}).raise_for_status().json()
    ends = ("done", "rejected", "expired")
    system.until(f"the end of {order['kind']}", lambda: _command(system, command)["state"] in ends, timeout_s)
    return _command(system, command)


def _command(system: System, command: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = system.get(f"/commands/{command['id']}")
    return found


def _cycles(system: System) -> int:
    return int(system.local("/cycle")["cycles"])


def test_a_restart_is_orderly_and_said_to_be_over(commanded: System) -> None:
    before = _cycles(commanded)
    assert _ended(commanded, {"kind": "restart"})["state"] == "done"
    commanded.until("fewer cycles than before", lambda: 0 < _cycles(commanded) < before + 50)
    assert commanded.local("/sync")["link"] == "up"


def test_a_configuration_is_taken_and_a_wrong_one_is_refused(commanded: System) -> None:
    text = commanded.settings.site_file.read_text()
    refused = _ended(commanded, {"kind": "configuration", "site_yaml": text.replace("period: ", "periode: ")})
    assert refused["state"] == "rejected", refused
    assert "site" in refused["reason"]
    site = yaml.safe_load(text)
    site["site"]["name"] = "Renamed by the cloud"
    done = _ended(commanded, {"kind": "configuration", "site_yaml": yaml.safe_dump(site, allow_unicode=True)})
    assert done["state"] == "done", done
    assert commanded.local("/site")["name"] == "Renamed by the cloud"


def test_a_bundle_comes_back(commanded: System) -> None:
    done = _ended(commanded, {"kind": "diagnostics"})
    answer = commanded.portal.get(f"/api/v1/commands/{done['id']}/result").raise_for_status()
    names = set(zipfile.ZipFile(io.BytesIO(answer.content)).namelist())
    assert {"latest.json", "cycle.json", "site.json", "log.jsonl", "versions.json"} <= names

"""compose.yaml and the Dockerfiles name things that exist. (Nothing is run: that needs a Docker engine.)"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).resolve().parent.parent
COMPOSE: dict[str, Any] = yaml.safe_load((ROOT / "compose.yaml").read_text())
BUILT = [service["build"] for service in COMPOSE["services"].values() if "build" in service]


def test_the_three_services_are_there() -> None:
    assert set(COMPOSE["services"]) == {"postgres", "backend", "ui"}


@pytest.mark.parametrize("build", BUILT, ids=lambda build: str(build["dockerfile"]))
def test_what_a_dockerfile_copies_exists(build: dict[str, str]) -> None:
    text = (ROOT / build["dockerfile"]).read_text()
    sources = [
        source
        for line in re.findall(r"^COPY (?!--from)(.+)$", text, re.MULTILINE)
        for source in line.split()[:-1]
        if source != "Cargo.lock"  # not in a source archive before the first build
    ]
    assert sources
    assert not [source for source in sources if not (ROOT / source).exists()]


def test_named_volumes_are_declared() -> None:
    mounts = [mount for service in COMPOSE["services"].values() for mount in service.get("volumes", [])]
    assert {mount.split(":")[0] for mount in mounts} == set(COMPOSE["volumes"])


def test_dependencies_wait_for_health() -> None:
    for service in COMPOSE["services"].values():
        for name, how in service.get("depends_on", {}).items():
            assert how == {"condition": "service_healthy"}
            assert "healthcheck" in COMPOSE["services"][name]

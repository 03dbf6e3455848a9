"""Ports and folders of the demonstration, each settable by environment."""

from __future__ import annotations

import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

ROOT = Path(__file__).resolve().parent.parent


class DemoError(Exception):
    """Something a person has to mend before the demonstration can run."""


@dataclass(frozen=True)
class Settings:
    """What the environment asked for."""

    data: Path
    site: Path
    """The site file to run; ports and the cloud's key are filled in."""
    portal_port: int
    hmi_port: int
    ingest_port: int
    modbus_port: int
    """First of several: one a component."""
    plant_port: int
    history_days: int

    @property
    def portal_url(self) -> str:
        return f"http://127.0.0.1:{self.portal_port}"

    @property
    def hmi_url(self) -> str:
        return f"http://127.0.0.1:{self.hmi_port}"

    @property
    def plant_url(self) -> str:
        return f"http://127.0.0.1:{self.plant_port}"

    @property
    def edge_data(self) -> Path:
        return self.data / "edge"

    @property
    def cloud_data(self) -> Path:
        return self.data / "cloud"

    def document(self) -> dict[str, Any]:
        """The site file as it was given."""
        try:
            document = yaml.safe_load(self.site.read_text())
        except (OSError, yaml.YAMLError) as error:
            raise DemoError(f"{self.site}: cannot be read: {error}; set SIMEMS_DEMO_SITE to a site file") from error
        for component in document["components"]:
            if "estimator" in component:  # the copy that is run lies elsewhere
                component["estimator"]["cell"] = str(self.site.parent / component["estimator"]["cell"])
        return dict(document)

    @property
    def site_file(self) -> Path:
        return self.data / "site.yaml"

    def ports(self) -> dict[str, int]:
        """Every port, by the environment variable that moves it."""
        return {
            "SIMEMS_PORTAL_PORT": self.portal_port,
            "SIMEMS_HMI_PORT": self.hmi_port,
            "SIMEMS_INGEST_PORT": self.ingest_port,
            "SIMEMS_PLANT_PORT": self.plant_port,
            **{
                f"SIMEMS_MODBUS_PORT (+{offset})": self.modbus_port + offset
                for offset in range(len(self.document()["components"]))
            },
        }


def from_environment() -> Settings:
    """Read the settings; a value that is not a usable number is refused by name."""
    return Settings(
        data=Path(os.environ.get("SIMEMS_DEMO_DIR", str(ROOT / ".demo"))).resolve(),
        site=Path(os.environ.get("SIMEMS_DEMO_SITE", str(ROOT / "demo" / "site.yaml"))).resolve(),
        portal_port=_number("SIMEMS_PORTAL_PORT", 8000, 1, 65535),
        hmi_port=_number("SIMEMS_HMI_PORT", 8080, 1, 65535),
        ingest_port=_number("SIMEMS_INGEST_PORT", 7700, 1, 65535),
        modbus_port=_number("SIMEMS_MODBUS_PORT", 1502, 1, 65500),
        plant_port=_number("SIMEMS_PLANT_PORT", 7800, 1, 65535),
        history_days=_number("SIMEMS_DEMO_DAYS", 14, 0, 60),
    )


def _number(name: str, default: int, low: int, high: int) -> int:
    text = os.environ.get(name, str(default))
    if not text.isdecimal() or not low <= int(text) <= high:
        raise DemoError(f"{name}: {text}: not a whole number from {low} to {high}; unset it or set one")
    return int(text)

"""How each process of the demonstration is started: name, command line, environment."""

from __future__ import annotations

from pathlib import Path

from demo.processes import Launch, command
from demo.settings import ROOT, Settings


def cloud_environment(settings: Settings) -> dict[str, str]:
    return {
        "SIMEMS_DATA_DIR": str(settings.cloud_data),
        "SIMEMS_HTTP_HOST": "127.0.0.1",
        "SIMEMS_HTTP_PORT": str(settings.portal_port),
        "SIMEMS_INGEST_ENDPOINT": f"tcp://127.0.0.1:{settings.ingest_port}",
        "SIMEMS_PORTAL_DIR": str(ROOT / "ui" / "dist" / "portal"),
    }


def cloud(settings: Settings) -> Launch:
    return Launch("cloud", command("simems-cloud", "serve"), cloud_environment(settings))


def plant_state(settings: Settings) -> Path:
    """Charge and counters of the plant, from one start to the next."""
    return settings.data / "plant.json"


def plant(settings: Settings) -> Launch:
    port, state = str(settings.plant_port), str(plant_state(settings))
    site = str(settings.site_file)
    return Launch("plant", command("simems-edge", "sim", site, "--control-port", port, "--state", state))


def edge(settings: Settings, pin: str) -> Launch:
    arguments = command("simems-edge", "run", str(settings.site_file), "--data", str(settings.edge_data))
    return Launch("edge", arguments, {"SIMEMS_HMI_PIN": pin, "SIMEMS_HMI_DIR": str(ROOT / "ui" / "dist" / "hmi")})


def backfill(settings: Settings) -> list[str]:
    """The past days from the simulation, into the edge's buffer; run to its end."""
    days, data = str(settings.history_days), str(settings.edge_data)
    state = ["--plant-state", str(plant_state(settings))]
    return command("simems-edge", "backfill", str(settings.site_file), "--days", days, "--data", data, *state)

"""Energy between two times by quarter hours: what registers counted, else mean power over the covered minutes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Literal

from asyncpg import Record

from simems_cloud.access.principal import Principal
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import InvalidRequestError
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.plant import PowerChannels, power_channels
from simems_cloud.sites.service import QUERIES as SITE_QUERIES
from simems_cloud.sites.service import require_site
from simems_cloud.telemetry.schemas import Summary

QUERIES = load_queries("simems_cloud.telemetry")


Source = Literal["register", "power", "mixed"]


@dataclass(frozen=True)
class Energy:
    """In one direction."""

    energy_wh: float
    source: Source = "power"


async def read_summary(pool: Pool, principal: Principal, site_id: str, *, start: datetime, end: datetime) -> Summary:
    """Raises NotFoundError, InvalidRequestError."""
    if start.tzinfo is None or end.tzinfo is None or end <= start:
        raise InvalidRequestError("from, to: two times with offset, `to` after `from`")
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await require_site(connection, site_id)
        components = await connection.fetch(SITE_QUERIES["components"], site_id)
        plant = power_channels((row["component_id"], row["kind"]) for row in components)
        rows = await connection.fetch(QUERIES["energy"], site_id, start, end)
        peak = await connection.fetchrow(QUERIES["peak"], site_id, list(plant.grid), start, end)
    energies = {(row["component_id"], row["direction"]): row for row in rows}
    found = {name: _total(energies, part, direction) for name, (part, direction) in _parts(plant).items()}
    return Summary(
        **{name: None if energy is None else energy.energy_wh for name, energy in found.items()},
        self_sufficiency_pct=self_sufficiency_pct(found["import_wh"], found["load_wh"]),
        peak_import_w=max(peak["mean_w"], 0.0) if peak else None,
        peak_import_at=peak["start_at"] if peak else None,
        sources={name: energy.source for name, energy in found.items() if energy is not None},
    )


def _parts(plant: PowerChannels) -> dict[str, tuple[Sequence[str], str]]:
    """Field of the summary -> addresses of the components' power, direction."""
    return {
        "import_wh": (plant.grid, "import"),
        "export_wh": (plant.grid, "export"),
        "pv_wh": (plant.pv, "production"),
        "load_wh": (plant.load, "consumption"),
        "charge_wh": (plant.ess, "charge"),
        "discharge_wh": (plant.ess, "discharge"),
    }


def self_sufficiency_pct(grid: Energy | None, load: Energy | None) -> float | None:
    """100 (1 - import / load), 0..100; None without load."""
    if grid is None or load is None or load.energy_wh <= 0:
        return None
    return min(100.0, max(0.0, 100.0 * (1.0 - grid.energy_wh / load.energy_wh)))


def _total(energies: Mapping[tuple[str, str], Record], addresses: Iterable[str], direction: str) -> Energy | None:
    keys = [(address.partition("/")[0], direction) for address in addresses]
    known = [energies[key] for key in keys if key in energies]
    if not known:
        return None
    counted, integrated = any(row["counted"] for row in known), any(row["integrated"] for row in known)
    source: Source = "mixed" if counted and integrated else "register" if counted else "power"
    return Energy(sum(row["energy_wh"] for row in known), source)

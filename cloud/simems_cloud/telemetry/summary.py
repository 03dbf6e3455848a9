"""Energy between two times, from the quarter-hour rollup: mean power over the covered minutes."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime

from simems_cloud.access.principal import Principal
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.problems import InvalidRequestError
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.plant import power_channels
from simems_cloud.sites.service import QUERIES as SITE_QUERIES
from simems_cloud.sites.service import require_site
from simems_cloud.telemetry.schemas import Summary

QUERIES = load_queries("simems_cloud.telemetry")


@dataclass(frozen=True)
class Energy:
    """By direction, both >= 0."""

    positive_wh: float
    negative_wh: float


async def read_summary(pool: Pool, principal: Principal, site_id: str, *, start: datetime, end: datetime) -> Summary:
    """Raises NotFoundError, InvalidRequestError."""
    if start.tzinfo is None or end.tzinfo is None or end <= start:
        raise InvalidRequestError("from, to: two times with offset, `to` after `from`")
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await require_site(connection, site_id)
        components = await connection.fetch(SITE_QUERIES["components"], site_id)
        plant = power_channels((row["component_id"], row["kind"]) for row in components)
        addresses = [*plant.grid, *plant.pv, *plant.ess, *plant.load]
        rows = await connection.fetch(QUERIES["energy"], site_id, addresses, start, end)
        peak = await connection.fetchrow(QUERIES["peak"], site_id, list(plant.grid), start, end)
    energies = {row["address"]: Energy(row["positive_wh"], -row["negative_wh"]) for row in rows}
    grid, pv, ess, load = (_total(energies, part) for part in (plant.grid, plant.pv, plant.ess, plant.load))
    return Summary(
        import_wh=grid.positive_wh if grid else None,
        export_wh=grid.negative_wh if grid else None,
        pv_wh=pv.positive_wh if pv else None,
        load_wh=load.positive_wh if load else None,
        charge_wh=ess.negative_wh if ess else None,
        discharge_wh=ess.positive_wh if ess else None,
        self_sufficiency_pct=self_sufficiency_pct(grid, load),
        peak_import_w=max(peak["mean_w"], 0.0) if peak else None,
        peak_import_at=peak["start_at"] if peak else None,
    )


def self_sufficiency_pct(grid: Energy | None, load: Energy | None) -> float | None:
    """100 (1 - import / load), 0..100; None without load."""
    if grid is None or load is None or load.positive_wh <= 0:
        return None
    return min(100.0, max(0.0, 100.0 * (1.0 - grid.positive_wh / load.positive_wh)))


def _total(energies: Mapping[str, Energy], addresses: Iterable[str]) -> Energy | None:
    known = [energies[address] for address in addresses if address in energies]
    if not known:
        return None
    return Energy(sum(e.positive_wh for e in known), sum(e.negative_wh for e in known))

"""What Grafana's JSON data source asks: the series there are, their values. Targets are ``SITE/component/channel``."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated, Any

import numpy as np
from fastapi import APIRouter, Depends
from fastapi.responses import Response
from msgspec import json
from pydantic import BaseModel, ConfigDict, Field

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.described import example
from simems_cloud.kit.problems import InvalidRequestError, documented
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.history import HistoryColumns, read_history

QUERIES = load_queries("simems_cloud.telemetry")
router = APIRouter(prefix="/grafana", tags=["grafana"], responses=documented(401, 403, 422))
SEES = Requires(Permission.TELEMETRY_READ)
Sees = Annotated[Principal, Depends(SEES)]
MOST_TARGETS = 50


class Asked(BaseModel):
    """Base of what Grafana sends; it sends more than is needed."""

    model_config = ConfigDict(extra="ignore", populate_by_name=True)


class TimeRange(Asked):
    start: datetime = Field(alias="from")
    end: datetime = Field(alias="to")


class Target(Asked):
    target: str = Field(default="", max_length=400, examples=["malmo-1/grid0/active_power_w"])
    hide: bool = False


class GrafanaQuery(Asked):
    """Body of ``/query``: the dashboard's range and how many points its panel can show."""

    range: TimeRange
    intervalMs: int = Field(default=0, ge=0, le=10**11)  # noqa: N815 - Grafana's name
    maxDataPoints: int = Field(default=1000, ge=2, le=40_000)  # noqa: N815 - Grafana's name
    targets: list[Target] = Field(max_length=MOST_TARGETS)


class Search(Asked):
    target: str = Field(default="", max_length=400)


class GrafanaSeries(BaseModel):
    """One series; a data point is ``[value, milliseconds since 1970]``, value null in a gap."""

    model_config = example(
        target="malmo-1/grid0/active_power_w", datapoints=[[48_000.0, 1_772_319_600_000], [None, 1_772_319_660_000]]
    )

    target: str
    datapoints: list[Annotated[list[float | None], Field(min_length=2, max_length=2)]]


class GrafanaMetric(BaseModel):
    label: str
    value: str


@router.get("", operation_id="grafana_test")
async def grafana_test(principal: Sees) -> dict[str, str]:
    """Grafana's "Save & test"."""
    return {"status": "ok", "user": principal.actor}


@router.post("/search", operation_id="grafana_search")
async def grafana_search(body: Search, principal: Sees, pool: Database) -> list[str]:
    """Targets whose name contains the text; at most a thousand."""
    return await _targets(pool, principal, body.target)


@router.post("/metrics", operation_id="grafana_metrics")
async def grafana_metrics(principal: Sees, pool: Database) -> list[GrafanaMetric]:
    """The same for newer versions of the plugin."""
    return [GrafanaMetric(label=name, value=name) for name in await _targets(pool, principal, "")]


@router.post("/query", operation_id="grafana_query", response_model=list[GrafanaSeries], responses=documented(404))
async def grafana_query(body: GrafanaQuery, principal: Sees, pool: Database) -> Response:
    """Means over intervals no finer than the panel can show."""
    by_site: dict[str, list[str]] = {}
    for wanted in body.targets:
        site_id, slash, channel = wanted.target.partition("/")
        if wanted.hide or not wanted.target:
            continue
        if not slash or "\0" in wanted.target:
            raise InvalidRequestError(f"target {wanted.target!r}: write SITE/component/channel")
        by_site.setdefault(site_id, []).append(channel)
    answer: list[dict[str, Any]] = []
    for site_id, channels in by_site.items():
        await SEES.check(principal, pool, {"site_id": site_id})
        found = await read_history(
            pool,
            principal,
            site_id,
            channels,
            start=body.range.start,
            end=body.range.end,
            max_points=_points(body),
            resolution="auto",
        )
        answer += _series(site_id, found)
    return Response(json.encode(answer), media_type="application/json")


def _points(body: GrafanaQuery) -> int:
    """As many as the panel shows, fewer when it wants longer intervals."""
    span_s = (body.range.end - body.range.start).total_seconds()
    wanted = span_s * 1000 / body.intervalMs if body.intervalMs else body.maxDataPoints
    return int(max(2, min(wanted, body.maxDataPoints)))


def _series(site_id: str, found: HistoryColumns) -> list[dict[str, Any]]:
    window = found.window
    times = ((window.start_s + np.arange(window.count) * window.step_s) * 1000).astype(np.int64).tolist()
    return [
        {"target": f"{site_id}/{address}", "datapoints": list(zip(buckets.mean.tolist(), times, strict=True))}
        for address, buckets in found.found.items()
    ]


async def _targets(pool: Pool, principal: Principal, text: str) -> list[str]:
    paths = principal.paths(Permission.TELEMETRY_READ)
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        rows = await connection.fetch(QUERIES["search_targets"], text, paths)
    return [row["target"] for row in rows]

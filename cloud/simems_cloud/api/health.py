"""``/healthz`` (the process lives), ``/readyz`` (the database answers at the right revision), ``/metrics``."""

from __future__ import annotations

from fastapi import APIRouter, Depends, Request
from fastapi.responses import Response
from prometheus_client import CONTENT_TYPE_LATEST, Counter, generate_latest
from pydantic import BaseModel

from simems_cloud.access.requires import public
from simems_cloud.kit.database import UNAVAILABLE, transaction
from simems_cloud.kit.problems import Problem, UnavailableError

router = APIRouter(tags=["health"], dependencies=[Depends(public)])
REQUESTS = Counter("simems_http_requests_total", "Requests answered", ["method", "route", "status"])


class Health(BaseModel):
    status: str


def count(request: Request, status: int) -> None:
    """By route template, never by address: ids would make a series each."""
    route = getattr(request.scope.get("route"), "path", "other")
    REQUESTS.labels(request.method, route, str(status)).inc()


@router.get("/healthz", operation_id="healthz")
async def healthz() -> Health:
    return Health(status="ok")


@router.get("/readyz", operation_id="readyz", responses={503: {"model": Problem}})
async def readyz(request: Request) -> Health:
    """Ready when the database answers and has its tables."""
    try:
        async with transaction(request.app.state.pool) as connection:
            ready = await connection.fetchval("select to_regclass('public.sites') is not null")
    except UNAVAILABLE as error:
        raise UnavailableError("the database does not answer") from error
    if not ready:
        raise UnavailableError("the database has no tables; run `simems-cloud migrate`")
    return Health(status="ready")


@router.get("/metrics", operation_id="metrics", response_class=Response)
async def metrics() -> Response:
    """Prometheus text."""
    return Response(generate_latest(), media_type=CONTENT_TYPE_LATEST)

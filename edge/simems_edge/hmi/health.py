"""``/healthz``: the process answers. ``/readyz``: it does its work. ``/metrics``: Prometheus text."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Depends, Response
from prometheus_client import CONTENT_TYPE_LATEST, generate_latest

from simems_edge.hmi.routes import edge_of
from simems_edge.hmi.schemas import Liveness, Readiness
from simems_edge.hmi.service import EdgeService

router = APIRouter(tags=["health"])
Edge = Annotated[EdgeService, Depends(edge_of)]


@router.get("/healthz")
async def get_liveness() -> Liveness:
    """The process is alive."""
    return Liveness()


@router.get("/readyz", responses={503: {"model": Readiness, "description": "Not ready"}})
async def get_readiness(edge: Edge, response: Response) -> Readiness:
    """The cycle runs, the buffer takes data and a bridge talks to its device."""
    checks = await edge.readiness()
    ready = all(checks.values())
    response.status_code = HTTPStatus.OK if ready else HTTPStatus.SERVICE_UNAVAILABLE
    return Readiness(ready=ready, checks=checks)


@router.get("/metrics", response_class=Response, include_in_schema=False)
def get_metrics(edge: Edge) -> Response:
    """Prometheus exposition format."""
    return Response(generate_latest(edge.registry), media_type=CONTENT_TYPE_LATEST)

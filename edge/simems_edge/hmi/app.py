"""Puts the edge's HTTP application together."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

from fastapi import FastAPI, Request, Response
from fastapi.routing import APIRoute

from simems_edge.bridges.ocpp.office import ChargingOffice
from simems_edge.hmi import charging, errors, health, live, records, routes
from simems_edge.hmi.access import Access
from simems_edge.hmi.screens import screens_router
from simems_edge.hmi.service import EdgeService

SECURITY_HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; style-src 'self' 'unsafe-inline'; img-src 'self' data:; "
        "connect-src 'self' ws: wss:; frame-ancestors 'none'; base-uri 'none'; form-action 'self'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "no-referrer",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
}


def create_app(
    service: EdgeService | None,
    access: Access | None = None,
    screens: Path | None = None,
    office: ChargingOffice | None = None,
) -> FastAPI:
    """The edge's HTTP application.

    Args:
        service: what answers; None only to write the OpenAPI document.
        access: who may act; without one nobody may.
        screens: folder of the built screens; None says on a plain page that they are missing.
        office: charging; None on a site without stations.
    """
    app = FastAPI(
        title="Sim EMS edge",
        version="1",
        summary="The local interface of one site controller",
        docs_url=None,
        redoc_url=None,
        generate_unique_id_function=_operation_id,
    )
    app.state.service, app.state.access, app.state.office = service, access, office
    app.state.crowd, app.state.sign_in_lock = live.Crowd(), asyncio.Lock()
    errors.install(app)
    app.middleware("http")(_secure)
    for router in (routes.router, records.router, charging.router, live.router, health.router, screens_router(screens)):
        app.include_router(router)
    return app


def _operation_id(route: APIRoute) -> str:
    return route.name


async def _secure(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in SECURITY_HEADERS.items():
        response.headers.setdefault(name, value)
    if request.url.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    return response

"""The application: routes, errors, headers, and what lives as long as the process."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

from fastapi import APIRouter, FastAPI, Request
from fastapi.responses import Response

from simems_cloud.alarms.life_routes import router as alarm_life
from simems_cloud.alarms.routes import router as alarms
from simems_cloud.alarms.rule_routes import router as alarm_rules
from simems_cloud.alarms.watch import watch_silence
from simems_cloud.api import description, health, live, portal
from simems_cloud.api.strangers import turn_away
from simems_cloud.audit.routes import router as audit
from simems_cloud.commands.key_routes import router as command_keys
from simems_cloud.commands.routes import router as commands
from simems_cloud.identity.admin_routes import router as people
from simems_cloud.identity.routes import router as identity
from simems_cloud.jobs.routes import router as jobs
from simems_cloud.kit import problems
from simems_cloud.kit.database import open_pool
from simems_cloud.kit.secret_files import jwt_key
from simems_cloud.kit.settings import Settings
from simems_cloud.kit.shared_runs import SharedRuns
from simems_cloud.kit.vault import Vault
from simems_cloud.notifications.routes import router as notifications
from simems_cloud.organisation.routes import router as organisation
from simems_cloud.reporting.routes import router as reports
from simems_cloud.sites.claim_routes import router as claims
from simems_cloud.sites.registry_routes import router as registry
from simems_cloud.sites.routes import router as sites
from simems_cloud.telemetry.grafana import router as grafana
from simems_cloud.telemetry.keeping_routes import router as keeping
from simems_cloud.telemetry.routes import router as telemetry
from simems_cloud.tenancy.purge import purge_for_ever
from simems_cloud.tenancy.routes import router as tenancy

PREFIX = "/api/v1"
HEADERS = {
    "Content-Security-Policy": (
        "default-src 'self'; img-src 'self' data:; style-src 'self' 'unsafe-inline'; connect-src 'self'; "
        "object-src 'none'; base-uri 'self'; form-action 'self'; frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "X-Frame-Options": "DENY",
    "Referrer-Policy": "same-origin",
    "Permissions-Policy": "camera=(), microphone=(), geolocation=()",
    "Cross-Origin-Opener-Policy": "same-origin",
}


def create_app(settings: Settings, database_url: str) -> FastAPI:
    """``database_url``: of the role ``simems_app``; connected to when the application starts."""
    app = FastAPI(
        title="Sim EMS cloud",
        version="1",
        description="Sites, telemetry and alarms. Sources are positive: grid import, PV production, battery discharge.",
        docs_url=None,
        redoc_url=None,
        lifespan=_lifespan,
    )
    app.state.settings, app.state.database_url = settings, database_url
    problems.install(app)
    app.middleware("http")(turn_away)
    app.middleware("http")(_with_headers)
    app.include_router(_api())
    app.include_router(health.router)
    portal.mount(app, settings.portal_dir)
    description.install(app)
    return app


def _api() -> APIRouter:
    api = APIRouter(prefix=PREFIX)
    people_and_places = (identity, people, tenancy, organisation, sites, registry, claims)
    values = (telemetry, keeping, grafana, live.router)
    domains = (commands, command_keys, alarms, alarm_rules, alarm_life, notifications, reports, jobs, audit)
    for router in (*people_and_places, *values, *domains):
        api.include_router(router)
    return api


@asynccontextmanager
async def _lifespan(app: FastAPI) -> AsyncIterator[None]:
    settings: Settings = app.state.settings
    app.state.jwt_key = jwt_key(settings.data_dir)
    app.state.vault = Vault(settings.data_dir)
    app.state.pool = await open_pool(app.state.database_url, application="simems-api")
    app.state.hub = live.Hub(app.state.database_url)
    app.state.site_lists = SharedRuns()
    tasks = [
        asyncio.create_task(app.state.hub.run()),
        asyncio.create_task(watch_silence(app.state.pool, settings.stale_after_s)),
        asyncio.create_task(purge_for_ever(app.state.pool)),
    ]
    try:
        yield
    finally:
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        await app.state.pool.close()


async def _with_headers(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    response = await call_next(request)
    for name, value in HEADERS.items():
        response.headers.setdefault(name, value)
    if request.url.path.startswith("/api/"):
        response.headers.setdefault("Cache-Control", "no-store")
    health.count(request, response.status_code)
    return response

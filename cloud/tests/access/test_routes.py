"""Every route says what it requires; what it says is what happens."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from fastapi import APIRouter, Depends, FastAPI
from fastapi.dependencies.models import Dependant
from fastapi.routing import APIRoute, APIWebSocketRoute, RouteContext, iter_route_contexts
from simems_cloud.access.permissions import BUILT_IN, Permission
from simems_cloud.access.requires import OwnAccount, Requires, by_first_message, public
from simems_cloud.api.app import create_app
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.kit.settings import Settings

Declared = Requires | OwnAccount | Callable[..., Any]
PORTAL = {"/{path:path}"}


def declarations(dependant: Dependant) -> Iterator[Declared]:
    if dependant.call in (public, by_first_message) or isinstance(dependant.call, Requires | OwnAccount):
        yield dependant.call
    for below in dependant.dependencies:
        yield from declarations(below)


def routes(app: FastAPI) -> list[RouteContext]:
    found = iter_route_contexts(app.routes)
    return [route for route in found if isinstance(route.original_route, APIRoute | APIWebSocketRoute)]


def calls(app: FastAPI) -> Iterator[tuple[str, str, Declared]]:
    """(method, path with made-up ids, declaration) of every HTTP route of the API."""
    for route in routes(app):
        for declared in declarations(route.dependant):
            if isinstance(route.original_route, APIRoute) and route.path not in PORTAL:
                path = re.sub(r"\{[^}]+\}", "00000000-0000-0000-0000-000000000000", route.path or "")
                yield from ((method, path, declared) for method in route.methods or ())


def undeclared(app: FastAPI) -> list[str | None]:
    """Paths whose routes do not say exactly once what they require."""
    return [r.path for r in routes(app) if len(set(declarations(r.dependant))) != 1 and r.path not in PORTAL]


@pytest.fixture
def app() -> FastAPI:
    return create_app(Settings(data_dir=Path("/nonexistent")), "postgresql://")


def test_every_route_declares_what_it_requires(app: FastAPI) -> None:
    assert undeclared(app) == []
    assert len(routes(app)) > 35


def test_a_route_without_a_declaration_is_noticed(app: FastAPI) -> None:
    router = APIRouter()

    @router.get("/api/v1/forgotten")
    async def forgotten() -> int:
        return 1

    @router.get("/api/v1/two-minds", dependencies=[Depends(public), Depends(Requires(Permission.SITES_READ))])
    async def two_minds() -> int:
        return 1

    app.include_router(router)
    assert undeclared(app) == ["/api/v1/forgotten", "/api/v1/two-minds"]


def test_what_is_open_to_everybody_is_listed_here(app: FastAPI) -> None:
    opened = {r.path for r in routes(app) if public in declarations(r.dependant)}
    assert opened == {
        "/healthz",
        "/readyz",
        "/metrics",
        "/api/v1/auth/token",
        "/api/v1/auth/refresh",
        "/api/v1/auth/accept-invitation",
        "/api/v1/auth/oidc/start",
        "/api/v1/auth/oidc/finish",
    }


@pytest.mark.integration
async def test_nothing_else_answers_without_a_token(api: Any, app: FastAPI) -> None:
    for method, path, declared in calls(app):
        if declared is not public:
            assert (await api.client.request(method, path, json={})).status_code == 401, (method, path)


@pytest.mark.integration
@pytest.mark.parametrize("role", BUILT_IN)
async def test_each_role_may_what_its_permissions_say(api: Any, new_customer: Any, app: FastAPI, role: str) -> None:
    """403 exactly where the declared permission is missing; whatever else happens behind it is another matter."""
    token = await api.sign_in(await new_customer(role=role))
    checked = 0
    for method, path, required in calls(app):
        if isinstance(required, Requires):
            answer = await api.client.request(method, path, headers={"Authorization": f"Bearer {token}"})
            missing = required.permission not in BUILT_IN[role]
            assert (answer.status_code == 403) == missing, (method, path, answer.text)
            checked += 1
    assert checked > 20


@pytest.mark.integration
async def test_the_table_of_permissions_is_the_codes_list(app_pool: Pool) -> None:
    async with transaction(app_pool) as connection:
        rows = await connection.fetch("select permission from permissions")
    assert {row["permission"] for row in rows} == set(Permission)

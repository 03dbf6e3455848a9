"""Who brings no token is told so before anything else of the request is looked at.

The framework reads and checks a body before it asks who sent it; a stranger would learn what a body must be like, and
cost work.
"""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import dataclass

from fastapi import FastAPI, Request
from fastapi.dependencies.models import Dependant
from fastapi.responses import Response
from fastapi.routing import APIRoute, iter_route_contexts
from starlette.routing import compile_path

from simems_cloud.access.requires import OwnAccount, Requires
from simems_cloud.kit.problems import NotSignedInError, Problem, answer

SIGN_IN = NotSignedInError("no bearer token; sign in at /api/v1/auth/token")


@dataclass(frozen=True)
class _Door:
    path: re.Pattern[str]
    methods: frozenset[str]


async def turn_away(request: Request, call_next: Callable[[Request], Awaitable[Response]]) -> Response:
    """As an HTTP middleware."""
    if "authorization" in request.headers or not _is_closed(request):
        return await call_next(request)
    problem = Problem(type=SIGN_IN.type, title=SIGN_IN.title, status=SIGN_IN.status, detail=SIGN_IN.detail)
    return answer(problem, SIGN_IN.headers)


def _is_closed(request: Request) -> bool:
    app: FastAPI = request.app
    if not hasattr(app.state, "doors"):
        app.state.doors = list(_doors(app))
    path, method = request.url.path, request.method
    return any(method in door.methods and door.path.match(path) for door in app.state.doors)


def _doors(app: FastAPI) -> Iterator[_Door]:
    """Of the routes that somebody must have signed in for."""
    for route in iter_route_contexts(app.routes):
        if isinstance(route.original_route, APIRoute) and _needs_sign_in(route.dependant):
            yield _Door(compile_path(route.path or "")[0], frozenset(route.methods or ()))


def _needs_sign_in(dependant: Dependant) -> bool:
    return isinstance(dependant.call, Requires | OwnAccount) or any(map(_needs_sign_in, dependant.dependencies))

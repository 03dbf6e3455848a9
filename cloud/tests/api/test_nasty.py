"""Every route with what nobody should send: never a server error, always a problem."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
from fastapi.routing import APIRoute, iter_route_contexts
from simems_cloud.api.app import create_app
from simems_cloud.kit.settings import Settings

pytestmark = pytest.mark.integration
NASTY = ("%00", "%27%20or%201=1--", "%F0%9F%92%A9", "x" * 3000, "-1", "%2E%2E", "99999999999999999999", "a%0Ab")
BODIES: tuple[Any, ...] = (
    None,
    [],
    {},
    {"name": "\x00"},
    {"name": "x" * 100_000, "permissions": ["sites:read"]},
    1e400,
)
QUERIES = ("limit=-1", "after=%00", "limit=99999999999999999999", "before=0", "from=x", "actor=%00", "under=x")


def routes() -> list[tuple[str, str]]:
    app = create_app(Settings(data_dir=Path("/nonexistent")), "postgresql://")
    return [
        (method, route.path or "")
        for route in iter_route_contexts(app.routes)
        if isinstance(route.original_route, APIRoute) and (route.path or "").startswith("/api/")
        for method in route.methods or ()
        if route.path != "/api/v1/auth/sign-out"
    ]


async def test_nothing_sent_makes_a_server_error(api: Any, customer: Any, new_customer: Any) -> None:
    tokens = [await api.sign_in(customer), await api.sign_in(await new_customer(role="platform")), "none"]
    wrong = []
    for method, template in routes():
        for number, value in enumerate(NASTY):
            path = re.sub(r"\{[^}]+\}", value, template)
            if path == template and number >= len(QUERIES):
                continue
            url = f"{path}?{QUERIES[number % len(QUERIES)]}"
            answer = await _send(api, method, url, tokens[number % 3], BODIES[number % len(BODIES)])
            problem = answer.headers.get("content-type") == "application/problem+json"
            if answer.status_code >= 500 or (answer.status_code >= 400 and not problem):
                wrong.append((method, url[:120], answer.status_code, answer.text[:200]))
    assert wrong == []


async def _send(api: Any, method: str, url: str, token: str, body: Any) -> Any:
    headers = {"Authorization": f"Bearer {token}", "If-Match": '"1"'}
    if body == 1e400:
        headers["Content-Type"] = "application/json"
        return await api.client.request(method, url, headers=headers, content=b'{"name": "\\ud800", "limit": 1e999')
    return await api.client.request(method, url, headers=headers, json=body)


async def test_a_stranger_learns_nothing_of_a_body(api: Any) -> None:
    for content in (b"{", b"\xff\xfe{}", b'{"name": 3}'):
        answer = await api.client.patch("/api/v1/tenant", content=content, headers={"Content-Type": "application/json"})
        assert (answer.status_code, answer.headers["www-authenticate"]) == (401, "Bearer"), content
        assert answer.headers["content-type"] == "application/problem+json"
        assert answer.headers["x-content-type-options"] == "nosniff", "with the headers of every answer"
    assert (await api.client.get("/healthz")).status_code == 200
    opened = await api.client.post("/api/v1/auth/token", data={"username": "nobody@example.com", "password": "x" * 12})
    assert opened.status_code == 401
    assert opened.json()["detail"] != "no bearer token; sign in at /api/v1/auth/token"


async def test_a_body_that_is_no_text_is_an_invalid_request(api: Any, customer: Any) -> None:
    headers = {"Content-Type": "application/json", "Authorization": f"Bearer {await api.sign_in(customer)}"}
    for content in (b"\xff\xfe", b"{"):
        answer = await api.client.patch("/api/v1/tenant", content=content, headers=headers)
        assert (answer.status_code, answer.headers["content-type"]) == (422, "application/problem+json"), content

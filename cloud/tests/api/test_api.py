"""The HTTP interface from outside: what each tenant sees, and what nobody sees of another."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import websockets
from simems_core import wire

pytestmark = pytest.mark.integration
GRID, PV, ESS, LOAD = "grid0/active_power_w", "pv0/active_power_w", "ess0/active_power_w", "site/load_power_w"


def _event(kind: str, identity: str, time_us: int) -> wire.Event:
    return wire.Event(
        id=identity, kind=kind, code="bridge.lost", severity="alarm", component="grid0", time_us=time_us, text="Silent"
    )


async def _say(connect: Any, customer: Any, telemetry: Any, base_us: int) -> Any:
    """Ten seconds of a discharging battery, one alarm."""
    edge = connect(customer)
    await edge.hello()
    columns = {
        GRID: 42_000.0,
        PV: 10_000.0,
        ESS: 8_000.0,
        LOAD: 60_000.0,
        "ess0/soc_pct": 55.0,
        "site/state": 2.0,
        "ess0/active_power_w_setpoint": 8_000.0,
        "ess0/active_power_w_reason": 1.0,
        "cycle/count": 7.0,
    }
    await edge.send(telemetry(1, base_us, {name: [value] * 10 for name, value in columns.items()}))
    await edge.send(wire.Events(sequence=2, events=[_event("raised", "a1", base_us)]))
    await edge.until_ack(2)
    return edge


async def test_a_site_from_hello_to_screen(api: Any, connect: Any, customer: Any, telemetry: Any) -> None:
    now_us = time.time_ns() // 1000
    await _say(connect, customer, telemetry, now_us - 10_000_000)
    token = await api.sign_in(customer)
    (site,) = await api.get("/sites", token)
    assert (site["id"], site["online"], site["active_alarms"], site["state"]) == (customer.site, True, 1, "RUN")
    powers = (site["grid_power_w"], site["pv_power_w"], site["ess_power_w"], site["load_power_w"], site["soc_pct"])
    assert powers == (42_000, 10_000, 8_000, 60_000, 55)
    described = await api.get(f"/sites/{customer.site}", token)
    assert [c["id"] for c in described["components"]] == ["grid0", "pv0", "ess0"]
    assert described["controllers"] == [{"id": "peak0", "type": "peak_shaving"}]
    assert described["settings"]["peak0/threshold_w"] == 60_000
    assert [c["address"] for c in described["channels"]] == [LOAD, "site/state"]
    latest = await api.get(f"/sites/{customer.site}/latest", token)
    assert latest["why"]["code"] == "peak_shaving.discharging"
    assert latest["why"]["params"]["threshold_w"] == 60_000
    assert (latest["cycle"], latest["state"]) == (7, "RUN")
    assert latest["values"][ESS] | {"time": ""} == {"value": 8000.0, "quality": "good", "time": ""}
    (alarm,) = await api.get(f"/sites/{customer.site}/alarms", token, active=True)
    assert (alarm["origin"], alarm["code"], alarm["cleared_at"]) == ("edge", "bridge.lost", None)


async def test_acknowledging_keeps_the_first_name(api: Any, connect: Any, customer: Any, telemetry: Any) -> None:
    await _say(connect, customer, telemetry, time.time_ns() // 1000 - 10_000_000)
    token = await api.sign_in(customer)
    (alarm,) = await api.get("/alarms", token)
    path = f"/api/v1/alarms/{alarm['id']}/acknowledge"
    first = (await api.client.post(path, headers={"Authorization": f"Bearer {token}"})).json()
    again = (await api.client.post(path, headers={"Authorization": f"Bearer {token}"})).json()
    assert first == again
    assert first["acknowledged_by"] == customer.email


async def test_a_viewer_may_not_acknowledge(api: Any, new_customer: Any) -> None:
    token = await api.sign_in(await new_customer(role="viewer"))
    path = "/api/v1/alarms/00000000-0000-0000-0000-000000000000/acknowledge"
    answer = await api.client.post(path, headers={"Authorization": f"Bearer {token}"})
    assert answer.status_code == 403
    assert answer.headers["content-type"] == "application/problem+json"


async def test_another_tenant_sees_nothing(
    api: Any, connect: Any, new_customer: Any, telemetry: Any, app_pool: Any
) -> None:
    from simems_cloud.kit.database import transaction

    mine, other = await new_customer(), await new_customer()
    await _say(connect, mine, telemetry, time.time_ns() // 1000 - 10_000_000)
    token = await api.sign_in(other)
    (alarm,) = await api.get("/alarms", await api.sign_in(mine))
    assert await api.get("/sites", token) == []
    assert await api.get("/alarms", token) == []
    window = {"from": "2026-01-01T00:00:00Z", "to": "2026-01-02T00:00:00Z", "channel": GRID}
    for path in ("", "/latest", "/history", "/summary", "/alarms"):
        assert await api.status(f"/sites/{mine.site}{path}", token, **window) == 404, path
    post = await api.client.post(
        f"/api/v1/alarms/{alarm['id']}/acknowledge", headers={"Authorization": f"Bearer {token}"}
    )
    assert post.status_code == 404
    async with websockets.connect(f"ws://{api.url}/api/v1/live") as socket:
        await socket.send(json.dumps({"token": token, "site_id": mine.site}))
        with pytest.raises(websockets.ConnectionClosed, match="no site"):
            await socket.recv()
    async with transaction(app_pool, tenant=other.tenant_id) as connection:
        assert await connection.fetchval("select count(*) from measurements") == 0


async def test_history_has_gaps_and_fitting_resolution(
    api: Any, connect: Any, customer: Any, telemetry: Any, roll_up: Any
) -> None:
    base = datetime(2026, 3, 2, 10, tzinfo=UTC)
    base_us = int(base.timestamp()) * 1_000_000
    edge = connect(customer)
    await edge.hello()
    minute = [float(i) for i in range(60)]
    await edge.send(telemetry(1, base_us, {GRID: minute}))
    await edge.send(telemetry(2, base_us + 120_000_000, {GRID: [None if i < 30 else 100.0 for i in range(60)]}))
    await edge.until_ack(2)
    await roll_up()
    token = await api.sign_in(customer)

    async def history(hours: float, **params: Any) -> Any:
        window = {"from": base.isoformat(), "to": (base + timedelta(hours=hours)).isoformat()}
        return await api.get(f"/sites/{customer.site}/history", token, channel=[GRID, "no/such"], **window, **params)

    raw = await history(4 / 60, max_points=1000)
    assert raw["resolution_s"] == 1
    assert raw["series"][GRID]["mean"] == [*minute, *[None] * 60, *[None] * 30, *[100.0] * 30, *[None] * 60]
    assert set(raw["series"]["no/such"]["mean"]) == {None}
    minutes = await history(4 / 60, resolution="1min")
    assert minutes["series"][GRID]["mean"] == [29.5, None, 100.0, None]
    assert minutes["series"][GRID]["minimum"] == [0.0, None, 100.0, None]
    assert minutes["series"][GRID]["maximum"] == [59.0, None, 100.0, None]
    quarters = await history(24 * 30)
    assert quarters["resolution_s"] == 3600
    assert len(quarters["times"]) == 720
    days = await history(24 * 365 * 3, max_points=400)
    assert {len(time) for time in days["times"]} == {len("2026-03-02T00:00:00Z")}, "a time of day, also at midnight"
    assert quarters["series"][GRID]["mean"][0] == pytest.approx((29.5 * 60 + 3000) / 90)
    assert (
        await api.status(f"/sites/{customer.site}/history", token, channel=GRID, **{"from": "2026-01-01", "to": "x"})
        == 422
    )
    summary = await api.get(
        f"/sites/{customer.site}/summary",
        token,
        **{"from": base.isoformat(), "to": (base + timedelta(days=1)).isoformat()},
    )
    assert summary["import_wh"] == pytest.approx((29.5 * 60 + 3000) / 90 * 2 / 60)
    assert summary["peak_import_at"] == "2026-03-02T10:00:00Z"
    assert summary["pv_wh"] is None


async def test_live_values_reach_two_processes(
    api: Any, second_api: Any, connect: Any, customer: Any, telemetry: Any
) -> None:
    now_us = time.time_ns() // 1000
    edge = await _say(connect, customer, telemetry, now_us - 20_000_000)
    async with _live(api, customer) as one, _live(second_api, customer) as two:
        await edge.send(telemetry(3, now_us, {GRID: [1234.0]}))
        await edge.send(wire.Events(sequence=4, events=[_event("cleared", "a1", now_us)]))
        for socket in (one, two):
            await _until(
                socket,
                lambda m: m["type"] == "latest" and m["values"][GRID]["value"] == 1234.0,
                lambda m: m["type"] == "alarms" and m["alarms"][0]["cleared_at"] is not None,
            )


@asynccontextmanager
async def _live(api: Any, customer: Any) -> AsyncIterator[Any]:
    token = await api.sign_in(customer)
    async with websockets.connect(f"ws://{api.url}/api/v1/live") as socket:
        await socket.send(json.dumps({"token": token, "site_id": customer.site}))
        await _until(socket, lambda m: m["type"] == "latest")
        await _until(socket, lambda m: m["type"] == "alarms")
        yield socket


async def _until(socket: Any, *wanted: Any) -> None:
    """Until each of the conditions has been met by some message."""
    missing = list(wanted)
    async with asyncio.timeout(15):
        while missing:
            message = json.loads(await socket.recv())
            missing = [condition for condition in missing if not condition(message)]


async def test_an_ended_session_ends_its_live_connection(api: Any, connect: Any, customer: Any, telemetry: Any) -> None:
    await _say(connect, customer, telemetry, time.time_ns() // 1000 - 10_000_000)
    token = await api.sign_in(customer)
    async with websockets.connect(f"ws://{api.url}/api/v1/live") as socket:
        await socket.send(json.dumps({"token": token, "site_id": customer.site}))
        await _until(socket, lambda m: m["type"] == "latest")
        await api.client.post("/api/v1/auth/sign-out", headers={"Authorization": f"Bearer {token}"})
        with pytest.raises(websockets.ConnectionClosed, match="has ended"):
            await _until(socket, lambda _m: False)


@pytest.mark.parametrize("first", ["nonsense", "{}", '{"token": "x", "site_id": "y"}'])
async def test_live_needs_a_token(api: Any, first: str) -> None:
    async with websockets.connect(f"ws://{api.url}/api/v1/live") as socket:
        await socket.send(first)
        with pytest.raises(websockets.ConnectionClosed):
            await socket.recv()


async def test_sign_in_locks(api: Any, customer: Any) -> None:
    async def attempt(password: str) -> Any:
        return await api.client.post(
            "/api/v1/auth/token", data={"username": customer.email.upper(), "password": password}
        )

    assert [(await attempt("wrong")).status_code for _ in range(5)] == [401] * 5
    locked = await attempt("correct horse battery")
    assert locked.status_code == 429
    assert 0 < int(locked.headers["retry-after"]) <= 60
    assert locked.json()["title"] == "Too many attempts"


async def test_an_unknown_person_gets_the_same_answer(api: Any, customer: Any) -> None:
    unknown = await api.client.post("/api/v1/auth/token", data={"username": f"x{customer.email}", "password": "y"})
    wrong = await api.client.post("/api/v1/auth/token", data={"username": customer.email, "password": "y"})
    assert unknown.json() == wrong.json()


@pytest.mark.parametrize("token", ["none", "x", "eyJhbGciOiJub25lIn0.eyJzdWIiOiIxIn0."])
async def test_no_token_no_answer(api: Any, token: str) -> None:
    for path in ("/me", "/sites", "/alarms", "/sites/x/latest"):
        answer = await api.client.get(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}"})
        assert answer.status_code == 401
        assert answer.headers["content-type"] == "application/problem+json"


async def test_health_and_portal(api: Any, cloud_settings: Any) -> None:
    assert (await api.client.get("/healthz")).json() == {"status": "ok"}
    assert (await api.client.get("/readyz")).json() == {"status": "ready"}
    assert "simems_http_requests_total" in (await api.client.get("/metrics")).text
    page = await api.client.get("/sites/anything")
    assert "has not been built" in page.text
    assert "default-src 'self'" in page.headers["content-security-policy"]
    assert (await api.client.get("/api/v1/nothing")).status_code == 404


def test_portal_files_stay_inside(tmp_path: Path) -> None:
    from simems_cloud.api.portal import _file, find_build
    from simems_cloud.kit.problems import NotFoundError

    root = tmp_path / "portal"
    (root / "assets").mkdir(parents=True)
    (root / "index.html").write_text("start")
    (root / "assets" / "a.js").write_text("x")
    (tmp_path / "secret").write_text("secret")
    assert find_build(root) == root
    assert Path(_file(root, "assets/a.js").path).name == "a.js"  # type: ignore[attr-defined] # a FileResponse
    assert Path(_file(root, "sites/1").path).name == "index.html"  # type: ignore[attr-defined] # a FileResponse
    for path in ("../secret", "assets/missing.js", "/etc/passwd"):
        with pytest.raises(NotFoundError):
            _file(root, path)


def test_the_kept_description_is_up_to_date() -> None:
    from simems_cloud.cli.openapi import document

    kept = Path(__file__).parents[3] / "docs" / "cloud-openapi.json"
    assert kept.read_text() == document(), "write it again: simems-cloud openapi > docs/cloud-openapi.json"

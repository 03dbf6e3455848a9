"""The charging calls of the edge's interface, with a real station behind them."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from charge_points import Station
from charging_bench import Bench, Running, connector, until
from simems_edge.hmi import Access, create_app
from simems_edge.hmi.access import PinHash

pytestmark = pytest.mark.integration
PIN = "271828"


class _Audit:
    """What of the edge these calls use."""

    def __init__(self) -> None:
        self.told: list[tuple[str, str, str]] = []

    def audit(self, code: str, actor: str, text: str) -> None:
        self.told.append((code, actor, text))


@asynccontextmanager
async def serving(bench: Bench | None) -> AsyncIterator[tuple[httpx.AsyncClient, dict[str, str], _Audit]]:
    audit: Any = _Audit()
    office = None if bench is None else bench.bridge._office
    app = create_app(audit, Access(PinHash.of(PIN)), None, office)
    async with httpx.AsyncClient(transport=httpx.ASGITransport(app), base_url="http://edge/api/v1") as api:
        token = (await api.post("/auth/pin", json={"pin": PIN})).json()["access_token"]
        yield api, {"Authorization": f"Bearer {token}"}, audit


async def test_start_wish_stop_and_the_session_in_the_list(running: Running) -> None:
    station = Station("CP1")
    async with (
        running(connector("evcs0", "CP1")) as bench,
        serving(bench) as (api, pin, audit),
        bench.connected(station) as client,
    ):
        await client.boot()
        start = await api.post("/charging/connectors/evcs0/start", json={"id_tag": "TAG"}, headers=pin)
        assert start.json() == {"done": True}
        assert ("RemoteStart", (1, "TAG")) in station.heard
        transaction = await client.start_transaction(1, "TAG")
        departure = (datetime.now(UTC) + timedelta(hours=2)).isoformat()
        wish = {"energy_wh": 12_000, "departure": departure}
        assert (await api.post("/charging/connectors/evcs0/wish", json=wish, headers=pin)).status_code == 200
        await until(lambda: bench.value("evcs0/energy_request_wh") == 12_000.0)
        (row,) = (await api.get("/charging/sessions")).json()
        assert (row["station"], row["id_tag"], row["ended"], row["remark"]) == ("CP1", "TAG", None, "")
        (shown,) = (await api.get("/charging/stations")).json()
        assert shown["connected"]
        assert shown["connectors"][0]["session"] == row["number"]
        assert (await api.post("/charging/connectors/evcs0/stop", headers=pin)).status_code == 200
        assert ("RemoteStop", transaction) in station.heard
        await api.post("/charging/stations/CP1/reset", json={"kind": "hard"}, headers=pin)
        assert ("Reset", "Hard") in station.heard
        acts = [code for code, actor, _ in audit.told if actor == "operator"]
        assert acts == ["sign_in.accepted", "charging.start", "charging.wish", "charging.stop", "charging.reset"]


async def test_messages_firmware_and_diagnostics_are_asked_for(running: Running) -> None:
    station = Station("CP1")
    async with (
        running(connector("evcs0", "CP1")) as bench,
        serving(bench) as (api, pin, audit),
        bench.connected(station, "ocpp2.0.1") as client,
    ):
        await client.boot()
        asked = {
            "trigger": {"message": "MeterValues", "component": "evcs0"},
            "firmware": {"location": "https://user:secret@files.local/cp.bin", "retrieve": "2026-11-27T02:00:00Z"},
            "diagnostics": {"location": "sftp://files.local/logs/"},
        }
        for name, body in asked.items():
            answer = await api.post(f"/charging/stations/CP1/{name}", json=body, headers=pin)
            assert answer.json() == {"done": True}, answer.text
        assert ("TriggerMessage", "MeterValues") in station.heard
        assert ("UpdateFirmware", asked["firmware"]["location"]) in station.heard
        assert ("GetDiagnostics", "sftp://files.local/logs/") in station.heard
        told = {code: text for code, _, text in audit.told}
        assert "https://files.local/cp.bin" in told["charging.firmware"]
        assert "secret" not in str(audit.told)
        for name, body, code in (
            ("trigger", {"message": "Reboot"}, 422),
            ("trigger", {"message": "Heartbeat", "component": "evcs7"}, 404),
            ("firmware", {"location": "file:///etc/passwd"}, 422),
            ("firmware", {"location": "https://files.local/cp.bin", "retrieve": "2026-11-27T02:00:00"}, 422),
        ):
            refused = await api.post(f"/charging/stations/CP1/{name}", json=body, headers=pin)
            assert refused.status_code == code, (name, body)


async def test_who_did_not_sign_in_only_reads(running: Running) -> None:
    async with running(connector("evcs0", "CP1")) as bench, serving(bench) as (api, _, audit):
        for path, body in (
            ("connectors/evcs0/start", {"id_tag": "TAG"}),
            ("connectors/evcs0/stop", None),
            ("connectors/evcs0/wish", {}),
            ("stations/CP1/reset", {}),
            ("stations/CP1/trigger", {"message": "Heartbeat"}),
            ("stations/CP1/firmware", {"location": "https://files.local/cp.bin"}),
            ("stations/CP1/diagnostics", {"location": "https://files.local/"}),
        ):
            assert (await api.post(f"/charging/{path}", json=body)).status_code == 401
        assert (await api.get("/charging/sessions")).json() == []
        assert [code for code, _, _ in audit.told] == ["sign_in.accepted"]


async def test_what_cannot_be_done_is_said(running: Running) -> None:
    async with running(connector("evcs0", "CP1")) as bench, serving(bench) as (api, pin, _):
        away = await api.post("/charging/connectors/evcs0/start", json={"id_tag": "TAG"}, headers=pin)
        assert (away.status_code, away.json()["detail"]) == (409, "station CP1 is not connected")
        assert (await api.post("/charging/connectors/evcs0/stop", headers=pin)).status_code == 409
        assert (await api.post("/charging/connectors/evcs9/stop", headers=pin)).status_code == 404
        assert (await api.post("/charging/stations/CP9/reset", json={}, headers=pin)).status_code == 404
        naive = {"departure": "2026-11-26T08:00:00"}
        assert (await api.post("/charging/connectors/evcs0/wish", json=naive, headers=pin)).status_code == 422


async def test_a_site_without_stations_says_so() -> None:
    async with serving(None) as (api, _, _):
        assert (await api.get("/charging/sessions")).status_code == 404

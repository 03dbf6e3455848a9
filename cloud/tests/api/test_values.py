"""Energy by day, pages of raw values, and what Grafana asks, over HTTP."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from simems_cloud.telemetry import values_page
from simems_cloud.telemetry.samples import raw_values

pytestmark = pytest.mark.integration
GRID, IMPORT = "grid0/active_power_w", "grid0/import_energy_wh"


async def _quarters(connect: Any, customer: Any, telemetry: Any, start: datetime, count: int, zone: str) -> None:
    """A register that counts 250 Wh each quarter hour, read every five minutes."""
    edge = connect(customer)
    await edge.hello(time_zone=zone)
    values = [250.0 / 3 * n for n in range(3 * count + 1)]
    start_us = int(start.timestamp()) * 1_000_000
    for sequence, low in enumerate(range(0, len(values), 144), start=1):
        part = values[low : low + 144]
        columns = {IMPORT: part, GRID: [1000.0] * len(part)}
        await edge.send(telemetry(sequence, start_us + low * 300_000_000, columns, 300_000_000))
    await edge.until_ack(sequence)


@pytest.mark.parametrize(
    ("zone", "midnight", "hours"),
    [
        ("Europe/Stockholm", datetime(2026, 3, 28, 23, tzinfo=UTC), [23, 24]),
        ("Europe/Stockholm", datetime(2025, 10, 25, 22, tzinfo=UTC), [25, 24]),
        ("Asia/Kolkata", datetime(2026, 3, 28, 18, 30, tzinfo=UTC), [24, 24]),
    ],
    ids=["spring", "autumn", "Kolkata"],
)
async def test_days_are_the_sites_own(
    api: Any, connect: Any, customer: Any, telemetry: Any, roll_up: Any, zone: str, midnight: datetime, hours: list[int]
) -> None:
    await _quarters(connect, customer, telemetry, midnight, sum(hours) * 4, zone)
    await roll_up()
    token = await api.sign_in(customer)
    local = midnight + timedelta(hours=12)
    window = {"from": local.date().isoformat(), "to": (local + timedelta(days=1)).date().isoformat()}
    found = await api.get(f"/sites/{customer.site}/energy", token, **window)
    assert found["time_zone"] == zone
    for interval, length in zip(found["intervals"], hours, strict=True):
        start, end = (datetime.fromisoformat(interval[key]) for key in ("start", "end"))
        assert (end - start) == timedelta(hours=length)
        (imported,) = [c for c in interval["components"] if c["direction"] == "import"]
        assert imported["energy_wh"] == pytest.approx(1000 * length)
        assert (imported["source"], imported["gap_wh"]) == ("register", 0)
        assert imported["coverage_pct"] == 100
    by_hour = await api.get(f"/sites/{customer.site}/energy", token, interval="hour", **window)
    assert len(by_hour["intervals"]) == sum(hours)
    summary = await api.get(
        f"/sites/{customer.site}/summary",
        token,
        **{"from": midnight.isoformat(), "to": (midnight + timedelta(hours=hours[0])).isoformat()},
    )
    assert summary["import_wh"] == pytest.approx(1000 * hours[0])
    assert (summary["sources"]["import_wh"], summary["sources"]["export_wh"]) == ("register", "power")


async def test_pages_hold_every_value_once(
    api: Any, connect: Any, customer: Any, telemetry: Any, roll_up: Any, pack: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    base = datetime(2026, 3, 2, 10, tzinfo=UTC)
    edge = connect(customer)
    await edge.hello()
    for sequence in (1, 2, 3):
        at_us = int((base + timedelta(hours=7 * sequence)).timestamp()) * 1_000_000
        await edge.send(telemetry(sequence, at_us, {GRID: [float(n) for n in range(50)], IMPORT: [None] * 50}))
        if sequence == 2:
            await edge.until_ack(2)
            await roll_up()
            await pack()
    await edge.until_ack(3)
    token = await api.sign_in(customer)
    start, pages = base.isoformat(), []
    while start:
        window = {"from": start, "to": (base + timedelta(days=2)).isoformat(), "limit": 33, "channel": [GRID, IMPORT]}
        page = await api.get(f"/sites/{customer.site}/measurements", token, **window)
        pages.append(page["items"])
        start = page["next"]
    items = [item for page in pages for item in page]
    assert all(len(page) <= 34 for page in pages)
    assert len({(item["time"], item["channel"]) for item in items}) == len(items) == 300
    assert [item["value"] for item in items if item["channel"] == GRID] == [float(n) for n in range(50)] * 3
    assert {item["value"] for item in items if item["channel"] == IMPORT} == {None}
    ages = {"from": "0790-10-18T05:39:53+00:00", "to": "8876-12-31T14:45:08+00:00", "limit": 1000}
    asked: list[str] = []
    monkeypatch.setattr(values_page, "raw_values", counted(raw_values, asked))
    all_of_it = await api.get(f"/sites/{customer.site}/measurements", token, **ages, channel=[GRID, IMPORT])
    assert (all_of_it["items"], all_of_it["next"]) == (items, None)
    nothing = await api.get(f"/sites/{customer.site}/measurements", token, **ages, channel=["none/of_these"])
    assert nothing == {"items": [], "next": None}
    assert len(asked) < 30, "years without a value are stepped over"


def counted(function: Any, calls: list[str]) -> Any:
    async def calling(*arguments: Any) -> Any:
        calls.append(function.__name__)
        return await function(*arguments)

    return calling


async def test_grafana_finds_and_reads(api: Any, connect: Any, new_customer: Any, telemetry: Any, roll_up: Any) -> None:
    customer, stranger = await new_customer(), await new_customer()
    base = datetime(2026, 3, 2, 10, tzinfo=UTC)
    edge = connect(customer)
    await edge.hello()
    await edge.send(telemetry(1, int(base.timestamp()) * 1_000_000, {GRID: [5.0] * 60}))
    await edge.until_ack(1)
    await roll_up()
    token, theirs = await api.sign_in(customer), await api.sign_in(stranger)

    async def ask(path: str, body: Any, who: str = token) -> Any:
        return await api.client.post(f"/api/v1/grafana{path}", headers={"Authorization": f"Bearer {who}"}, json=body)

    assert (await api.get("/grafana", token))["status"] == "ok"
    target = f"{customer.site}/{GRID}"
    assert (await ask("/search", {"target": "GRID0/active"})).json() == [target]
    assert {"label": target, "value": target} in (await ask("/metrics", {"payload": {}})).json()
    assert (await ask("/search", {"target": ""}, theirs)).json() == []
    body = {
        "app": "dashboard",
        "range": {"from": base.isoformat(), "to": (base + timedelta(minutes=3)).isoformat(), "raw": {"from": "now-3m"}},
        "intervalMs": 60_000,
        "maxDataPoints": 100,
        "targets": [{"refId": "A", "target": target, "type": "timeserie"}, {"refId": "B", "target": ""}],
    }
    (series,) = (await ask("/query", body)).json()
    start_ms = int(base.timestamp()) * 1000
    assert series["target"] == target
    assert series["datapoints"] == [[5.0, start_ms], [None, start_ms + 60_000], [None, start_ms + 120_000]]
    assert (await ask("/query", body, theirs)).json() == [] or (await ask("/query", body, theirs)).status_code == 404
    assert (await ask("/query", body | {"targets": [{"target": "nonsense"}]})).status_code == 422

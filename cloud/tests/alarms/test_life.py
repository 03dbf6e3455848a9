"""An alarm's life in a real database: raised once, told once, cleared, silenced, escalated, whoever looks."""

from __future__ import annotations

import asyncio
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from simems_cloud.alarms.evaluate import look_at_minutes, look_at_values
from simems_cloud.kit.database import Pool, transaction

pytestmark = pytest.mark.integration
TEMPERATURE = "ess0/cell_temperature_max_degc"


@pytest.fixture
async def plant(owner_pool: Pool, customer: Any) -> Any:
    """A site with a battery whose temperature can be set."""
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute(
            """insert into sites (tenant_id, site_id, name, time_zone)
            values (app_tenant(), $1, 'Malmö', 'Europe/Stockholm')""",
            customer.site,
        )
        await connection.execute(
            "update devices set site_id = $1, last_frame_at = now() where device_id = $2",
            customer.site,
            customer.device_id,
        )
        await connection.execute(
            """insert into components (tenant_id, site_id, component_id, kind, position)
            values (app_tenant(), $1, 'ess0', 'ess', 1)""",
            customer.site,
        )
        channel = await connection.fetchval(
            """insert into channels (tenant_id, site_id, address, unit, announced)
            values (app_tenant(), $1, $2, 'degC', true) returning channel_id""",
            customer.site,
            TEMPERATURE,
        )

    async def measure(value: float, *, at: datetime | None = None) -> None:
        async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
            await connection.execute(
                """insert into latest (tenant_id, channel_id, site_id, value, value_at, quality, at)
                values (app_tenant(), $1, $2, $3, $4, 0, $4) on conflict (tenant_id, channel_id)
                do update set value = excluded.value, value_at = excluded.value_at, at = excluded.at""",
                channel,
                customer.site,
                value,
                at or datetime.now(UTC),
            )

    measure.channel = channel  # type: ignore[attr-defined] # for the tests below
    return measure


RULE = {
    "name": "Battery too warm",
    "kind": "above",
    "component_kind": "ess",
    "channel": "*/cell_temperature_max_degc",
    "threshold": 45,
    "hysteresis": 3,
    "severity": "warning",
    "escalate_after_s": 60,
}


async def _post(api: Any, token: str, path: str, body: Any = None, **headers: str) -> Any:
    answer = await api.client.post(f"/api/v1{path}", headers={"Authorization": f"Bearer {token}", **headers}, json=body)
    assert answer.is_success, answer.text
    return answer.json()


async def test_the_life_of_an_alarm(api: Any, customer: Any, plant: Any, worker_pool: Pool, owner_pool: Pool) -> None:
    token = await api.sign_in(customer)
    rule = await _post(api, token, "/alarm-rules", RULE)

    async def look() -> int:
        return await look_at_values(worker_pool, customer.tenant_id, 3600.0)

    await plant(44.0)
    assert await look() == 0
    await plant(46.0)
    assert sum(await asyncio.gather(*(look() for _ in range(4)))) == 1, "four workers at once raise one alarm"
    (alarm,) = await api.get("/alarms", token)
    assert (alarm["code"], alarm["component"], alarm["value"], alarm["rule_id"]) == (
        "rule.above",
        "ess0",
        46.0,
        rule["id"],
    )
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update alarms set raised_at = raised_at - interval '2 minutes'")
    assert await look() == 1
    (alarm,) = await api.get("/alarms", token)
    assert (alarm["severity"], alarm["escalated_at"] is None) == ("alarm", False)
    await _post(api, token, f"/alarms/{alarm['id']}/comments", {"text": "Fan ordered"})
    until = (datetime.now(UTC) + timedelta(hours=1)).isoformat()
    silence = await _post(api, token, f"/alarms/{alarm['id']}/silence", {"until": until})
    (alarm,) = await api.get("/alarms", token)
    assert alarm["silenced_until"] is not None
    await _post(api, token, f"/alarm-silences/{silence['id']}/end")
    assert (await api.get("/alarms", token))[0]["silenced_until"] is None
    await _post(api, token, f"/alarms/{alarm['id']}/acknowledge")
    await plant(42.5)
    assert await look() == 0, "within the hysteresis"
    await plant(42.0)
    assert await look() == 1
    story = await api.get(f"/alarms/{alarm['id']}/changes", token)
    assert [change["kind"] for change in story["items"]] == [
        "raised",
        "escalated",
        "commented",
        "acknowledged",
        "cleared",
    ]
    await plant(50.0)
    await look()
    assert len(await api.get("/alarms", token)) == 2, "a new occurrence is a new alarm"


async def test_a_changed_rule_begins_anew(api: Any, customer: Any, plant: Any, worker_pool: Pool) -> None:
    token = await api.sign_in(customer)
    rule = await _post(api, token, "/alarm-rules", RULE)
    await plant(46.0)
    assert await look_at_values(worker_pool, customer.tenant_id, 3600.0) == 1
    headers = {"Authorization": f"Bearer {token}", "If-Match": '"1"'}
    path = f"/api/v1/alarm-rules/{rule['id']}"
    changed = await api.client.put(path, headers=headers, json=RULE | {"threshold": 50})
    assert changed.status_code == 200, changed.text
    assert changed.headers["etag"] == '"2"'
    assert [alarm["cleared_at"] is None for alarm in await api.get("/alarms", token)] == [False]
    assert (await api.client.put(path, headers=headers, json=RULE)).status_code == 412
    assert await look_at_values(worker_pool, customer.tenant_id, 3600.0) == 0


async def test_anomalies_come_from_minutes(
    api: Any, customer: Any, plant: Any, worker_pool: Pool, owner_pool: Pool
) -> None:
    """A state of charge of 130 % for a minute; five minutes later it is over."""
    now = datetime.now(UTC).replace(second=0, microsecond=0)
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update channels set address = 'ess0/soc_pct' where channel_id = $1", plant.channel)
        await connection.execute(
            """insert into rollup_1min (tenant_id, channel_id, start_at, count, sum, positive_sum, minimum, maximum,
                first_value, first_at, last_value, last_at)
            values (app_tenant(), $1, $2, 60, 0, 0, 129, 130, 129, $2, 130, $2)""",
            plant.channel,
            now - timedelta(minutes=1),
        )
    assert await look_at_minutes(worker_pool, customer.tenant_id, now) == 1
    assert await look_at_minutes(worker_pool, customer.tenant_id, now) == 0
    (alarm,) = await api.get("/alarms", await api.sign_in(customer))
    assert (alarm["code"], alarm["cause"]) == ("rule.range", "130 percent is above 100 percent") or alarm[
        "value"
    ] == 130


async def test_pages_of_alarms_lead_to_each_other(api: Any, customer: Any, plant: Any, owner_pool: Pool) -> None:
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute(
            """insert into alarms (tenant_id, site_id, device_id, origin, event_id, code, severity, raised_at,
                cleared_at)
            select app_tenant(), $1, $2, 'edge', n::text, 'c', 'info',
                timestamptz '2026-03-01' + n / 3 * interval '1 s',
                case when n % 2 = 0 then now() end from generate_series(1, 25) n""",
            customer.site,
            customer.device_id,
        )
    token = await api.sign_in(customer)
    whole = [alarm["id"] for alarm in await api.get("/alarms", token)]
    found, path = [], "/api/v1/alarms?limit=4"
    while path:
        answer = await api.client.get(path, headers={"Authorization": f"Bearer {token}"})
        found += [alarm["id"] for alarm in answer.json()]
        path = answer.links.get("next", {}).get("url")
    assert len(whole) == 25
    assert found == whole
    for wrong in ("x", "e30=", "WzEsMiwzXQ==", "W3RydWUsICIyMDI2LTAzLTAxIiwgIngiXQ=="):
        assert await api.status("/alarms", token, after=wrong) == 422


async def test_another_tenants_alarm_is_not_there(
    api: Any, customer: Any, new_customer: Any, plant: Any, worker_pool: Pool
) -> None:
    token = await api.sign_in(customer)
    await _post(api, token, "/alarm-rules", RULE)
    await plant(46.0)
    await look_at_values(worker_pool, customer.tenant_id, 3600.0)
    (alarm,) = await api.get("/alarms", token)
    other = {"Authorization": f"Bearer {await api.sign_in(await new_customer())}"}
    for path, body in (("comments", {"text": "x"}), ("silence", {"until": "2126-01-01T00:00:00Z"})):
        answer = await api.client.post(f"/api/v1/alarms/{alarm['id']}/{path}", headers=other, json=body)
        assert answer.status_code in (404, 422)
    assert (await api.client.get(f"/api/v1/alarms/{alarm['id']}/changes", headers=other)).status_code == 404

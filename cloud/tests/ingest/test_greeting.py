"""A device that comes back as it left writes next to nothing; whatever differs is written as by the first hello."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from simems_cloud.alarms.events import REFUSED, raise_refused
from simems_cloud.ingest.writer import Batch, Writer
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.sites.service import QUERIES as SITES
from simems_cloud.telemetry.store import Device
from simems_core import wire

pytestmark = pytest.mark.integration
FACTS = ("sites", "components", "channels", "equipment", "device_configs")
START_US = 1_760_000_400_000_000


@pytest.fixture
def device(customer: Any) -> Device:
    return Device(customer.tenant_id, customer.device_id, customer.public_key)


@pytest.fixture
def ours(ingest_pool: Pool) -> Writer:
    return Writer(ingest_pool)


@pytest.fixture
def greet(ours: Writer, customer: Any, make_hello: Callable[..., wire.Hello]) -> Callable[..., Any]:
    """Alone, or with another device in one transaction."""

    async def greets(device: Device, beside: Device | None = None, **fields: Any) -> wire.FromCloud:
        hello = wire.encode(make_hello(**{"site": customer.site, **fields}))
        if beside is not None:
            other = wire.encode(make_hello("beside"))
            together = await ours.write_together([Batch(device, [hello]), Batch(beside, [other])])
            if together[0] is not None:
                return together[0].answers[0]
        return (await ours.write(device, [hello])).answers[0]

    return greets


@pytest.fixture(params=["alone", "together"])
async def beside(
    request: pytest.FixtureRequest, customer: Any, owner_pool: Pool, ours: Writer, make_hello: Callable[..., wire.Hello]
) -> Device | None:
    if request.param == "alone":
        return None
    key = "beside" + customer.public_key[6:]
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        device_id = await connection.fetchval(SITES["create_device"], "beside", key, None)
    other = Device(customer.tenant_id, device_id, key)
    await ours.write(other, [wire.encode(make_hello("beside"))])
    return other


async def _rows(pool: Pool, device: Device, site: str) -> dict[str, set[tuple[Any, ...]]]:
    """Every fact but when it was seen."""
    found = {}
    async with transaction(pool, tenant=device.tenant_id) as connection:
        for table in FACTS:
            mine = "device_id = $1::uuid" if table == "device_configs" else "site_id = $1::text"
            which = str(device.device_id) if table == "device_configs" else site
            columns = "- 'last_seen_at' - 'updated_at' - 'first_seen_at' - 'announced_at'"
            query = f"select (to_jsonb(t) {columns})::text from {table} t where {mine}"
            found[table] = {tuple(row) for row in await connection.fetch(query, which)}
    return found


async def _versions(pool: Pool, device: Device, site: str) -> list[Any]:
    """Which transaction wrote each row of the facts that nothing but a change writes."""
    written = "select array_agg(xmin::text order by ctid) from"
    async with transaction(pool, tenant=device.tenant_id) as connection:
        of_site = [
            await connection.fetchval(f"{written} {table} where site_id = $1", site)
            for table in ("sites", "components", "channels")
        ]
        return [*of_site, await connection.fetchval(f"{written} device_configs where device_id = $1", device.device_id)]


async def test_what_is_there_is_not_written_again(
    greet: Any, device: Device, beside: Device | None, customer: Any, app_pool: Pool
) -> None:
    assert await greet(device) == wire.Ack(sequence=0)
    before = await _versions(app_pool, device, customer.site)
    seen = "select last_seen_at from devices where device_id = $1"
    part = "select min(last_seen_at) from equipment where site_id = $1"
    async with transaction(app_pool, tenant=device.tenant_id) as connection:
        then = await connection.fetchval(seen, device.device_id), await connection.fetchval(part, customer.site)
    assert await greet(device, beside, sequence=9, oldest=5) == wire.Ack(sequence=4)
    assert await _versions(app_pool, device, customer.site) == before
    async with transaction(app_pool, tenant=device.tenant_id) as connection:
        now = await connection.fetchval(seen, device.device_id), await connection.fetchval(part, customer.site)
    assert now[0] > then[0]
    assert now[1] > then[1]


CHANNEL = wire.ChannelInfo(address="pv0/active_power_w", unit="W", resolution=1.0)
PV = wire.ComponentInfo(id="pv0", kind="pv")
CHANGES: list[dict[str, Any]] = [
    {"site_name": "Another"},
    {"time_zone": "UTC"},
    {"currency": ""},
    {"settings": {"peak0/threshold_w": 1.0}},
    {"software": "0.2.0"},
    {"vendor": "ACME", "firmware": "7"},
    {"features": ["commands"]},
    {"components": []},
    {"components": [PV, wire.ComponentInfo(id="grid0", kind="meter", name="Grid meter", profile="sunspec_meter")]},
    {"components": [PV], "channels": [CHANNEL]},
    *(
        {"components": [msgspec.structs.replace(PV, **{name: "x"})]}
        for name in wire.ComponentInfo.__struct_fields__[1:]
    ),
    {"channels": []},
    {"channels": [CHANNEL, wire.ChannelInfo(address="new/power_w")]},
    *(
        {"channels": [msgspec.structs.replace(CHANNEL, **{name: value})]}
        for name, value in {
            "unit": "kW",
            "kind": "enum",
            "resolution": 0.5,
            "labels": {1: "one"},
            "access": "read_write",
            "minimum": 0.0,
            "maximum": 1.0,
            "scale": 2.0,
            "offset": 1.0,
            "rollover": 10.0,
            "description": "d",
            "source": "s",
        }.items()
    ),
]


async def test_whatever_differs_is_written_as_if_it_came_first(
    greet: Any, device: Device, customer: Any, app_pool: Pool, new_customer: Any, owner_pool: Pool
) -> None:
    """Each change from the plain hello and back again; the facts are those that a site of its own has of it."""
    assert await greet(device) == wire.Ack(sequence=0)
    plain = await _rows(app_pool, device, customer.site)
    for change in CHANGES:
        assert await greet(device, **change) == wire.Ack(sequence=0)
        changed = await _rows(app_pool, device, customer.site)
        assert any(changed[table] != plain[table] for table in FACTS), change
        again = await _rows(app_pool, device, customer.site)
        assert await greet(device, **change) == wire.Ack(sequence=0)
        assert await _rows(app_pool, device, customer.site) == again
        assert await greet(device) == wire.Ack(sequence=0)
        back = await _rows(app_pool, device, customer.site)
        for table in ("sites", "components"):
            assert back[table] == plain[table], change
    async with transaction(app_pool, tenant=device.tenant_id) as connection:
        channels = await connection.fetchval(
            "select count(*) from channels where site_id = $1 and announced", customer.site
        )
        newest = await connection.fetchval(
            "select max(version) from device_configs where device_id = $1", device.device_id
        )
        told = await connection.fetchval("select config_version from devices where device_id = $1", device.device_id)
    assert channels == 8
    assert newest == told == 1 + 2 * len(CHANGES)


async def test_two_devices_of_a_site_that_differ_each_write_theirs(
    greet: Any, device: Device, customer: Any, app_pool: Pool, owner_pool: Pool
) -> None:
    async with transaction(owner_pool, tenant=device.tenant_id) as connection:
        key = "second" + customer.public_key[6:]
        second_id = await connection.fetchval(SITES["create_device"], "second", key, None)
    second = Device(device.tenant_id, second_id, key)
    for who, name in [(device, "Harbour"), (second, "Quay")] * 3:
        assert await greet(who, site_name=name) == wire.Ack(sequence=0)
        async with transaction(app_pool, tenant=device.tenant_id) as connection:
            assert await connection.fetchval("select name from sites where site_id = $1", customer.site) == name


async def test_an_alarm_about_its_frames_ends_with_its_next_hello(
    greet: Any, device: Device, beside: Device | None, customer: Any, app_pool: Pool, ingest_pool: Pool
) -> None:
    await greet(device)
    async with transaction(ingest_pool, tenant=device.tenant_id) as connection:
        await raise_refused(connection, device, customer.site, REFUSED, "of a test")
    assert await greet(device, beside) == wire.Ack(sequence=0)
    async with transaction(app_pool, tenant=device.tenant_id) as connection:
        assert await connection.fetchval("select count(*) from alarms where cleared_at is null") == 0


async def test_a_new_key_and_a_first_signing_key_are_noted(
    greet: Any, device: Device, beside: Device | None, customer: Any, owner_pool: Pool
) -> None:
    await greet(device)
    key = "new" + customer.public_key[3:]
    async with transaction(owner_pool, tenant=device.tenant_id) as connection:
        await connection.execute("update devices set next_public_key = $2 where device_id = $1", device.device_id, key)
    assert await greet(Device(device.tenant_id, device.device_id, key), beside) == wire.Ack(sequence=0)
    assert await greet(Device(device.tenant_id, device.device_id, key), beside, signing_key="a" * 64) == wire.Ack(
        sequence=0
    )
    async with transaction(owner_pool, tenant=device.tenant_id) as connection:
        query = "select public_key, next_public_key, signing_key from devices where device_id = $1"
        assert tuple(await connection.fetchrow(query, device.device_id)) == (key, None, "a" * 64)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    "fields", [{"time_zone": "Mars/Base"}, {"site": "elsewhere"}, {"settings": {"a": float("nan")}}]
)
async def test_a_hello_that_is_refused_is_refused_beside_others(
    greet: Any, device: Device, beside: Device | None, fields: dict[str, Any]
) -> None:
    await greet(device)
    assert isinstance(await greet(device, beside, **fields), wire.Bye)

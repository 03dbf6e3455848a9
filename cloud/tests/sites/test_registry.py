"""The device registry: announced, changed, replaced; the values go on."""

from __future__ import annotations

import time
from typing import Any

import pytest
import zmq
from simems_cloud.kit.database import Pool, transaction
from simems_core import wire

pytestmark = pytest.mark.integration
GRID = "grid0/active_power_w"


def _components(serial: str = "", **more: Any) -> list[wire.ComponentInfo]:
    meter = wire.ComponentInfo(
        id="grid0", kind="meter", vendor="Acme", model="M1", serial_number=serial, protocol="sunspec", **more
    )
    return [meter, wire.ComponentInfo(id="peak0", kind="controller", profile="peak_shaving")]


async def test_each_changed_announcement_is_a_version(api: Any, connect: Any, customer: Any) -> None:
    edge = connect(customer)
    for threshold, sequence in ((60_000.0, 0), (60_000.0, 7), (50_000.0, 7)):
        await edge.hello(settings={"peak0/threshold_w": threshold}, sequence=sequence, firmware="1.2", vendor="Acme")
    token = await api.sign_in(customer)
    (device,) = await api.get("/devices", token)
    assert (device["config_version"], device["firmware_version"], device["vendor"]) == (2, "1.2", "Acme")
    assert (device["health"], device["type"], device["site_id"]) == ("ok", "edge", customer.site)
    versions = await api.get(f"/devices/{device['id']}/configs", token)
    assert [entry["version"] for entry in versions] == [2, 1]
    old = await api.get(f"/devices/{device['id']}/configs/1", token)
    assert old["content"]["settings"] == {"peak0/threshold_w": 60_000.0}
    assert await api.status(f"/devices/{device['id']}/configs/3", token) == 404


async def test_another_serial_number_is_another_device_with_the_same_history(
    api: Any, connect: Any, customer: Any, telemetry: Any, app_pool: Pool
) -> None:
    edge = connect(customer)
    now_us = time.time_ns() // 1000
    await edge.hello(components=_components("A-1", firmware="3"))
    await edge.send(telemetry(1, now_us - 9_000_000, {GRID: [1.0]}))
    await edge.hello(components=_components())
    await edge.hello(components=_components("B-2"))
    await edge.send(telemetry(2, now_us - 1_000_000, {GRID: [2.0]}))
    await edge.until_ack(2)
    token = await api.sign_in(customer)
    (current,) = await api.get(f"/sites/{customer.site}/equipment", token)
    assert (current["serial_number"], current["protocol"], current["health"]) == ("B-2", "sunspec", "ok")
    rows = await api.get(f"/sites/{customer.site}/equipment", token, history=True)
    assert [(row["serial_number"], row["gone_because"]) for row in rows] == [("B-2", ""), ("A-1", "replaced")]
    assert rows[1]["firmware_version"] == "3"
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        values = await connection.fetchval("select array_agg(value order by time) from measurements")
    assert values == [1.0, 2.0]
    path = f"/api/v1/sites/{customer.site}/equipment/grid0/replace"
    body = {"serial_number": "C-3", "reason": "lightning"}
    answer = await api.client.post(path, headers={"Authorization": f"Bearer {token}"}, json=body)
    assert answer.status_code == 201
    assert await edge.hello(components=[]) == wire.Ack(sequence=2)
    gone = await api.get(f"/sites/{customer.site}/equipment", token, history=True)
    assert [(row["serial_number"], row["gone_because"]) for row in gone] == [
        *(("C-3", "removed"), ("B-2", "lightning"), ("A-1", "replaced")),
    ]


async def test_how_equipment_is(api: Any, connect: Any, customer: Any, telemetry: Any) -> None:
    edge = connect(customer)
    link = wire.ChannelInfo(address="grid0/communication", kind="bool")
    await edge.hello(components=_components(), channels=[wire.ChannelInfo(address=GRID, unit="W"), link])
    token = await api.sign_in(customer)
    now_us = time.time_ns() // 1000

    async def health() -> str:
        (row,) = await api.get(f"/sites/{customer.site}/equipment", token)
        return str(row["health"])

    assert await health() == "never"
    steps: list[tuple[float | None, int, int, str]] = [
        *((5.0, 0, 1, "ok"), (5.0, 2, 1, "degraded"), (None, 1, 1, "stale"), (None, 1, 0, "lost")),
    ]
    for sequence, (value, quality, talks, expected) in enumerate(steps, start=1):
        columns = [
            wire.Column(channel=GRID, resolution=0, values=[value], quality=[quality]),
            wire.Column(channel="grid0/communication", resolution=1, values=[talks]),
        ]
        times = [now_us - 100_000_000 + sequence]
        await edge.send(wire.Telemetry(sequence=sequence, times_us=times, columns=columns))
        await edge.until_ack(sequence)
        assert await health() == expected


async def test_channels_say_what_they_mean(api: Any, connect: Any, customer: Any) -> None:
    rich = wire.ChannelInfo(
        address="grid0/import_energy_wh",
        unit="Wh",
        resolution=10.0,
        scale=10.0,
        rollover=1e9,
        minimum=0.0,
        description="Counted by the meter",
        source="holding 40083 uint32",
    )
    await connect(customer).hello(channels=[rich])
    token = await api.sign_in(customer)
    (channel,) = await api.get(f"/sites/{customer.site}/channels", token)
    assert (channel["rollover"], channel["scale"], channel["minimum"], channel["maximum"]) == (1e9, 10.0, 0.0, None)
    assert (channel["description"], channel["source"], channel["access"]) == (rich.description, rich.source, "read")


@pytest.mark.parametrize("wrong", [{"rollover": -1.0}, {"scale": float("nan")}, {"maximum": float("inf")}])
async def test_a_channel_that_cannot_be_is_refused_by_name(connect: Any, customer: Any, wrong: Any) -> None:
    answer = await connect(customer).hello(channels=[wire.ChannelInfo(address="a/b", **wrong)])
    assert isinstance(answer, wire.Bye)
    assert "channels:" in answer.reason


async def test_a_replaced_controller_stays_outside_and_the_new_one_goes_on(
    api: Any, connect: Any, new_customer: Any, telemetry: Any, eventually: Any, app_pool: Pool
) -> None:
    customer, stranger = await new_customer(), await new_customer()
    edge = connect(customer)
    await edge.hello()
    await edge.send(telemetry(1, 1_760_000_400_000_000, {GRID: [1.0]}))
    await edge.until_ack(1)
    public, secret = (half.decode() for half in zmq.curve_keypair())
    token, theirs = await api.sign_in(customer), await api.sign_in(stranger)
    path = f"/api/v1/devices/{customer.device_id}/replace"
    body = {"name": "new box", "public_key": public}

    async def replace(who: str, **changes: Any) -> Any:
        headers = {"Authorization": f"Bearer {who}"}
        return await api.client.post(path, headers=headers, json=body | changes)

    assert (await replace(theirs)).status_code == 404
    assert (await replace(token, public_key="x" * 39 + "~")).status_code == 422
    assert (await replace(token, public_key=customer.public_key)).status_code == 409
    made = (await replace(token)).json()
    assert (made["site_id"], made["health"]) == (customer.site, "never")
    assert (await replace(token)).status_code == 409
    new = connect(customer, public_key=public, secret_key=secret)
    assert await new.hello() == wire.Ack(sequence=0)
    await new.send(telemetry(1, 1_760_000_500_000_000, {GRID: [2.0]}))
    await new.until_ack(1)
    devices = {row["name"]: row for row in await api.get("/devices", token)}
    assert (devices["edge"]["health"], devices["edge"]["replaced_by"]) == ("retired", made["id"])
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        values = await connection.fetchval("select array_agg(value order by time) from measurements")
    assert values == [1.0, 2.0]

    async def say() -> None:
        await edge.send(telemetry(2, 1_760_000_600_000_000, {GRID: [3.0]}), 1.0)
        await edge.receive(1.0)

    with pytest.raises(TimeoutError):
        await say()

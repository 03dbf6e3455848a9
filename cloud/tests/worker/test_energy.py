"""Energy in the database: from registers with gaps, resets and late data; from power where there is none; compared."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from simems_cloud.kit.database import Pool, transaction
from simems_cloud.telemetry.energy_check import QUERIES
from simems_cloud.telemetry.rolling import Turn
from simems_cloud.worker.energy_watch import CODE, EnergyWatch

pytestmark = pytest.mark.integration
POWER, IMPORT, LOAD = "grid0/active_power_w", "grid0/import_energy_wh", "site/load_power_w"
BASE = datetime(2026, 3, 2, 10, tzinfo=UTC)
BASE_US = int(BASE.timestamp()) * 1_000_000
HOUR, STEP_S = 3600, 10
ENERGY = """select source, sum(energy_wh) as wh, sum(gap_wh) as gap_wh, sum(resets)::int as resets from energy_15min
    where component_id = 'grid0' and direction = 'import' group by 1"""


def _frames(telemetry: Any, registers: list[float], power_w: float = 3600.0, rows: int = 30) -> list[Any]:
    """A reading each ten seconds; as many frames as it takes."""
    return [
        telemetry(
            low // rows + 1,
            BASE_US + low * STEP_S * 1_000_000,
            {
                POWER: [power_w] * len(registers[low : low + rows]),
                LOAD: [power_w] * len(registers[low : low + rows]),
                IMPORT: registers[low : low + rows],
            },
            STEP_S * 1_000_000,
        )
        for low in range(0, len(registers), rows)
    ]


async def _send(connect: Any, customer: Any, frames: list[Any]) -> Any:
    edge = connect(customer)
    await edge.hello()
    for frame in frames:
        await edge.send(frame)
    await edge.until_ack(max(frame.sequence for frame in frames))
    return edge


async def _energy(pool: Pool, customer: Any) -> list[tuple[Any, ...]]:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        return [tuple(row) for row in await connection.fetch(ENERGY)]


async def test_any_order_gives_the_same_exact_energy(
    connect: Any, customer: Any, telemetry: Any, app_pool: Pool, roll_up: Any, pack: Any
) -> None:
    """3,600 W counts 10 Wh each ten seconds; a reset, a drop-out and a quarter of it late, rolled up in between."""
    registers = [1000.0 + 10 * n for n in range(2 * HOUR // STEP_S + 1)]
    registers[100] = 0.0
    after = [10.0 * n for n in range(len(registers) - 500)]
    registers[500:] = after
    frames = _frames(telemetry, registers)
    chance = random.Random(5)
    chance.shuffle(frames)
    edge = connect(customer)
    await edge.hello()
    for frame in frames:
        await edge.send(frame)
        if chance.random() < 0.3:
            await roll_up()
            await pack()
    await edge.until_ack(len(frames))
    await roll_up()
    ((source, energy_wh, gap_wh, resets),) = await _energy(app_pool, customer)
    assert (source, gap_wh, resets) == ("register", 0, 1)
    assert energy_wh == pytest.approx(499 * 10 + 220 * 10), "all but the ten seconds of the reset"
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        by_minute = await connection.fetchval("select sum(energy_wh) from rollup_1min")
        quarters = await connection.fetch("""select start_at, energy_wh, minutes_seen from energy_15min
            where component_id = 'grid0' and direction = 'import' order by 1""")
        load = await connection.fetch("""select distinct source from energy_15min where direction = 'consumption'""")
    assert by_minute == pytest.approx(energy_wh)
    assert [q["energy_wh"] for q in quarters[:5]] == pytest.approx([900.0] * 5)
    assert {q["minutes_seen"] for q in quarters[:8]} == {0b111111111111111}
    assert [row["source"] for row in load] == ["power"], "integrated only where no register is, and marked so"


async def test_a_gap_is_marked_until_late_data_fill_it(
    connect: Any, customer: Any, telemetry: Any, app_pool: Pool, roll_up: Any
) -> None:
    registers = [10.0 * n for n in range(2 * HOUR // STEP_S)]
    frames = _frames(telemetry, registers)
    late = [frame for frame in frames if 8 < frame.sequence <= 16]
    edge = await _send(connect, customer, [f for f in frames if f not in late][:1])
    for frame in frames:
        if frame not in late:
            await edge.send(frame)
    await edge.until_ack(8)
    await edge.hello(sequence=len(frames))
    await roll_up()
    ((source, energy_wh, gap_wh, _),) = await _energy(app_pool, customer)
    assert (source, energy_wh) == ("register", pytest.approx(registers[-1]))
    assert gap_wh == pytest.approx(registers[480] - registers[239])
    for frame in late:
        await edge.send(frame)
    await edge.until_ack(len(frames))
    await roll_up()
    ((_, energy_wh, gap_wh, _),) = await _energy(app_pool, customer)
    assert (energy_wh, gap_wh) == (pytest.approx(registers[-1]), 0)


@pytest.mark.parametrize(("ratio", "raised"), [(1.02, True), (1.005, False)])
async def test_more_than_a_hundredth_apart_is_an_alarm(
    connect: Any,
    customer: Any,
    telemetry: Any,
    app_pool: Pool,
    worker_pool: Pool,
    roll_up: Any,
    ratio: float,
    raised: bool,
) -> None:
    registers = [10.0 * ratio * n for n in range(2 * HOUR // STEP_S + 1)]
    await _send(connect, customer, _frames(telemetry, registers))
    await roll_up()
    turn = Turn(1, BASE, BASE + timedelta(hours=2))
    await EnergyWatch(worker_pool).look({(customer.tenant_id, customer.site): turn})
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        alarms = await connection.fetch("select component, cause, cleared_at from alarms where code = $1", CODE)
    assert [a["component"] for a in alarms] == (["grid0"] if raised else [])
    if raised:
        assert "+2.0 %" in alarms[0]["cause"]


async def test_what_lies_between_two_samples_is_no_difference(
    connect: Any, customer: Any, telemetry: Any, app_pool: Pool, worker_pool: Pool, roll_up: Any
) -> None:
    """A reading a minute; 15 kW stop just after one, so that the power adds up to most of a minute more."""
    on = 30
    power = [15_000.0] * on + [0.0] * (120 - on + 1)
    registers = [250.0 * min(n, on - 1) for n in range(len(power))]
    await _send(connect, customer, [telemetry(1, BASE_US, {POWER: power, LOAD: power, IMPORT: registers}, 60_000_000)])
    await roll_up()
    turn = Turn(1, BASE, BASE + timedelta(hours=2))
    await EnergyWatch(worker_pool).look({(customer.tenant_id, customer.site): turn})
    async with transaction(app_pool, tenant=customer.tenant_id) as connection:
        assert await connection.fetch("select cause from alarms where code = $1", CODE) == []
        rows = await connection.fetch(QUERIES["energy_differences"], customer.site, BASE, BASE + timedelta(hours=2))
    (grid,) = [row for row in rows if row["component_id"] == "grid0" and row["direction"] == "import"]
    assert grid["power_wh"] - grid["register_wh"] == pytest.approx(250.0), "3.4 %"

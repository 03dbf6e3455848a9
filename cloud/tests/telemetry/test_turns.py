"""Which frames are rolled up next: the newest, no more than one transaction bears, and none beyond a gap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

import pytest
from simems_cloud.kit.database import Pool
from simems_cloud.telemetry.months import Months
from simems_cloud.telemetry.rolling import FRAMES_A_TURN, VALUES_A_TURN, Rests, Turn, a_turn, roll_up_all

NOON = datetime(2026, 3, 2, 12, tzinfo=UTC)
MINUTE = timedelta(minutes=1)


def rows(minutes_ago: Sequence[int], values: int = 100) -> list[dict[str, Any]]:
    """Frames of a minute each, newest first."""
    starts = [NOON - ago * MINUTE for ago in minutes_ago]
    return [{"start_at": start, "end_at": start + MINUTE, "values": bytes(12 * values)} for start in starts]


def test_live_values_go_before_a_backlog_of_weeks() -> None:
    waiting = rows([0, 1, 2, 20_000, 20_001])
    assert a_turn(waiting) == waiting[:3]
    assert a_turn(waiting[3:]) == waiting[3:]


def test_a_short_gap_does_not_end_a_turn() -> None:
    waiting = rows([0, 30, 61])
    assert a_turn(waiting) == waiting


def test_a_turn_is_no_longer_than_a_transaction_bears() -> None:
    waiting = rows(range(50), values=VALUES_A_TURN // 10)
    assert len(a_turn(waiting)) in {9, 10}


def test_a_frame_of_any_size_has_its_turn() -> None:
    waiting = rows([0, 1], values=2 * VALUES_A_TURN)
    assert a_turn(waiting) == waiting[:1]
    assert a_turn([]) == []


def test_a_site_rests_only_when_nothing_was_left_and_not_for_ever() -> None:
    now_s = 0.0
    rests = Rests(20.0, lambda: now_s)
    kept_up, behind = (uuid4(), "a"), (uuid4(), "b")
    rests.note(kept_up, Turn(3))
    rests.note(behind, Turn(FRAMES_A_TURN, more=True))
    assert rests.resting() == {kept_up}
    now_s = 19.9
    assert rests.resting() == {kept_up}
    now_s = 20.0
    assert rests.resting() == set()
    rests.note(kept_up, Turn(1))
    assert rests.resting() == {kept_up}


@pytest.mark.integration
async def test_sites_that_rest_keep_no_other_from_its_turn(
    connect: Any, new_customer: Any, telemetry: Any, worker_pool: Pool
) -> None:
    now_s, months = 0.0, Months()
    rests = Rests(20.0, lambda: now_s)
    start_us = round(NOON.timestamp() * 1e6)

    async def send(edge: Any, number: int) -> None:
        await edge.send(telemetry(number, start_us + number * 10_000_000, {"grid0/active_power_w": [1.0] * 10}))
        await edge.until_ack(number)

    async def rolled() -> set[str]:
        return {site for _, site in await roll_up_all(worker_pool, months, at_most=1, rests=rests)}

    first, second = await new_customer(), await new_customer()
    one, other = connect(first), connect(second)
    await one.hello()
    await other.hello()
    await send(one, 1)
    assert await rolled() == {first.site}
    await send(one, 2)
    assert await rolled() == set(), "it rests"
    await send(other, 1)
    assert await rolled() == {second.site}, "whoever rests takes nobody's place"
    assert await rolled() == set()
    now_s = 20.0
    assert await rolled() == {first.site}
    assert await rolled() == set(), "the other has nothing new"

"""Which frames are rolled up next: the newest, no more than one transaction bears, and none beyond a gap."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

from simems_cloud.telemetry.rolling import VALUES_A_TURN, a_turn

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

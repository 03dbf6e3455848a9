"""Alarms of disk and link: raised once, standing as long as they should, cleared by themselves."""

from __future__ import annotations

from dataclasses import dataclass, field

import pytest
from simems_core import wire
from simems_edge.buffer.fault import not_writable, over_quota
from simems_edge.hmi import House, HouseAlarms
from simems_edge.hmi.house_alarms import SHOWN_S, UNREACHABLE_S

UP = House(writable=True, link="up", error="")


@dataclass
class Watched:
    """House alarms with a clock moved by hand."""

    now_s: float = 0.0
    events: list[wire.Event] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.alarms = HouseAlarms(on_event=self.events.append, now_us=lambda: round(self.now_s * 1e6))

    def judge(self, house: House, after_s: float = 0.0) -> list[str]:
        self.now_s += after_s
        self.alarms.judge(house)
        return [alarm.code for alarm in self.alarms.book.list(active=True)]

    def said(self) -> list[tuple[str, str]]:
        return [(event.kind, event.code) for event in self.events]


def test_a_full_disk_stands_until_it_can_be_written_again() -> None:
    watched = Watched()
    watched.alarms.fault(not_writable("full"))
    refusing = House(writable=False, link="up", error="")
    assert watched.judge(refusing) == ["buffer.not_writable"]
    assert watched.judge(refusing, after_s=10 * SHOWN_S) == ["buffer.not_writable"]
    assert watched.judge(UP) == []
    assert watched.said() == [("raised", "buffer.not_writable"), ("cleared", "buffer.not_writable")]


def test_what_happened_once_is_shown_for_a_while() -> None:
    watched = Watched()
    watched.alarms.fault(over_quota(3))
    watched.alarms.refused(7, "no such channel")
    assert set(watched.judge(UP)) == {"buffer.quota", "sync.frame_refused"}
    assert watched.judge(UP, after_s=SHOWN_S) == []


def test_a_cloud_away_for_long_is_a_warning_and_none_configured_is_not() -> None:
    watched = Watched()
    down = House(writable=True, link="down", error="no route")
    assert watched.judge(UP) == []
    assert watched.judge(down, after_s=UNREACHABLE_S) == []
    assert watched.judge(down, after_s=1.0) == ["sync.unreachable"]
    assert watched.judge(UP) == []
    assert watched.judge(House(writable=True, link="unconfigured", error=""), after_s=1e6) == []


@pytest.mark.parametrize("times", [1, 5])
def test_a_refusal_is_said_once_however_often_it_is_seen(times: int) -> None:
    watched = Watched()
    refused = House(writable=True, link="refused", error="handshake")
    for _ in range(times):
        assert watched.judge(refused, after_s=100.0) == ["sync.refused"]
    assert watched.said() == [("raised", "sync.refused")]

"""``simems-edge status``: what waits for the cloud, and what does not reach it."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import pytest
from simems_edge.cli.status import LOSSES, _sync_rows

NOW = datetime(2026, 3, 1, tzinfo=UTC)
SYNC: dict[str, Any] = {
    "link": "up",
    "error": "",
    "queue_frames": 3,
    "oldest_unsent_at": "2026-02-28T23:59:00+00:00",
    "last_ack_at": None,
    "last_sequence": 9,
    "acked_sequence": 6,
    "clock_offset_s": -0.25,
    "dropped_frames": 0,
}


def test_the_link_and_what_waits_for_it() -> None:
    assert _sync_rows(SYNC, NOW) == [
        ("cloud", "up"),
        ("unsent", "3 frames, the oldest from 60 s ago"),
        ("last ack", "never (record 6 of 9)"),
        ("cloud's time", "-0.250 s against this box"),
    ]


@pytest.mark.parametrize("name", LOSSES)
def test_whatever_was_given_up_is_told_with_its_number(name: str) -> None:
    what, text = _sync_rows(SYNC | {name: 17}, NOW)[-1]
    assert (what, text.startswith("17 ")) == (LOSSES[name][0], True)

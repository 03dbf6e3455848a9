"""The newest events of the record of limits, as the screen lists them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict
from datetime import UTC, datetime
from pathlib import Path

from simems_edge.hmi import LimitEvent
from simems_edge.proof.recent import newest_events
from simems_edge.sync import Identity


def limit_list(data: Path, identity: Identity) -> Callable[[int], list[LimitEvent]]:
    """Reads it anew each time; the reader blocks and raises OSError."""

    def read(limit: int) -> list[LimitEvent]:
        shown = []
        for event in newest_events(data, identity.record_key.public_key(), limit):
            fields = asdict(event)
            time_us = fields.pop("time_us")
            shown.append(LimitEvent(time=datetime.fromtimestamp(time_us / 1e6, UTC), **fields))
        return shown

    return read

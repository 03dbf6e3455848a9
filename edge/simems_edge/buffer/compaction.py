"""Which frames make the next block."""

from __future__ import annotations

from collections.abc import Sequence

from simems_core import wire

BLOCK_ROWS = 300
"""Rows of a block: at one a second, five minutes."""


def joinable(frames: Sequence[wire.Telemetry]) -> int:
    """How many frames from the first on fit together: times rise on, and no channel changes its resolution."""
    resolutions: dict[str, float] = {}
    end_us = 0
    for count, frame in enumerate(frames):
        own = {column.channel: column.resolution for column in frame.columns}
        changed = any(resolutions.get(channel, step) != step for channel, step in own.items())
        if frame.times_us[0] <= end_us or changed:
            return count
        resolutions |= own
        end_us = sum(frame.times_us)
    return len(frames)


def next_block(frames: Sequence[wire.Telemetry], *, more: bool) -> list[wire.Telemetry]:
    """The frames, from the first on, that go into a block now; empty when they wait for further ones.

    ``more``: there are frames behind these, which did not fit."""
    count = joinable(frames)
    chosen: list[wire.Telemetry] = []
    rows = 0
    for frame in frames[:count]:
        if rows and rows + len(frame.times_us) > BLOCK_ROWS:
            break
        chosen.append(frame)
        rows += len(frame.times_us)
    full = rows >= BLOCK_ROWS or len(chosen) < len(frames) or more
    return chosen if full else []

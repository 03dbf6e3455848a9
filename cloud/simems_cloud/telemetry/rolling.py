"""Rolls up what came in for a site: once each, whoever dies, in the transaction that notes it as done.

The minute and quarter-hour rows are sums, counts and extremes, so late values merge in any order. The energy of
registers is worked out anew from the minute rows of every quarter hour that new values touch, so it becomes exact
however late they come.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any, Protocol, TypeVar
from uuid import UUID

import asyncpg
import numpy as np

from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.energy import EPOCH, update_energy
from simems_cloud.telemetry.months import Months
from simems_cloud.telemetry.rollup import MINUTE_US, QUARTER_US, PackedFrame, joined, minutes_seen, roll_up, samples_of
from simems_cloud.telemetry.samples import packed_frame

QUERIES = load_queries("simems_cloud.telemetry")
FRAMES_A_TURN = 200
KEEPS_UP = 60
"""Frames that wait at a site which sends one a second; where more wait, a backlog is coming in."""
SIDE_BY_SIDE = 4
"""Sites at the same time; fewer than the pool has connections."""
GAP = timedelta(hours=1)
VALUES_A_TURN = 400_000
"""Of one transaction: about a second on a busy host."""
REGISTER = r"energy_(wh|varh|vah)$"
"""Addresses of counting registers end like this."""


class Waiting(Protocol):
    """A row with ``start_at``, ``end_at`` and ``values``."""

    def __getitem__(self, name: str, /) -> Any: ...  # noqa: ANN401 - as the database's rows


W = TypeVar("W", bound=Waiting)


@dataclass(frozen=True)
class Turn:
    """What one transaction did for a site; ``frames`` 0: nothing was left."""

    frames: int
    since: datetime = EPOCH
    until: datetime = EPOCH
    more: bool = False
    """Others were left for the next turn, or are about to come."""


Site = tuple[UUID, str]


class Rests:
    """A site that was rolled up to its last frame rests: a turn costs as much for one frame as for many."""

    def __init__(self, rest_s: float, now_s: Callable[[], float] = time.monotonic) -> None:
        self._rest_s, self._now_s = rest_s, now_s
        self._until_s: dict[Site, float] = {}

    def resting(self) -> set[Site]:
        now_s = self._now_s()
        self._until_s = {site: until_s for site, until_s in self._until_s.items() if until_s > now_s}
        return set(self._until_s)

    def note(self, site: Site, turn: Turn) -> None:
        if not turn.more:
            self._until_s[site] = self._now_s() + self._rest_s


async def roll_up_all(pool: Pool, months: Months, at_most: int = 100, rests: Rests | None = None) -> dict[Site, Turn]:
    """One turn of every site that waits and does not rest, a few at a time; what they did. Several workers may run
    this at once."""
    resting = set() if rests is None else rests.resting()
    async with transaction(pool) as connection:
        waiting = await connection.fetch(QUERIES["sites_to_roll_up"], at_most + len(resting))
    sites = [site for row in waiting if (site := (row["tenant_id"], row["site_id"])) not in resting][:at_most]
    turns: dict[Site, Turn] = {}
    for low in range(0, len(sites), SIDE_BY_SIDE):
        part = sites[low : low + SIDE_BY_SIDE]
        made = await asyncio.gather(*(roll_up_site(pool, months, *site) for site in part), return_exceptions=True)
        for site, turn in zip(part, made, strict=True):
            if isinstance(turn, BaseException):
                raise turn
            if turn.frames:
                turns[site] = turn
                if rests is not None:
                    rests.note(site, turn)
    return turns


async def roll_up_site(pool: Pool, months: Months, tenant_id: UUID, site_id: str) -> Turn:
    """The newest frames that wait, in one transaction: who looks at today does not wait for a backlog of weeks.
    Another worker at the same site: nothing."""
    while True:
        async with transaction(pool, tenant=tenant_id) as connection:
            if not await connection.fetchval(QUERIES["site_turn"], site_id):
                return Turn(0)
            found = await connection.fetch(QUERIES["waiting_frames"], site_id, FRAMES_A_TURN)
            rows = a_turn(found)
            if not rows:
                return Turn(0)
            more = len(found) > KEEPS_UP or len(rows) < len(found)
            turn = Turn(len(rows), min(row["start_at"] for row in rows), max(row["end_at"] for row in rows), more)
            since, until = turn.since, turn.until
            if months.known(since, until):
                await _roll_up(connection, site_id, rows, turn, months)
                return turn
        await months.make(pool, since, until)


async def _roll_up(
    connection: Connection, site_id: str, rows: Sequence[asyncpg.Record], turn: Turn, months: Months
) -> None:
    frames = [packed_frame(row) for row in rows]
    try:
        await _merge(connection, frames)
    except asyncpg.CheckViolationError:
        months.forget()
        raise
    channels = sorted({channel for frame in frames for channel in frame.channel_ids.tolist()})
    registers = await connection.fetch(QUERIES["registers"], channels, REGISTER)
    if registers:
        rollovers = {row["channel_id"]: row["rollover"] for row in registers}
        await update_energy(connection, site_id, rollovers, turn.since, turn.until)
    await connection.execute(
        QUERIES["note_rolled_up"], [row["device_id"] for row in rows], [row["sequence"] for row in rows]
    )


def a_turn(rows: Sequence[W]) -> list[W]:
    """Of the rows, newest first, as many as are not too much for one transaction, at least one: up to the first gap,
    for the energy of all that lies between the first and the last is worked out anew."""
    sizes = np.cumsum([len(row["values"]) // 12 for row in rows])
    gaps = (n for n, (newer, older) in enumerate(pairwise(rows), 1) if newer["start_at"] - older["end_at"] > GAP)
    return list(rows[: max(1, min(int(np.searchsorted(sizes, VALUES_A_TURN)), next(gaps, len(rows))))])


async def _merge(connection: Connection, frames: Sequence[PackedFrame]) -> None:
    samples = samples_of(frames)
    if not len(samples.value):
        return
    await connection.execute(QUERIES["add_rollup_1min"], *roll_up(samples, MINUTE_US).arguments())
    quarters = roll_up(samples, QUARTER_US)
    seen = minutes_seen(quarters, joined(frames)).tolist()
    await connection.execute(QUERIES["add_rollup_15min"], *quarters.arguments(), seen)

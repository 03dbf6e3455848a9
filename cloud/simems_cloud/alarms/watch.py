"""The cloud's own alarm: a device that sends no data. Raised and cleared by itself, whichever process looks."""

from __future__ import annotations

import asyncio
import logging
from datetime import UTC, datetime, timedelta

import asyncpg

from simems_cloud.kit.database import UNAVAILABLE, Pool, transaction
from simems_cloud.kit.live import live_payload
from simems_cloud.kit.sql import load_queries

log = logging.getLogger(__name__)
QUERIES = load_queries("simems_cloud.alarms")
CODE = "cloud.device_silent"


async def watch_silence(pool: Pool, stale_after_s: float, *, period_s: float | None = None) -> None:
    """Look until cancelled. The first look waits for one stale-after time: devices come back after a start."""
    pause_s = min(5.0, stale_after_s / 4) if period_s is None else period_s
    await asyncio.sleep(stale_after_s)
    while True:
        try:
            await look(pool, stale_after_s)
        except UNAVAILABLE as error:
            log.warning("cannot look for silent devices", extra={"error": repr(error)})
        except asyncpg.PostgresError:
            log.exception("cannot look for silent devices")
        await asyncio.sleep(pause_s)


async def look(pool: Pool, stale_after_s: float) -> int:
    """Raise and clear once; the number of changes. Of several processes one looks, the others pass."""
    limit = datetime.now(UTC) - timedelta(seconds=stale_after_s)
    async with transaction(pool) as connection:
        if not await connection.fetchval(QUERIES["watch_turn"]):
            return 0
        changes = 0
        for device in await connection.fetch(QUERIES["watch_devices"], limit):
            changes += await _apply(pool, device, stale_after_s)
    return changes


async def _apply(pool: Pool, device: asyncpg.Record, stale_after_s: float) -> bool:
    async with transaction(pool, tenant=device["tenant_id"]) as connection:
        if device["silent"]:
            changed = await connection.fetchval(QUERIES["raise_own"], *_raised(device, stale_after_s))
        else:
            changed = await connection.fetchval(QUERIES["clear_own"], device["device_id"], CODE)
        if changed:
            payload = live_payload(device["tenant_id"], device["site_id"], "alarms")
            await connection.execute(QUERIES["notify"], payload)
    return changed is not None


def _raised(device: asyncpg.Record, stale_after_s: float) -> tuple[object, ...]:
    since = device["last_frame_at"].isoformat(timespec="seconds")
    return (
        device["site_id"],
        device["device_id"],
        CODE,
        "alarm",
        "",
        f"No data from the site for more than {stale_after_s:g} s",
        f"Last data at {since}: no connection, no power, or the edge software has stopped",
        "Values shown are old. The site goes on by itself; its data are kept on the device and follow later.",
        "Check the site's network and power; look at the screen on site.",
    )

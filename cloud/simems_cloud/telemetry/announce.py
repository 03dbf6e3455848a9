"""What a hello says of a site, kept as the site's facts."""

from __future__ import annotations

import json
import math
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from simems_core.wire import Hello

from simems_cloud.kit.database import Connection
from simems_cloud.kit.live import live_payload
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.store import Device

QUERIES = load_queries("simems_cloud.telemetry")


async def announce(connection: Connection, device: Device, hello: Hello) -> int:
    """Store the facts; the highest sequence acknowledged so far. Raises RefusedHelloError."""
    check(hello)
    row = await connection.fetchrow(QUERIES["lock_device"], device.device_id)
    if row is None:
        raise RefusedHelloError("this device is not registered any more")
    if row["site_id"] not in (None, hello.site):
        raise RefusedHelloError(f"this device belongs to the site {row['site_id']!r}, not to {hello.site!r}")
    settings = json.dumps(hello.settings)
    name = hello.site_name or hello.site
    await connection.execute(QUERIES["upsert_site"], hello.site, name, hello.time_zone, hello.currency, settings)
    await connection.execute(QUERIES["bind_device"], device.device_id, hello.site, hello.software)
    await _components(connection, hello)
    await _channels(connection, hello)
    floor = min(hello.oldest - 1, hello.sequence)
    acked: int = await connection.fetchval(QUERIES["advance"], device.device_id, max(floor, 0), False)
    await connection.execute(QUERIES["notify"], live_payload(device.tenant_id, hello.site, "latest"))
    return acked


class RefusedHelloError(Exception):
    """A hello that cannot be taken; the text goes back to the device."""


def check(hello: Hello) -> None:
    """Raises RefusedHelloError."""
    if not hello.site or len(hello.site) > 100 or "/" in hello.site:
        raise RefusedHelloError(f"site {hello.site[:100]!r}: 1 to 100 characters without a slash")
    try:
        ZoneInfo(hello.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RefusedHelloError(f"time_zone {hello.time_zone!r}: not known; write Europe/Stockholm") from error
    if not all(math.isfinite(value) for value in hello.settings.values()):
        raise RefusedHelloError("settings: a number that is not finite")
    _once("component", [component.id for component in hello.components])
    _once("channel", [channel.address for channel in hello.channels])
    if not 0 <= hello.sequence < 2**63 or not 0 <= hello.oldest < 2**63:
        raise RefusedHelloError("sequence, oldest: out of range")


def _once(what: str, names: list[str]) -> None:
    twice = {name for name in names if names.count(name) > 1} if len(set(names)) < len(names) else set()
    if twice:
        raise RefusedHelloError(f"{what} {sorted(twice)[0]!r} appears twice")


async def _components(connection: Connection, hello: Hello) -> None:
    rows = hello.components
    await connection.execute(QUERIES["forget_components"], hello.site)
    await connection.execute(
        QUERIES["add_components"],
        hello.site,
        [row.id for row in rows],
        [row.kind for row in rows],
        [row.name for row in rows],
        [row.profile for row in rows],
    )


async def _channels(connection: Connection, hello: Hello) -> None:
    rows = hello.channels
    addresses = [row.address for row in rows]
    await connection.execute(QUERIES["forget_channels"], hello.site, addresses)
    await connection.execute(
        QUERIES["announce_channels"],
        hello.site,
        addresses,
        [row.unit for row in rows],
        [row.kind for row in rows],
        [row.resolution for row in rows],
        [json.dumps({str(code): text for code, text in row.labels.items()}) for row in rows],
    )

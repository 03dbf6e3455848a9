"""What a hello says of a site, kept as the site's facts."""

from __future__ import annotations

import hashlib
import json
import math
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import msgspec
from simems_core.wire import Hello

from simems_cloud.kit.database import Connection
from simems_cloud.kit.live import live_payload
from simems_cloud.kit.sql import load_queries
from simems_cloud.sites.service import CONTROLLER
from simems_cloud.telemetry.store import Device

QUERIES = load_queries("simems_cloud.telemetry")
ACCESS = ("read", "write", "read_write")
PASSING = ("type", "version", "time_us", "sequence", "oldest")
"""Fields of a hello that say nothing of the configuration."""


async def announce(connection: Connection, device: Device, hello: Hello) -> int:
    """Store the facts; the highest sequence acknowledged so far. Raises RefusedHelloError."""
    await admit(connection, device, hello)
    return await write_down(connection, device, hello)


async def admit(connection: Connection, device: Device, hello: Hello) -> None:
    """Holds the device until the transaction ends. Raises RefusedHelloError."""
    check(hello)
    row = await connection.fetchrow(QUERIES["lock_device"], device.device_id)
    if row is None:
        raise RefusedHelloError("this device is not registered any more")
    if row["site_id"] not in (None, hello.site):
        raise RefusedHelloError(f"this device belongs to the site {row['site_id']!r}, not to {hello.site!r}")


async def write_down(connection: Connection, device: Device, hello: Hello) -> int:
    """All that it says, of a device that is admitted; the highest sequence acknowledged so far."""
    await connection.execute(QUERIES["upsert_site"], hello.site, *site_facts(hello))
    await connection.execute(QUERIES["bind_device"], device.device_id, hello.site, *about(hello))
    await connection.execute(QUERIES["forget_components"], hello.site)
    await connection.execute(QUERIES["add_components"], hello.site, *components(hello))
    named = equipment(hello)
    await connection.execute(QUERIES["equipment_left"], hello.site, *named[:1], *named[2:5])
    await connection.execute(QUERIES["equipment_there"], hello.site, *named)
    announced = channels(hello)
    await connection.execute(QUERIES["forget_channels"], hello.site, announced[0])
    await connection.execute(QUERIES["announce_channels"], hello.site, *announced)
    text = configuration(hello)
    await connection.execute(QUERIES["add_config"], device.device_id, digest(text), text)
    acked: int = await connection.fetchval(QUERIES["advance"], device.device_id, floor(hello), False)
    await connection.execute(QUERIES["notify"], live_payload(device.tenant_id, hello.site, "latest"))
    return acked


class RefusedHelloError(Exception):
    """A hello that cannot be taken; the text goes back to the device."""


def problem(hello: Hello) -> str | None:
    """Why it cannot be taken, whoever sent it."""
    try:
        check(hello)
    except RefusedHelloError as error:
        return str(error)
    return None


def check(hello: Hello) -> None:
    """Raises RefusedHelloError."""
    if not hello.site or len(hello.site) > 100 or "/" in hello.site:
        raise RefusedHelloError(f"site {hello.site[:100]!r}: 1 to 100 characters without a slash")
    try:
        ZoneInfo(hello.time_zone)
    except (ZoneInfoNotFoundError, ValueError, OSError) as error:
        raise RefusedHelloError(f"time_zone {hello.time_zone!r}: not known; write Europe/Stockholm") from error
    numbers = [n for c in hello.channels for n in (c.minimum, c.maximum, c.scale, c.offset, c.rollover)]
    if not all(math.isfinite(number) for number in numbers if number is not None):
        raise RefusedHelloError("channels: a limit, scale, offset or rollover that is not finite")
    if any(channel.rollover < 0 for channel in hello.channels):
        raise RefusedHelloError("channels: a negative rollover; leave it out when it is not known")
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


def site_facts(hello: Hello) -> tuple[str, ...]:
    """Name, time zone, currency, settings."""
    return (hello.site_name or hello.site, hello.time_zone, hello.currency, json.dumps(hello.settings))


def about(hello: Hello) -> tuple[str, ...]:
    """The controller itself."""
    return (hello.software, hello.vendor, hello.model, hello.serial_number, hello.firmware)


def components(hello: Hello) -> list[list[object]]:
    """Of ``add_components`` after the site."""
    rows = hello.components
    return [[r.id for r in rows], [r.kind for r in rows], [r.name for r in rows], [r.profile for r in rows]]


def equipment(hello: Hello) -> list[list[object]]:
    """Devices behind the components: another serial number, vendor or model is another device."""
    rows = [row for row in hello.components if row.kind != CONTROLLER]
    return [
        [row.id for row in rows],
        [row.kind for row in rows],
        [row.vendor for row in rows],
        [row.model for row in rows],
        [row.serial_number for row in rows],
        [row.protocol for row in rows],
        [row.profile for row in rows],
        [row.firmware for row in rows],
    ]


def channels(hello: Hello) -> list[list[object]]:
    """Of ``announce_channels`` after the site."""
    rows = hello.channels
    return [
        [row.address for row in rows],
        [row.unit for row in rows],
        [row.kind for row in rows],
        [row.resolution for row in rows],
        [json.dumps({str(code): text for code, text in row.labels.items()}) for row in rows],
        [row.access if row.access in ACCESS else "read" for row in rows],
        [row.minimum for row in rows],
        [row.maximum for row in rows],
        [row.scale for row in rows],
        [row.offset for row in rows],
        [row.rollover for row in rows],
        [row.description for row in rows],
        [row.source for row in rows],
    ]


def configuration(hello: Hello) -> str:
    """A new version of it is kept when anything differs from the newest one."""
    content = {name: value for name, value in msgspec.to_builtins(hello, str_keys=True).items() if name not in PASSING}
    return json.dumps(content, sort_keys=True, ensure_ascii=False)


def digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()


def floor(hello: Hello) -> int:
    """What the device no longer has is not waited for."""
    return max(min(hello.oldest - 1, hello.sequence), 0)

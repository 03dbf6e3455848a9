"""What a hello does, in its transaction. Most devices come back as they left: then their rows are compared with what
the hello says, by the database, and only what differs is written.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from simems_core.wire import Hello

from simems_cloud.alarms.events import CONFLICT, REFUSED, clear_refused
from simems_cloud.ingest.claims import QUERIES
from simems_cloud.ingest.keys import came_with, is_signing_key
from simems_cloud.kit.database import Connection
from simems_cloud.kit.live import live_payload
from simems_cloud.telemetry import announce
from simems_cloud.telemetry.store import Device

ADD_CONFIG = announce.QUERIES["add_config"]


@dataclass(frozen=True)
class Greeting:
    """``acked``: the highest sequence acknowledged so far; ``ids``: of the channels it announced, when they are known
    without another question."""

    acked: int
    ids: dict[str, int] = field(default_factory=dict)


async def greet(connection: Connection, device: Device, hello: Hello) -> Greeting:
    """Raises RefusedHelloError. The device is held until the transaction ends."""
    await announce.admit(connection, device, hello)
    known = await _again(connection, device, hello)
    if known is not None:
        return known
    acked = await announce.write_down(connection, device, hello)
    await clear_refused(connection, device, hello.site)
    await came_with(connection, device, hello.signing_key)
    return Greeting(acked)


async def greet_together(connection: Connection, hellos: Mapping[Device, Hello]) -> dict[Device, Greeting]:
    """Of those that come back as they left; each is held until the transaction ends. Who is held by somebody else, is
    not admitted or says anything new is left out, untouched, for :func:`greet`."""
    rows = await connection.fetch(QUERIES["hold_devices"], [device.device_id for device in hellos])
    sites = {row["device_id"]: row["site_id"] for row in rows}
    greeted: dict[Device, Greeting] = {}
    for device, hello in hellos.items():
        if sites.get(device.device_id) == hello.site and announce.problem(hello) is None:
            greeting = await _again(connection, device, hello)
            if greeting is not None:
                greeted[device] = greeting
    return greeted


async def _again(connection: Connection, device: Device, hello: Hello) -> Greeting | None:
    """None when a row differs that it would write; nothing is written then."""
    addresses, *more = announce.channels(hello)
    text = announce.configuration(hello)
    digest = announce.digest(text)
    row = await connection.fetchrow(
        QUERIES["greet_again"],
        device.device_id,
        hello.site,
        *announce.site_facts(hello),
        *announce.about(hello),
        *announce.components(hello),
        *announce.equipment(hello),
        *(addresses, *more),
        *(digest, announce.floor(hello), device.public_key, is_signing_key(hello.signing_key)),
        live_payload(device.tenant_id, hello.site, "latest"),
        [CONFLICT, REFUSED],
    )
    if row is None:
        return None
    if not row["configured"]:
        await connection.execute(ADD_CONFIG, device.device_id, digest, text)
    ids = dict(zip([channel.address for channel in hello.channels], row["channel_ids"], strict=True))
    return Greeting(row["acked_sequence"], ids)

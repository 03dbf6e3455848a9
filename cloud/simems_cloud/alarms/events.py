"""Events of a device become alarms (raised, cleared, acknowledged) and audit lines (actions), in any order."""

from __future__ import annotations

from collections.abc import Sequence
from uuid import UUID

from simems_core.wire import Event

from simems_cloud.audit.log import append
from simems_cloud.kit.database import Connection
from simems_cloud.kit.live import live_payload
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.rollup import moment
from simems_cloud.telemetry.store import Device

QUERIES = load_queries("simems_cloud.alarms")
ALARM_KINDS = ("raised", "cleared", "acknowledged")
SEVERITIES = ("info", "warning", "alarm")
CONFLICT = "cloud.frame_conflict"
REFUSED = "cloud.frame_refused"


async def apply_events(connection: Connection, device: Device, site_id: str, events: Sequence[Event]) -> None:
    """In the transaction that stores their frame. Actions come last: their entries hold the tenant's audit chain."""
    alarms = [event for event in events if event.kind in ALARM_KINDS]
    for event in alarms:
        await _apply(connection, device.device_id, site_id, event)
    for event in events:
        if event.kind not in ALARM_KINDS:
            await _record(connection, site_id, event)
    if events:
        await _notify(connection, device.tenant_id, site_id)


async def raise_refused(connection: Connection, device: Device, site_id: str, code: str, cause: str) -> None:
    """The cloud's own alarm about frames it could not take; one stands per device and code."""
    row = (site_id, device.device_id, code, "warning", "", "Data from the site could not be stored", cause)
    effect = "This part of the history is missing here; the device keeps it aside."
    remedy = "Check the device's clock and software version."
    if await connection.fetchval(QUERIES["raise_own"], *row, effect, remedy):
        await _notify(connection, device.tenant_id, site_id)


async def clear_refused(connection: Connection, device: Device, site_id: str) -> None:
    """A new hello is a new start."""
    cleared = [await connection.fetchval(QUERIES["clear_own"], device.device_id, code) for code in (CONFLICT, REFUSED)]
    if any(cleared):
        await _notify(connection, device.tenant_id, site_id)


async def _apply(connection: Connection, device_id: UUID, site_id: str, event: Event) -> None:
    at = moment(event.time_us)
    if event.kind in ("raised", "cleared"):
        severity = event.severity if event.severity in SEVERITIES else "alarm"
        await connection.execute(
            QUERIES[event.kind],
            *(site_id, device_id, "edge", event.id, event.code, severity, event.component),
            *(event.text, event.cause, event.effect, event.remedy, at),
        )
    else:
        await connection.execute(QUERIES["acknowledged"], device_id, "edge", event.id, at, event.actor)


async def _record(connection: Connection, site_id: str, event: Event) -> None:
    details = {"site_id": site_id, "component": event.component, "text": event.text, "kind": event.kind}
    action = event.code or event.kind
    await append(connection, event.actor or "device", action, event.id, details, moment(event.time_us))


async def _notify(connection: Connection, tenant_id: UUID, site_id: str) -> None:
    await connection.execute(QUERIES["notify"], live_payload(tenant_id, site_id, "alarms"))

"""Stores frames of many devices of one tenant in the caller's transaction, in as many statements as of one device.

Only what is plain goes this way: a device that is held by somebody else, has no site yet, sends what is refused or
contradicts what is stored, has channels that no hello announced or came in another's place is left out, untouched, for
:func:`~simems_cloud.telemetry.store.store_frames`. Row-level security hides devices of other tenants, so they are left
out as well, and a frame of a device that is not the tenant's breaks a foreign key.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate, chain

from simems_cloud.kit.database import Connection
from simems_cloud.kit.live import live_payload
from simems_cloud.telemetry.blocks import DOOR, DOOR_COLUMNS, door_rows, latest_arguments
from simems_cloud.telemetry.frames import Sealed
from simems_cloud.telemetry.packed import copy_stream
from simems_cloud.telemetry.store import QUERIES, ChannelIds, Device, Outcome, once, sort_out

Outcomes = dict[Device, Outcome]
NONE: list[list[object]] = [[], [], [], [], []]


async def store_crowd(
    connection: Connection, sent: Mapping[Device, Sequence[Sealed]], known: ChannelIds, now_us: int
) -> Outcomes:
    """What became of those that were stored; true once the transaction is committed."""
    outcomes = await _begun(connection, sent, now_us)
    outcomes = await _with_channels(connection, outcomes, known)
    rows = (door_rows(d.device_id, o.site_id, o.new, o.ids) for d, o in outcomes.items() if o.new)
    stream = copy_stream(chain.from_iterable(rows))
    await connection.copy_to_table(DOOR, source=once(stream), columns=list(DOOR_COLUMNS), format="binary")
    await _end(connection, outcomes)
    return outcomes


async def _begun(connection: Connection, sent: Mapping[Device, Sequence[Sealed]], now_us: int) -> Outcomes:
    """Each is held until the transaction ends."""
    order = [device for device in sent if device.predecessor is None]
    sequences = ["{" + ",".join(str(frame.sequence) for frame in sent[device]) + "}" for device in order]
    rows = await connection.fetch(QUERIES["begin_batches"], [device.device_id for device in order], sequences)
    begun = {row["device_id"]: row for row in rows if row["site_id"] is not None}
    outcomes: Outcomes = {}
    for device in order:
        if device.device_id in begun:
            outcome = Outcome(site_id=begun[device.device_id]["site_id"])
            sort_out(sent[device], outcome, begun[device.device_id], now_us)
            if not outcome.refused:
                outcomes[device] = outcome
    return outcomes


async def _with_channels(connection: Connection, outcomes: Outcomes, known: ChannelIds) -> Outcomes:
    """Those whose channels all have an id."""
    wanted = {device: {c for f in outcome.new for c in f.columns.channels} for device, outcome in outcomes.items()}
    for device, outcome in outcomes.items():
        outcome.ids = known.of(device.tenant_id, outcome.site_id)
    pairs = sorted({(o.site_id, c) for d, o in outcomes.items() for c in wanted[d] - o.ids.keys()})
    if pairs:
        rows = await connection.fetch(QUERIES["channel_ids_of_sites"], *map(list, zip(*pairs, strict=True)))
        for outcome in outcomes.values():
            found = {row["address"]: row["channel_id"] for row in rows if row["site_id"] == outcome.site_id}
            outcome.ids = outcome.ids | found
    return {device: outcome for device, outcome in outcomes.items() if wanted[device] <= outcome.ids.keys()}


async def _end(connection: Connection, outcomes: Outcomes) -> None:
    """The latest values and how far each is."""
    by_device = {device.device_id: outcome for device, outcome in outcomes.items()}
    latest = [latest_arguments(o.new, o.ids) if o.new else NONE for o in outcomes.values()]
    highs = list(accumulate(len(arguments[0]) for arguments in latest))
    lows = [high - len(arguments[0]) + 1 for high, arguments in zip(highs, latest, strict=True)]
    sites = [outcome.site_id for outcome in outcomes.values()]
    news = [live_payload(device.tenant_id, outcome.site_id, "latest") for device, outcome in outcomes.items()]
    columns = [list(chain.from_iterable(column)) for column in zip(*latest, strict=True)] or NONE
    rows = await connection.fetch(QUERIES["end_batches"], list(by_device), sites, news, lows, highs, *columns)
    for row in rows:
        by_device[row["device_id"]].acked = row["acked"]

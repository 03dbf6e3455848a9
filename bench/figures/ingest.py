"""Values a second from a device's socket to the ack of their commit, the cloud on one core, beside raw COPYs of the
same values on the same server: as plain rows, and packed as the cloud packs them.

Every round ships to a new device and copies right after; a figure is the median of the rounds' ratios, shown with the
median reference. Row-level security is measured by taking it off the same tables for every other round.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Sequence
from statistics import median
from uuid import UUID

import psycopg
from simems_cloud.ingest.writer import Writer
from simems_cloud.kit.database import open_pool, transaction
from simems_cloud.telemetry.blocks import door_stream
from simems_cloud.telemetry.frames import unpack
from simems_cloud.telemetry.store import Device as Known
from simems_core import wire

from bench.cloud.edge import Shape, ship
from bench.cloud.rig import Device, Rig, free_port, one_core, process, rig
from bench.figure import Figure

ROUNDS = 5
BATCH = 16
MINUTE = Shape("frames of 60 rows x 50 channels, each second", 300, 60, 50, 1)
OTHERS = (
    Shape("frames of 120 rows x 100 channels, each minute", 40, 120, 100, 60),
    Shape("frames of 1 row x 100 channels, each second", 600, 1, 100, 1),
)
SECURED = ("frames", "frame_values", "latest", "devices", "channels")
ROWS_TABLE = "create table bench_rows (channel_id bigint, time_us bigint, value float8)"
PACKED_TABLE = """create table bench_packed (device_id uuid, site_id text, sequence bigint, kind text, checksum bytea,
    refusal text, start_at timestamptz, end_at timestamptz, channel_ids bigint[], times_us bigint[],
    "values" float8[], quality smallint[])"""


def measure() -> list[Figure]:
    with one_core(), rig() as made:
        endpoint = f"tcp://127.0.0.1:{free_port()}"
        with process(made, "ingest", SIMEMS_INGEST_ENDPOINT=endpoint):
            return _figures(made, endpoint)


def _figures(made: Rig, endpoint: str) -> list[Figure]:
    figures: list[Figure] = []
    for shape in (MINUTE, *OTHERS):
        frames = shape.frames()
        payloads = [wire.encode(frame) for frame in frames]
        rows, packed = _rows(frames), _packed(frames)
        rounds = [
            (
                shape.values / _shipped(made, shape, payloads, endpoint),
                shape.values / _copy(made, "bench_rows", ROWS_TABLE, "text", rows),
                shape.values / _copy(made, "bench_packed", PACKED_TABLE, "binary", packed),
            )
            for _ in range(ROUNDS)
        ]
        name = f"ingest, {shape.name}"
        figures.append(_against(name, "raw COPY of the same values as rows", [(s, r) for s, r, _ in rounds], 1.0))
        packed_name = "raw COPY of the same packed rows, binary"
        figures.append(_against(name, packed_name, [(s, p) for s, _, p in rounds], 0.25))
    return [*figures, _security(made, endpoint), _replayed(made)]


def _against(name: str, reference: str, rounds: Sequence[tuple[float, float]], goal: float) -> Figure:
    """The median ratio, beside the median reference."""
    ratio, beside = median(own / other for own, other in rounds), median(other for _, other in rounds)
    return Figure(name, ratio * beside, "values/s", reference, beside, goal, at_most=False)


def _shipped(made: Rig, shape: Shape, payloads: Sequence[bytes], endpoint: str) -> float:
    return ship(payloads, shape, made.device(made.tenant()), endpoint, made.server_key)


def _security(made: Rig, endpoint: str) -> Figure:
    """Seconds with the policies over seconds without them."""
    payloads = [wire.encode(frame) for frame in MINUTE.frames()]
    took: dict[str, list[float]] = {"enable": [], "disable": []}
    for _ in range(ROUNDS):
        for word, seconds in took.items():
            _switch(made, word)
            seconds.append(_shipped(made, MINUTE, payloads, endpoint))
    _switch(made, "enable")
    ratio = median(own / other for own, other in zip(took["enable"], took["disable"], strict=True))
    beside = median(took["disable"])
    return Figure("ingest under row-level security", ratio * beside, "s", "the same without policies", beside, 1.1)


def _switch(made: Rig, word: str) -> None:
    with psycopg.connect(made.access.admin_url) as connection:
        for table in SECURED:
            connection.execute(f"alter table {table} {word} row level security".encode())


def _replayed(made: Rig) -> Figure:
    """The same batches given to the same writer a second time; the socket left out, since acks of stored frames do not
    tell which of them they answer."""
    payloads = [wire.encode(frame) for frame in MINUTE.frames()]
    rounds = [asyncio.run(_twice(made, payloads)) for _ in range(ROUNDS)]
    name = "replayed frames that are stored already"
    return _against(name, "their first insert", [(MINUTE.values / b, MINUTE.values / a) for a, b in rounds], 1.3)


async def _twice(made: Rig, payloads: Sequence[bytes]) -> tuple[float, float]:
    pool = await open_pool(made.access.ingest_url, application="bench")
    known = await _known(made, made.device(made.tenant()))
    writer = Writer(pool)
    await writer.write(known, [wire.encode(MINUTE.hello())])
    took = []
    for _ in range(2):
        began = time.monotonic()
        for low in range(0, len(payloads), BATCH):
            await writer.write(known, payloads[low : low + BATCH])
        took.append(time.monotonic() - began)
    await pool.close()
    return took[0], took[1]


async def _known(made: Rig, device: Device) -> Known:
    pool = await open_pool(made.access.ingest_url, application="bench")
    async with transaction(pool) as connection:
        key = device.public_key.decode()
        device_id = await connection.fetchval("select device_id from device_by_key($1)", key)
    await pool.close()
    return Known(device.tenant_id, device_id, key)


def _rows(frames: Sequence[wire.Telemetry]) -> list[bytes]:
    """The text of the COPY, made before the clock runs, one piece a frame."""
    return [
        "".join(
            f"{channel}\t{time_us}\t{value}\n"
            for channel, column in enumerate(frame.columns)
            for time_us, value in zip(wire.absolute_us(frame.times_us), wire.column_values(column), strict=True)
        ).encode()
        for frame in frames
    ]


def _packed(frames: Sequence[wire.Telemetry]) -> list[bytes]:
    """The very stream that ingest gives to its door, in one."""
    ids = {column.channel: number for number, column in enumerate(frames[0].columns)}
    opened = [unpack(frame, b"", wire.MAX_TIME_US) for frame in frames]
    return [door_stream(UUID(int=0), "bench", opened, ids)]


def _copy(made: Rig, table: str, create: str, form: str, pieces: Sequence[bytes]) -> float:
    """Seconds until committed; no key, no policy, no trigger, no rollup."""
    with psycopg.connect(made.access.admin_url, autocommit=True) as connection:
        connection.execute(f"drop table if exists {table}".encode())
        connection.execute(create.encode())
        statement = f"copy {table} from stdin (format {form})".encode()
        began = time.monotonic()
        with connection.cursor() as cursor, cursor.copy(statement) as copy:
            for piece in pieces:
                copy.write(piece)
        return time.monotonic() - began

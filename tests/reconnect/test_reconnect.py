"""A fleet comes back after an outage, all within a window, each with an hour of backlog: bounded memory, nothing lost.

An hour of a device are its eight state channels once a minute, in twelve frames of five minutes. The devices greeted
once before the outage. ``SIMEMS_FLEET``: how many; the short form takes 200 in 3 s, ``make reconnect-long`` 10,000 in
50 s, and all must be back with all their backlog within 60 s. What the machine needs for it is printed: two cores carry
devices, cloud and database. So is what one device costs: ways of ingest to the database and back, and processor time.
"""

from __future__ import annotations

import os
import resource
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from urllib.parse import urlsplit
from uuid import UUID

import psycopg
import pytest
import zmq

from bench.cloud.rig import Device, Rig, free_port, process, rig

pytestmark = [pytest.mark.integration, pytest.mark.timeout(7_200)]
FLEET = int(os.environ.get("SIMEMS_FLEET", "200"))
LONG = 10_000
WINDOW_S = max(3.0, 50.0 * FLEET / LONG)
BACK_S = 60.0
"""Of the long form, from the first device to the last frame."""
FRAMES, ROWS, CHANNELS = 12, 5, 8
OF_ONE_PROCESS = 4_000
"""Each device takes two of a process's file descriptors."""
TENANTS = 10
MEMORY_MB, MORE_KB = 256, 96
"""What an ingest process may take (its inbox is bounded at 64 MB), and for each connection: libzmq's buffers and two
queues take some 70 kB of it, however much backlog waits behind."""
STATEMENTS = 22
"""For each device, on the average, with what begins and ends its transactions; most are shared when many come."""
CALLS = """select sum(s.calls)::float8 from pg_stat_statements s join pg_roles r on r.oid = s.userid
    where r.rolname = %s and s.query not ilike 'set local %%'"""
"""Settings go the same way as the begin before them."""


@pytest.fixture
def cloud() -> Iterator[Rig]:
    with rig() as made:
        with psycopg.connect(made.access.admin_url, autocommit=True) as connection:
            connection.execute("alter system set shared_preload_libraries = 'pg_stat_statements'")
        made.server.stop()
        assert made.server.try_own()
        made.server.start()
        with psycopg.connect(made.access.admin_url) as connection:
            connection.execute("create extension pg_stat_statements")
        yield made


def test_a_fleet_comes_back_at_once(cloud: Rig, capsys: pytest.CaptureFixture[str]) -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    if limits[1] < FLEET + 1_000:
        pytest.skip(f"{FLEET} connections need more file descriptors than this machine gives a process: {limits[1]}")
    devices = _registered(cloud)
    with _ingest(cloud) as (endpoint, _):
        _come(cloud, endpoint, devices, frames=0)
    with _ingest(cloud) as (endpoint, pid):
        idle_s, idle_calls = _cpu_s(pid), _statements(cloud)
        greeted_s, drained_s = _come(cloud, endpoint, devices, FRAMES)
        peak_mb, cpu_s, calls = _peak_mb(pid), _cpu_s(pid), _statements(cloud) - idle_calls
    with capsys.disabled():
        print(  # noqa: T201 - the figure
            f"\n{FLEET} devices came back within {WINDOW_S:.0f} s: the last was greeted after {greeted_s:.1f} s, all "
            f"{FLEET * FRAMES} frames were stored after {drained_s:.1f} s; ingest took {peak_mb:.0f} MB at most and "
            f"{cpu_s:.1f} s of a core; each device {calls / FLEET:.1f} statements and "
            f"{1e3 * (cpu_s - idle_s) / FLEET:.2f} ms"
        )
    assert _stored(cloud) == [(UUID(str(one.tenant_id)), FLEET // TENANTS * FRAMES) for one in devices[:TENANTS]]
    assert peak_mb < MEMORY_MB + FLEET * MORE_KB / 1024
    assert calls / FLEET < STATEMENTS
    assert FLEET < LONG or drained_s < BACK_S


@contextmanager
def _ingest(cloud: Rig) -> Iterator[tuple[str, int]]:
    """Endpoint and process id of one that listens."""
    port = free_port()
    with process(cloud, "ingest", SIMEMS_INGEST_ENDPOINT=f"tcp://127.0.0.1:{port}") as running:
        deadline = time.monotonic() + 60
        while not _listens(port):
            assert time.monotonic() < deadline, "ingest does not listen"
            time.sleep(0.05)
        yield f"tcp://127.0.0.1:{port}", running.pid


def _listens(port: int) -> bool:
    with suppress(OSError), socket.create_connection(("127.0.0.1", port)):
        return True
    return False


def _registered(cloud: Rig) -> list[Device]:
    """Of ten tenants in turn, those in the order of their ids."""
    tenants = sorted(cloud.tenant() for _ in range(TENANTS))
    devices = [Device(tenants[number % TENANTS], *zmq.curve_keypair()) for number in range(FLEET)]
    row = "insert into devices (tenant_id, name, public_key) values (%s, 'box', %s)"
    with psycopg.connect(cloud.access.admin_url) as connection, connection.cursor() as cursor:
        cursor.executemany(row, [(device.tenant_id, device.public_key.decode()) for device in devices])
    return devices


def _come(cloud: Rig, endpoint: str, devices: Sequence[Device], frames: int) -> tuple[float, float]:
    """Seconds until the last device was greeted and until all was acknowledged."""
    parts = [devices[low : low + OF_ONE_PROCESS] for low in range(0, len(devices), OF_ONE_PROCESS)]
    with ExitStack() as running:
        fleets = [running.enter_context(_fleet(cloud, endpoint, part, frames)) for part in parts]
        said = [{word: float(seconds) for word, seconds in (_line(fleet), _line(fleet))} for fleet in fleets]
    return max(one["greeted"] for one in said), max(one["drained"] for one in said)


@contextmanager
def _fleet(cloud: Rig, endpoint: str, devices: Sequence[Device], frames: int) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "tests.reconnect.fleet", endpoint, cloud.server_key.decode(), str(WINDOW_S)]
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    with subprocess.Popen([*command, str(frames)], **pipes) as running:  # type: ignore[call-overload]
        for device in devices:
            running.stdin.write(f"{device.public_key.decode()} {device.secret_key.decode()}\n")
        running.stdin.write("\n")
        running.stdin.flush()
        try:
            yield running
        finally:
            running.terminate()


def _line(fleet: subprocess.Popen[str]) -> tuple[str, str]:
    assert fleet.stdout is not None
    word, seconds = fleet.stdout.readline().split()
    return word, seconds


def _peak_mb(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM")) / 1024


def _cpu_s(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def _statements(cloud: Rig) -> float:
    """Of all ingest processes so far."""
    with psycopg.connect(cloud.access.admin_url) as connection:
        found = connection.execute(CALLS, [urlsplit(cloud.access.ingest_url).username]).fetchone()
    return float(found[0] or 0) if found is not None else 0.0


def _stored(cloud: Rig) -> list[tuple[UUID, int]]:
    """Frames of each tenant that its own devices sent, whole."""
    query = """select f.tenant_id, count(*) from frames f
        join devices d on d.tenant_id = f.tenant_id and d.device_id = f.device_id and d.site_id = f.site_id
        join frame_values v on v.tenant_id = f.tenant_id and v.device_id = f.device_id and v.sequence = f.sequence
        where f.kind = 'telemetry' and cardinality(v."values") = %s group by 1 order by 1"""
    with psycopg.connect(cloud.access.admin_url) as connection:
        return [(UUID(str(tenant)), int(count)) for tenant, count in connection.execute(query, [ROWS * CHANNELS])]

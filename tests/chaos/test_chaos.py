"""Faults at random between boxes, ingest and PostgreSQL: nothing acknowledged is lost, nothing doubled, no gap, no row
at a wrong tenant.

Edges, ingest processes, single backends and the whole PostgreSQL are killed with SIGKILL and come back; connections are
cut, reset, left half open, delayed, slowed down to a trickle and delivered late by a proxy; the disks of two boxes
become full, and some of them die on it; wall clocks jump by a second, an hour and a day. Afterwards what the boxes
kept and what the cloud holds are compared as sets of (device, sequence, checksum), and by the counter that each box
measures.

``SIMEMS_SIGKILLS``: how many kills, the other faults in proportion; the short form makes 8, ``make chaos`` 1,000.
"""

from __future__ import annotations

import os
import random
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import psycopg
import pytest

from bench.cloud.rig import Rig, rig
from tests.chaos.cloud import Ingest
from tests.chaos.comparison import Findings, compared
from tests.chaos.plant import Plant
from tests.chaos.proxy import Proxy
from tests.chaos.small_disk import SmallDisk, small_disk
from tests.chaos.storm import Storm, deck

pytestmark = [pytest.mark.integration, pytest.mark.timeout(14_400)]
KILLS = int(os.environ.get("SIMEMS_SIGKILLS", "8"))
DISK_MB = 64


@pytest.fixture
def cloud() -> Iterator[Rig]:
    with rig() as made:
        yield made


@pytest.fixture
def disks(tmp_path: Path) -> Iterator[list[SmallDisk] | str]:
    """Two, or why there are none."""
    with small_disk(tmp_path / "disk0", DISK_MB) as one, small_disk(tmp_path / "disk1", DISK_MB) as other:
        yield one if isinstance(one, str) else other if isinstance(other, str) else [one, other]


@pytest.fixture
def plants(cloud: Rig, disks: list[SmallDisk] | str, tmp_path: Path) -> list[Plant]:
    """Of each of two tenants one box on a large disk and one on a small one; all sites have one name."""
    made: list[Plant] = []
    for tenant_id in (cloud.tenant(), cloud.tenant()):
        for disk in (None, disks.pop() if isinstance(disks, list) else None):
            name = f"box{len(made)}"
            folder = tmp_path / name if disk is None else disk.path / name
            folder.mkdir()
            plant = Plant(name, tenant_id, folder, disk)
            _register(cloud, plant)
            made.append(plant)
    return made


@pytest.fixture
async def farm(cloud: Rig, tmp_path: Path) -> AsyncIterator[list[Ingest]]:
    made = [Ingest(cloud, tmp_path / f"ingest{number}.log") for number in range(2)]
    yield made
    for one in made:
        one.kill()


async def test_faults_lose_and_double_nothing(
    cloud: Rig,
    disks: list[SmallDisk] | str,
    plants: list[Plant],
    farm: list[Ingest],
    capsys: pytest.CaptureFixture[str],
) -> None:
    seed = random.randrange(2**32)
    random.seed(seed)
    proxy = Proxy([one.port for one in farm])
    endpoint = f"tcp://127.0.0.1:{await proxy.start()}"
    for plant in plants:
        plant.start(endpoint, cloud.server_key.decode())
    began = time.monotonic()

    def tell(text: str) -> None:
        with capsys.disabled():
            print(f"chaos: {text} in {time.monotonic() - began:.0f} s", flush=True)  # noqa: T201 - progress

    storm = Storm(cloud, proxy, farm, plants, tell if KILLS > 100 else lambda text: None)
    try:
        await storm.run(deck(KILLS, disks=not isinstance(disks, str)))
        await storm.end()
    finally:
        ended = [await plant.stop() for plant in plants]
        await proxy.stop()
    found = compared(cloud, plants)
    assert (ended, found.wrong) == ([0] * len(plants), []), f"seed {seed}"
    tell(_figures(storm, found))
    if isinstance(disks, str):
        pytest.skip(f"all else held, but no disk was filled: {disks}")


def _register(cloud: Rig, plant: Plant) -> None:
    row = "insert into devices (tenant_id, name, public_key) values (%s, %s, %s)"
    with psycopg.connect(cloud.access.admin_url) as connection:
        connection.execute(row, (plant.tenant_id, plant.name, plant.public_key))


def _figures(storm: Storm, found: Findings) -> str:
    kinds = ", ".join(f"{count} {kind}" for kind, count in sorted(storm.done.items()))
    return (
        f"{sum(storm.done.values())} faults ({kinds}): of {found.frames} frames and {found.values} values 0 lost, 0 "
        f"doubled, 0 gaps, 0 at a wrong tenant; {found.refused} frames stamped ahead of time refused and kept at home; "
        f"{found.unflushed} values not yet flushed when their box was killed, {found.longest_unflushed_s:.2f} s at "
        f"most; {found.down} not measured while it was down;"
    )

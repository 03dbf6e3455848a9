"""kill -9 of edge, cloud and plant at random moments: every frame once in the database, no measurement lost.

``SIMEMS_KILLS`` is how often each process is killed: 1 in the short form, 10 in the long one (``make kill-long``).
"""

from __future__ import annotations

import os
import random
import shutil
import time
from collections.abc import Iterator
from datetime import UTC, datetime
from itertools import groupby, pairwise
from pathlib import Path

import pytest
import yaml

from demo.settings import ROOT
from tests.system.conftest import System, run_system
from tests.system.database import frames_in_cloud, frames_on_edge, rollup_state, samples_in_cloud

pytestmark = [pytest.mark.integration, pytest.mark.alone, pytest.mark.timeout(1800)]

KILLS = int(os.environ.get("SIMEMS_KILLS", "1"))
COUNTER = "plant0/counter"
INTERVAL_S, FLUSH_S, CYCLE_S = 1.0, 1.0, 0.1

Outage = tuple[float, float]
"""From the kill until everything answers again, Unix seconds."""


@pytest.fixture
def counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[System]:
    """The demonstration's site with the plant's own counter as one more device."""
    site = yaml.safe_load((ROOT / "demo" / "site.yaml").read_text())
    connection = {"modbus_tcp": {"host": "127.0.0.1", "port": 1505, "unit": 1}}
    site["components"].append({"id": "plant0", "profile": "virtual_plant", "connection": connection})
    path = tmp_path / "site.yaml"
    path.write_text(yaml.safe_dump(site, allow_unicode=True))
    shutil.copy(ROOT / "demo" / "cell.yaml", tmp_path)
    monkeypatch.setenv("SIMEMS_DEMO_SITE", str(path))
    yield from run_system()


def test_kill_9_loses_and_doubles_nothing(counted: System) -> None:
    seed = random.randrange(2**32)
    print(f"seed {seed}")  # noqa: T201 - shown when the test fails
    outages = _kill_all(counted, random.Random(seed))
    counted.until("an empty queue", lambda: counted.local("/sync")["queue_frames"] == 0, 60)

    sent, stored = _agreed(counted)
    assert stored == sent, "every (device, sequence) is in PostgreSQL exactly once, unchanged"
    samples = samples_in_cloud(counted, COUNTER)
    times = [time for time, _ in samples]
    assert len(set(times)) == len(times), "no measurement is stored twice"
    _assert_rolled_up_once(counted)
    assert not _lost(samples, outages)


def _assert_rolled_up_once(system: System) -> None:
    """The edge goes on: at a moment when nothing waits, the rollups have seen what there is."""
    states: list[tuple[int, int, int]] = []

    def settled() -> bool:
        states.append(rollup_state(system, COUNTER))
        return states[-1][0] == 0

    system.until("a moment when nothing waits to be rolled up", settled, 60)
    _, values, seen = states[-1]
    assert seen == values, "no value is rolled up twice, none is left out"


def _kill_all(system: System, chance: random.Random) -> dict[str, list[Outage]]:
    outages: dict[str, list[Outage]] = {"edge": [], "cloud": [], "plant": []}
    for _ in range(KILLS):
        for name in chance.sample(sorted(outages), 3):
            _pause(system, chance.uniform(0.5, 3.0))
            began = time.time()
            system.kill(name)
            _pause(system, chance.uniform(0.0, 1.0))
            system.restart(name)
            restarted = datetime.now(UTC)
            system.until(f"all up after killing {name}", lambda r=restarted: _back(system, r), 90)  # type: ignore[misc]
            outages[name].append((began, time.time()))
    return outages


def _back(system: System, since: datetime) -> bool:
    """Every process answers, and the edge has heard the plant's counter after ``since``."""
    if not system.all_up():
        return False
    counter = system.local("/latest")["values"][COUNTER]
    return counter["time"] is not None and datetime.fromisoformat(counter["time"]) > since


def _pause(system: System, seconds: float) -> None:
    """Let the system run on; a child that dies meanwhile fails the test."""
    end = time.monotonic() + seconds
    system.until("the next moment", lambda: time.monotonic() >= end, seconds + 5)


def _agreed(system: System) -> tuple[dict[int, bytes], dict[int, bytes]]:
    """What edge and cloud hold, up to a sequence that both have seen (the edge goes on meanwhile)."""
    stored = frames_in_cloud(system)
    last = max(stored)
    return {s: c for s, c in frames_on_edge(system).items() if s <= last}, stored


def _lost(samples: list[tuple[datetime, float]], outages: dict[str, list[Outage]]) -> list[str]:
    """Gaps by the plant's own counter, longer than sampling, flush and the outage in them allow.

    The cloud's outages allow nothing: the edge goes on recording.
    """
    allowed_down = outages["edge"] + outages["plant"]
    gaps = []
    for (before, earlier), (after, later) in pairwise(_steps(samples)):
        down_s = sum(_overlap_s(outage, before, after) for outage in allowed_down)
        allowed_s = INTERVAL_S + (FLUSH_S if down_s else 0.0) + down_s + 1.0 + CYCLE_S  # the counter steps by 1 s
        if later - earlier > allowed_s:
            gaps.append(f"{earlier:.0f} -> {later:.0f} at {before.isoformat()}, allowed {allowed_s:.1f} s")
    return gaps


def _steps(samples: list[tuple[datetime, float]]) -> list[tuple[datetime, float]]:
    """The first sample of each value: until a lost channel goes stale, its last value is recorded again."""
    return [next(group) for _, group in groupby(samples, key=lambda sample: sample[1])]


def _overlap_s(outage: Outage, before: datetime, after: datetime) -> float:
    began, ended = (datetime.fromtimestamp(moment, UTC) for moment in outage)
    return max(0.0, (min(ended, after) - max(began, before)).total_seconds())

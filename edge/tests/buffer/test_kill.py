"""A writer killed in the middle of its flushes: what it said was durable is there, and no number comes twice."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from simems_core import wire
from simems_edge.buffer import Store

WRITER = """
import sys
from pathlib import Path
from simems_core import wire
from simems_edge.buffer import Store

store = Store(Path(sys.argv[1]), lambda: 1)
number = 0
while True:
    number += 1
    message = wire.Telemetry(
        sequence=0, times_us=[number], columns=[wire.Column(channel="a/b", resolution=1.0, values=[number])]
    )
    for sequence in store.append([message] * 3):
        print(sequence, number, flush=True)
"""


def _write_and_kill(folder: Path, commits: int) -> dict[int, int]:
    """Sequence -> number, of everything the writer said was durable before it was killed."""
    with subprocess.Popen([sys.executable, "-c", WRITER, str(folder)], stdout=subprocess.PIPE, text=True) as writer:
        assert writer.stdout is not None
        said = [writer.stdout.readline() for _ in range(3 * commits)]
        os.kill(writer.pid, signal.SIGKILL)
        said += [line for line in writer.stdout.read().splitlines(keepends=True) if line.endswith("\n")]
    return {int(line.split()[0]): int(line.split()[1]) for line in said}


@pytest.mark.integration
def test_nothing_durable_is_lost_and_no_number_is_used_twice(tmp_path: Path) -> None:
    chance = random.Random(7)
    durable: dict[int, int] = {}
    for _ in range(6):
        said = _write_and_kill(tmp_path, chance.randint(1, 40))
        assert not durable.keys() & said.keys()
        durable |= said
    store = Store(tmp_path, lambda: 1)
    kept = {frame.sequence: wire.decode_from_edge(frame.body) for frame in store.read_after(0, 1_000_000)}
    store.close()
    assert store.take_faults() == []
    for sequence, number in durable.items():
        message = kept[sequence]
        assert isinstance(message, wire.Telemetry)
        assert message.columns[0].values == [number]

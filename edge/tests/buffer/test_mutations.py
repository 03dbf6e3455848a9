"""Whatever happens to the buffer's files, the box boots at once, numbers go on above, and what can be read is there.

``make buffer-long`` runs two hundred of them.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from simems_core import wire
from simems_edge.buffer import Store
from simems_edge.buffer.compaction import BLOCK_ROWS
from simems_edge.buffer.store import FILE, HIGH_WATER_FILE

MUTATIONS = int(os.environ.get("SIMEMS_MUTATIONS", "16"))
NOW_US = 1_700_000_000_000_000
SECOND_US = 1_000_000
PAGE = 4096


def frame(second: int) -> wire.Telemetry:
    chance = random.Random(second)
    columns = [wire.Column(channel=f"a/{n}", resolution=0.5, values=[chance.randrange(5000)]) for n in range(8)]
    return wire.Telemetry(sequence=0, times_us=[NOW_US + second * SECOND_US], columns=columns)


def event(number: int) -> wire.Events:
    one = wire.Event(id=f"e{number}", kind="raised", code="x", severity="alarm", component="c", time_us=NOW_US)
    return wire.Events(sequence=0, events=[one])


@pytest.fixture(scope="module")
def original(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two blocks, frames that wait for the third, events between; a journal that was never folded in."""
    folder = tmp_path_factory.mktemp("original")
    store = Store(folder, lambda: NOW_US)
    for start in range(0, 2 * BLOCK_ROWS, 100):
        store.append([*(frame(second) for second in range(start, start + 100)), event(start)])
    while store.compact():
        continue
    store.append([frame(second) for second in range(2 * BLOCK_ROWS, 2 * BLOCK_ROWS + 90)])
    for path in folder.iterdir():
        shutil.copyfile(path, folder / f"{path.name}.copy")
    store.close()
    for path in folder.glob("*.copy"):
        path.rename(path.with_suffix(""))
    return folder


def flip(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 40)):
        content[chance.randrange(len(content))] ^= 1 << chance.randrange(8)


def cut(content: bytearray, chance: random.Random) -> None:
    del content[chance.randrange(len(content)) :]


def blank_pages(content: bytearray, chance: random.Random) -> None:
    for _ in range(chance.randint(1, 5)):
        start = chance.randrange(len(content) // PAGE + 1) * PAGE
        content[start : start + PAGE] = bytes(min(PAGE, len(content) - start))


def rubbish_page(content: bytearray, chance: random.Random) -> None:
    start = chance.randrange(len(content) // PAGE + 1) * PAGE
    content[start : start + PAGE] = chance.randbytes(min(PAGE, len(content) - start))


def swap_pages(content: bytearray, chance: random.Random) -> None:
    first, second = (chance.randrange(max(len(content) // PAGE, 1)) * PAGE for _ in range(2))
    content[first : first + PAGE], content[second : second + PAGE] = (
        content[second : second + PAGE],
        content[first : first + PAGE],
    )


def append_rubbish(content: bytearray, chance: random.Random) -> None:
    content += chance.randbytes(chance.randint(1, 3 * PAGE))


def empty(content: bytearray, _chance: random.Random) -> None:
    content.clear()


KINDS: list[Callable[[bytearray, random.Random], None]] = [
    flip,
    cut,
    blank_pages,
    rubbish_page,
    swap_pages,
    append_rubbish,
    empty,
]
TARGETS = (FILE, FILE, FILE, f"{FILE}-wal", f"{FILE}-shm", HIGH_WATER_FILE)


@pytest.mark.parametrize("seed", range(MUTATIONS))
@pytest.mark.timeout(60)
def test_it_boots_and_goes_on(original: Path, tmp_path: Path, seed: int) -> None:
    chance = random.Random(seed)
    shutil.copytree(original, tmp_path, dirs_exist_ok=True)
    target = tmp_path / chance.choice([name for name in TARGETS if (tmp_path / name).exists()])
    content = bytearray(target.read_bytes())
    if content:
        KINDS[seed % len(KINDS)](content, chance)
    target.write_bytes(content)

    store = Store(tmp_path, lambda: NOW_US)
    fresh = store.append([event(9999)])
    frames = {one.sequence: wire.decode_from_edge(one.body) for one in store.read_after(0, 100_000)}
    kept = {sequence: one for sequence, one in frames.items() if isinstance(one, wire.Telemetry)}
    for sequence, one in kept.items():
        assert one.sequence == sequence
        second = (one.times_us[0] - NOW_US) // SECOND_US
        assert one.columns == frame(second).columns, "what is given back is what was measured"
    assert fresh[0] > max(kept, default=0), "no number is used twice"
    assert isinstance(frames[fresh[0]], wire.Events)
    lost = 2 * BLOCK_ROWS + 90 - len(kept)
    if lost and target.name == FILE:
        assert store.take_faults(), "a loss is told"
    store.close()
    again = Store(tmp_path, lambda: NOW_US)
    assert again.append([event(1)])[0] > fresh[0]
    again.close()

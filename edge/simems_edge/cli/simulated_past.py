"""Rows of a past that was simulated: plant and runtime in closed loop, one row a minute, as telemetry messages."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
import numpy.typing as npt
from simems_core import GOOD, STALE, wire

from simems_edge.config import Site
from simems_edge.replay import Scenario
from simems_edge.replay.closed_loop import ClosedLoop, Step
from simems_edge.sim.state import PlantState, load_state, save_state
from simems_edge.sync import RecordedChannel, quantise

STEP_S = 12
ROW_S = 60
ROWS_PER_FRAME = 120
NANOSECONDS = 1_000_000_000


@dataclass
class _Rows:
    times_us: list[int] = field(default_factory=list)
    values: list[npt.NDArray[np.float64]] = field(default_factory=list)
    qualities: list[npt.NDArray[np.uint8]] = field(default_factory=list)


def simulated_frames(
    site: Site, start_us: int, end_us: int, progress: Callable[[int], None], plant_state: Path | None = None
) -> Iterator[wire.Telemetry]:
    """Messages (without a sequence) with rows in ``[start_us, end_us)``; ``progress`` hears how many rows are done.

    ``plant_state``: file of the plant that goes on live (``simems-edge sim --state``): the past begins with what it
    holds, and leaves what the plant has come to.
    """
    start = datetime.fromtimestamp(start_us / 1e6, UTC)
    loop = ClosedLoop(site, Scenario(start=start, duration_s=(end_us - start_us) / 1e6, step_s=STEP_S))
    before = load_state(plant_state) if plant_state else None
    if before is not None:
        loop.plant.restore(before.energies)
    channels = [RecordedChannel(c.address, c.kind, c.resolution) for c in loop.runtime.channels]
    rows, done = _Rows(), 0
    for number, step in enumerate(loop.steps()):
        if number % (ROW_S // STEP_S):
            continue
        _take(rows, step, start_us)
        if len(rows.times_us) == ROWS_PER_FRAME:
            yield _frame(channels, rows)
            done += len(rows.times_us)
            progress(done)
            rows = _Rows()
    if rows.times_us:
        yield _frame(channels, rows)
    if plant_state is not None:
        origin_s = before.origin_s if before is not None else start.timestamp()
        save_state(plant_state, PlantState(origin_s, loop.plant.utc_s, loop.plant.state()))


def _take(rows: _Rows, step: Step, start_us: int) -> None:
    snapshot = step.snapshot
    rows.times_us.append(start_us + round(step.time_s * 1e6))
    rows.values.append(np.array(snapshot.values, dtype=np.float64))
    rows.qualities.append(_qualities(snapshot.qualities, snapshot.times_ns, snapshot.time_ns))


def _qualities(qualities: memoryview, times_ns: memoryview, now_ns: int) -> npt.NDArray[np.uint8]:
    """A derived value of the step before is as fresh as this clock can tell, although older than its stale-after."""
    codes = np.array(qualities, dtype=np.uint8)
    times = np.asarray(times_ns, dtype=np.int64)
    one_step_old = (codes == STALE) & (times > 0) & (now_ns - times <= STEP_S * NANOSECONDS)
    codes[one_step_old] = GOOD
    return codes


def _frame(channels: list[RecordedChannel], rows: _Rows) -> wire.Telemetry:
    columns = quantise(channels, np.array(rows.values), np.array(rows.qualities))
    return wire.Telemetry(sequence=0, times_us=wire.differences_us(rows.times_us), columns=columns)

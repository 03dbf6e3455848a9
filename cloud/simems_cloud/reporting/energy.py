"""The one reader of the quarter-hour rollups for reports: energy by direction, coverage, resets, per site.

Energy comes from the devices' registers where there are any, else from mean power over the covered minutes; what
was counted by a register in a gap stands in the quarter hour in which it came back and is no peak.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from itertools import pairwise

from simems_cloud.kit.database import Connection
from simems_cloud.kit.sql import load_queries
from simems_cloud.reporting.plant import ReportPlant

QUERIES = load_queries("simems_cloud.reporting")
QUARTER = timedelta(minutes=15)
MINUTES = 15


@dataclass
class Flow:
    """One direction of one part of the plant in one quarter hour."""

    energy_wh: float
    gap_wh: float = 0.0
    minutes: int = MINUTES
    registered: bool = False

    @property
    def mean_w(self) -> float:
        """Over what was seen; energy out of a gap is left out."""
        if self.registered:
            return (self.energy_wh - self.gap_wh) * 4
        return self.energy_wh * 60 / self.minutes if self.minutes else 0.0


@dataclass
class Quarter:
    """A site in a quarter hour; None: not known."""

    start: datetime
    minutes: int = 0
    """With values of the grid meter, 0..15."""
    running_minutes: int | None = None
    resets: int = 0
    imported: Flow | None = None
    exported: Flow | None = None
    produced: Flow | None = None
    charged: Flow | None = None
    discharged: Flow | None = None


@dataclass(frozen=True)
class Row:
    """Of one channel."""

    address: str
    start: datetime
    positive_wh: float
    negative_wh: float
    first: float
    last: float
    minimum: float
    maximum: float
    minutes: int


@dataclass
class Counted:
    """Of a register in a quarter hour."""

    energy_wh: float = 0.0
    gap_wh: float = 0.0
    resets: int = 0


@dataclass
class SiteQuarters:
    """``capacity_wh``: of all its batteries; None without any that says."""

    quarters: list[Quarter] = field(default_factory=list)
    capacity_wh: float | None = None


async def read_quarters(
    connection: Connection, site_id: str, plant: ReportPlant, start: datetime, end: datetime
) -> SiteQuarters:
    """Every quarter hour of the half-open time that has any value, in order."""
    found = await connection.fetch(QUERIES["quarter_hours"], site_id, plant.addresses(), start - QUARTER, end + QUARTER)
    rows = [Row(*(row[name] for name in Row.__dataclass_fields__)) for row in found]
    quarters = [quarter for quarter in assemble(rows, plant) if start <= quarter.start < end]
    sizes = [await connection.fetchval(QUERIES["capacity"], site_id, a, start, end) for a in plant.capacities]
    known = [size for size in sizes if size is not None and size > 0]
    return SiteQuarters(quarters, sum(known) if known else None)


def assemble(rows: Sequence[Row], plant: ReportPlant) -> list[Quarter]:
    """From the rows of all channels of one site; pure."""
    by_address: dict[str, list[Row]] = defaultdict(list)
    by_start: dict[datetime, dict[str, Row]] = defaultdict(dict)
    for row in sorted(rows, key=lambda row: row.start):
        by_address[row.address].append(row)
        by_start[row.start][row.address] = row
    counted = {a: count(by_address[a]) for a in plant.registers() if a in by_address}
    return [_quarter(start, by_start[start], counted, plant) for start in sorted(by_start)]


def _quarter(
    start: datetime,
    here: Mapping[str, Row],
    counted: Mapping[str, Mapping[datetime, Counted]],
    plant: ReportPlant,
) -> Quarter:
    quarter = Quarter(start)
    grid = here.get(plant.grid_power)
    quarter.minutes = 0 if grid is None else grid.minutes
    state = here.get(plant.state)
    if state is not None and plant.running_code is not None:
        runs = state.minimum == state.maximum == plant.running_code
        quarter.running_minutes = state.minutes if runs else 0
    at = {a: readings[quarter.start] for a, readings in counted.items() if quarter.start in readings}
    quarter.resets = sum(reading.resets for reading in at.values())
    quarter.imported = _flow(at.get(plant.import_register), grid, positive=True)
    quarter.exported = _flow(at.get(plant.export_register), grid, positive=False)
    quarter.produced = _sum(
        [_flow(at.get(register), here.get(power), positive=True) for power, register in plant.pv], len(plant.pv)
    )
    batteries = [here.get(power) for power in plant.ess]
    quarter.charged = _sum([_flow(None, row, positive=False) for row in batteries], len(plant.ess))
    quarter.discharged = _sum([_flow(None, row, positive=True) for row in batteries], len(plant.ess))
    return quarter


def _flow(reading: Counted | None, power: Row | None, *, positive: bool) -> Flow | None:
    if reading is not None:
        return Flow(reading.energy_wh, reading.gap_wh, registered=True)
    if power is None:
        return None
    return Flow(power.positive_wh if positive else -power.negative_wh, minutes=power.minutes)


def _sum(flows: Iterable[Flow | None], wanted: int) -> Flow | None:
    """None unless every part is known; a plant without any has 0."""
    known = [flow for flow in flows if flow is not None]
    if len(known) < wanted:
        return None
    energy_wh, gap_wh = sum(f.energy_wh for f in known), sum(f.gap_wh for f in known)
    minutes = min((f.minutes for f in known), default=MINUTES)
    return Flow(energy_wh, gap_wh, minutes, registered=bool(known) and all(f.registered for f in known))


def count(rows: Sequence[Row]) -> dict[datetime, Counted]:
    """Of a register's quarter hours in order: from the first reading in one to the first in the next.

    A register that falls was reset or replaced: that step counts nothing and is told. A step across missing quarter
    hours is energy out of a gap, in the quarter hour of its later reading.
    """
    found = {row.start: Counted() for row in rows}
    for row in rows:
        _step(found[row.start], row.first, row.last, found[row.start])
    for before, row in pairwise(rows):
        here = found[row.start]
        if row.start - before.start == QUARTER:
            _step(found[before.start], before.last, row.first, here)
        elif row.first >= before.last:
            here.energy_wh += row.first - before.last
            here.gap_wh += row.first - before.last
        else:
            here.resets += 1
    return found


def _step(into: Counted, before: float, after: float, on_reset: Counted) -> None:
    if after >= before:
        into.energy_wh += after - before
    else:
        on_reset.resets += 1

"""The one reader of the quarter-hour rollups for reports: energy by direction, coverage, resets, per site.

Energy comes from the devices' registers where there are any, else from mean power over the covered minutes; what
was counted by a register in a gap stands in the quarter hour in which it came back and is no peak.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime

from simems_cloud.kit.database import Connection
from simems_cloud.kit.sql import load_queries
from simems_cloud.reporting.plant import ReportPlant

QUERIES = load_queries("simems_cloud.reporting")
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
    """Mean of the values above zero, over the covered minutes."""
    negative_wh: float
    minimum: float
    maximum: float
    minutes: int
    energy_wh: float | None = None
    """What a register counted; None: not a register."""
    gap_wh: float = 0.0
    """The part of it that was counted at some time in a gap before."""
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
    found = await connection.fetch(QUERIES["quarter_hours"], site_id, plant.addresses(), start, end)
    quarters = assemble([Row(**dict(row)) for row in found], plant)
    sizes = [await connection.fetchval(QUERIES["capacity"], site_id, a, start, end) for a in plant.capacities]
    known = [size for size in sizes if size is not None and size > 0]
    return SiteQuarters(quarters, sum(known) if known else None)


def assemble(rows: Sequence[Row], plant: ReportPlant) -> list[Quarter]:
    """From the rows of all channels of one site; pure."""
    by_start: dict[datetime, dict[str, Row]] = defaultdict(dict)
    for row in rows:
        by_start[row.start][row.address] = row
    return [_quarter(start, by_start[start], plant) for start in sorted(by_start)]


def _quarter(start: datetime, here: Mapping[str, Row], plant: ReportPlant) -> Quarter:
    quarter = Quarter(start)
    grid, state = here.get(plant.grid_power), here.get(plant.state)
    quarter.minutes = 0 if grid is None else grid.minutes
    if state is not None and plant.running_code is not None:
        runs = state.minimum == state.maximum == plant.running_code
        quarter.running_minutes = state.minutes if runs else 0
    quarter.resets = sum(here[address].resets for address in plant.registers() if address in here)
    quarter.imported = _flow(here.get(plant.import_register), grid, positive=True)
    quarter.exported = _flow(here.get(plant.export_register), grid, positive=False)
    quarter.produced = _sum(
        [_flow(here.get(register), here.get(power), positive=True) for power, register in plant.pv], len(plant.pv)
    )
    batteries = [here.get(power) for power in plant.ess]
    quarter.charged = _sum([_flow(None, row, positive=False) for row in batteries], len(plant.ess))
    quarter.discharged = _sum([_flow(None, row, positive=True) for row in batteries], len(plant.ess))
    return quarter


def _flow(reading: Row | None, power: Row | None, *, positive: bool) -> Flow | None:
    if reading is not None and reading.energy_wh is not None:
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

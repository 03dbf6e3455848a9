"""The figures of a report, from its inputs alone; pure."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from simems_cloud.reporting.periods import BARS, Span, bucket_start

COLUMNS = ("imported", "exported", "produced", "charged", "discharged", "consumed")


@dataclass(frozen=True)
class Peak:
    """Mean over a clock-aligned quarter hour that starts ``at``."""

    power_w: float
    at: datetime


@dataclass(frozen=True)
class Interval:
    """Energies in Wh; None: not known."""

    start: datetime
    minutes_seen: int
    minutes: int
    imported: float | None
    exported: float | None
    produced: float | None
    charged: float | None
    discharged: float | None
    consumed: float | None


@dataclass(frozen=True)
class Figures:
    """Of a site, or of all sites of a node together."""

    name: str
    imported: float | None
    exported: float | None
    produced: float | None
    charged: float | None
    discharged: float | None
    consumed: float | None
    self_sufficiency_pct: float | None
    """Share of the consumption that did not come from the grid."""
    self_consumption_pct: float | None
    """Share of the production that did not go to the grid."""
    peak_import: Peak | None
    peak_export: Peak | None
    cycles: float | None
    """Discharged energy by the battery's capacity: full cycles that it is worth."""
    availability_pct: float | None
    """Share of the minutes seen in which the site was running."""
    coverage_pct: float
    """Share of the minutes with measured values."""
    resets: int
    gap_wh: float
    registered: bool
    """Import and export come from the meter's registers."""


@dataclass(frozen=True)
class Report:
    span: Span
    node: str
    kind: str
    total: Figures
    sites: tuple[Figures, ...]
    rows: tuple[Interval, ...]
    bars: tuple[Interval, ...]
    alarms: Mapping[str, int]
    inputs_hash: str


def report(inputs: Mapping[str, Any], inputs_hash: str) -> Report:
    """From the stored document."""
    of = Span(
        inputs["period"],
        date.fromisoformat(inputs["starts_on"]),
        date.fromisoformat(inputs["ends_on"]),
        inputs["time_zone"],
    )
    sites = inputs["sites"]
    rows = _summed([_intervals(site["rows"]) for site in sites])
    return Report(
        span=of,
        node=inputs["node"]["name"],
        kind=inputs["node"]["kind"],
        total=_figures(inputs["node"]["name"], sites, inputs, inputs["minutes"]),
        sites=tuple(_figures(site["name"], [site], site, inputs["minutes"]) for site in sites),
        rows=tuple(rows),
        bars=tuple(_grouped(rows, of)),
        alarms=inputs["alarms"],
        inputs_hash=inputs_hash,
    )


def _figures(name: str, sites: Sequence[Mapping[str, Any]], peaks: Mapping[str, Any], minutes: int) -> Figures:
    sums = {c: _sum(row[3 + place] for site in sites for row in site["rows"]) for place, c in enumerate(COLUMNS)}
    matched = {c: sum(site["matched"][c] for site in sites) for c in ("imported", "exported", "produced", "consumed")}
    running = _sum(site["running_minutes"] for site in sites)
    told = sum(site["state_minutes"] for site in sites)
    return Figures(
        name=name,
        **sums,
        self_sufficiency_pct=_share(matched["imported"], matched["consumed"]),
        self_consumption_pct=_share(matched["exported"], matched["produced"]),
        peak_import=_peak(peaks["peak_import"]),
        peak_export=_peak(peaks["peak_export"]),
        cycles=_cycles(sites),
        availability_pct=None if running is None or not told else 100.0 * running / told,
        coverage_pct=100.0 * sum(site["minutes"] for site in sites) / (minutes * len(sites)) if sites else 0.0,
        resets=sum(site["resets"] for site in sites),
        gap_wh=sum(site["gap_wh"] for site in sites),
        registered=bool(sites) and all(site["registered"] for site in sites),
    )


def _share(lost: float, whole: float) -> float | None:
    """100 (1 - lost / whole), within 0..100; None without a whole."""
    return None if whole <= 0 else min(100.0, max(0.0, 100.0 * (1.0 - lost / whole)))


def _cycles(sites: Iterable[Mapping[str, Any]]) -> float | None:
    """Of those sites that say how large their batteries are."""
    known = [site for site in sites if site["capacity_wh"]]
    if not known:
        return None
    discharged = _sum(row[7] for site in known for row in site["rows"])
    return None if discharged is None else discharged / float(sum(site["capacity_wh"] for site in known))


def _peak(found: Mapping[str, Any] | None) -> Peak | None:
    return None if found is None else Peak(found["power_w"], datetime.fromisoformat(found["at"]))


def _intervals(rows: Iterable[Sequence[Any]]) -> list[Interval]:
    return [Interval(datetime.fromisoformat(row[0]), *row[1:]) for row in rows]


def _summed(series: Sequence[Sequence[Interval]]) -> list[Interval]:
    """Over sites, whose rows are of the same times."""
    return [_merged(parts[0].start, parts) for parts in zip(*series, strict=True)]


def _grouped(rows: Iterable[Interval], of: Span) -> list[Interval]:
    groups: dict[datetime, list[Interval]] = {}
    for row in rows:
        groups.setdefault(bucket_start(row.start, BARS[of.period], of.zone), []).append(row)
    return [_merged(start, parts) for start, parts in groups.items()]


def _merged(start: datetime, parts: Sequence[Interval]) -> Interval:
    sums = {c: _sum(getattr(part, c) for part in parts) for c in COLUMNS}
    return Interval(start, sum(p.minutes_seen for p in parts), sum(p.minutes for p in parts), **sums)


def _sum(values: Iterable[float | None]) -> float | None:
    known = [value for value in values if value is not None]
    return sum(known) if known else None

"""Days worked out by hand: a gap, a register that starts anew, days of 23 and 25 hours, Asia/Kolkata. All exact."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta
from typing import Any

import numpy as np
import pytest
from simems_cloud.reporting.energy import Row, SiteQuarters, assemble
from simems_cloud.reporting.figures import Figures, Report, report
from simems_cloud.reporting.files import render_all
from simems_cloud.reporting.inputs import Site, document, pack, unpack
from simems_cloud.reporting.numbers import energy, fixed
from simems_cloud.reporting.periods import last_complete, midnight, quarters, span
from simems_cloud.reporting.plant import ReportPlant, report_plant
from simems_cloud.telemetry.registers import by_interval, steps

QUARTER = timedelta(minutes=15)
GRID, PV, ESS, STATE = "grid0/active_power_w", "pv0/active_power_w", "ess0/active_power_w", "site/state"
IMPORT, EXPORT, PV_WH = "grid0/import_energy_wh", "grid0/export_energy_wh", "pv0/energy_wh"
PLANT = report_plant([("grid0", "meter"), ("pv0", "pv"), ("ess0", "ess")], {"2": "RUN", "3": "FAULT"})
NODE = {"id": "n", "name": "Malmö", "kind": "site"}
Power = Callable[[int], float]


def powers(address: str, starts: list[datetime], power_w: Power, minutes: int = 15) -> list[Row]:
    rows = []
    for number, start in enumerate(starts):
        wh = power_w(number) * minutes / 60
        rows.append(Row(address, start, max(wh, 0.0), min(wh, 0.0), power_w(number), power_w(number), minutes))
    return rows


def register(address: str, starts: list[datetime], counted: list[tuple[float, float, int]]) -> list[Row]:
    """(energy, of it out of a gap, resets) of each quarter hour."""
    return [Row(address, start, 0, 0, 0, 0, 15, *told) for start, told in zip(starts, counted, strict=True)]


def by_hand(readings: dict[datetime, float], starts: list[datetime]) -> list[tuple[float, float, int]]:
    """As the worker counts them from readings."""
    counted = steps([microseconds(at) for at in readings], list(readings.values()))
    found = by_interval(counted, np.array([microseconds(start) for start in starts]))
    return list(zip(found.energy_wh.tolist(), found.gap_wh.tolist(), found.resets.tolist(), strict=True))


def microseconds(at: datetime) -> int:
    return int(at.timestamp()) * 1_000_000


def report_of(rows: list[Row], period: Any, day: date, zone: str, plant: ReportPlant = PLANT) -> Report:
    of = span(period, day, zone)
    found = [quarter for quarter in assemble(rows, plant) if of.start <= quarter.start < of.end]
    inputs = document(NODE, of, [Site("s", "Malmö", SiteQuarters(found, 10_000.0))], {})
    return report(inputs, "h")


def day_of(zone: str, day: date, *, grid: Power, pv: Power, ess: Power) -> Report:
    starts = list(quarters(span("day", day, zone)))
    rows = powers(GRID, starts, grid) + powers(PV, starts, pv) + powers(ESS, starts, ess)
    rows += powers(STATE, starts, lambda n: 3.0 if n == 0 else 2.0)
    return report_of(rows, "day", day, zone)


@pytest.mark.parametrize(
    ("zone", "day", "hours", "starts_at"),
    [
        ("Europe/Stockholm", date(2026, 3, 29), 23, "2026-03-28T23:00:00+00:00"),
        ("Europe/Stockholm", date(2026, 10, 25), 25, "2026-10-24T22:00:00+00:00"),
        ("Asia/Kolkata", date(2026, 3, 29), 24, "2026-03-28T18:30:00+00:00"),
        ("Asia/Kathmandu", date(2026, 3, 29), 24, "2026-03-28T18:15:00+00:00"),
        ("America/Sao_Paulo", date(2018, 11, 4), 23, "2018-11-04T03:00:00+00:00"),
        ("UTC", date(2026, 3, 29), 24, "2026-03-29T00:00:00+00:00"),
    ],
)
def test_a_day_has_its_hours(zone: str, day: date, hours: int, starts_at: str) -> None:
    """Import 4 kW, PV 2 kW, discharge 1 kW all day: energy is power times the hours that the day has."""
    found = day_of(zone, day, grid=lambda _: 4000.0, pv=lambda _: 2000.0, ess=lambda _: 1000.0)
    total = found.total
    assert found.span.start.isoformat() == starts_at
    assert len(found.rows) == 4 * hours
    assert len(found.bars) == hours, "the hour that comes twice is two bars, the one that is skipped none"
    assert (total.imported, total.exported, total.produced) == (4000.0 * hours, 0.0, 2000.0 * hours)
    assert (total.discharged, total.charged, total.consumed) == (1000.0 * hours, 0.0, 7000.0 * hours)
    assert total.self_sufficiency_pct == pytest.approx(100 * 3 / 7, abs=1e-12)
    assert total.self_consumption_pct == 100.0
    assert total.cycles == hours / 10
    assert total.coverage_pct == 100.0
    assert total.availability_pct == 100.0 * (4 * hours - 1) / (4 * hours)


def test_export_charge_and_peaks() -> None:
    """Two hours of export of 3 kW with 1 kW into the battery and 6 kW of sun, else import of 2 kW, once of 8 kW."""
    found = day_of(
        "Europe/Stockholm",
        date(2026, 6, 1),
        grid=lambda n: -3000.0 if 40 <= n < 48 else 8000.0 if n in (70, 80) else 2000.0,
        pv=lambda n: 6000.0 if 40 <= n < 48 else 0.0,
        ess=lambda n: -1000.0 if 40 <= n < 48 else 0.0,
    ).total
    assert (found.imported, found.exported) == (86 * 500.0 + 2 * 2000.0, 6000.0)
    assert (found.produced, found.charged, found.consumed) == (12_000.0, 2000.0, 47_000.0 + 4000.0)
    assert found.peak_import is not None
    assert (found.peak_import.power_w, found.peak_import.at) == (8000.0, datetime(2026, 6, 1, 15, 30, tzinfo=UTC))
    assert found.peak_export is not None
    assert (found.peak_export.power_w, found.peak_export.at) == (3000.0, datetime(2026, 6, 1, 8, 0, tzinfo=UTC))
    assert found.self_consumption_pct == 50.0
    assert found.self_sufficiency_pct == pytest.approx(100 * (1 - 47 / 51), abs=1e-12)


def test_a_gap_is_no_consumption_and_lowers_the_coverage() -> None:
    """Six hours are missing, and a quarter hour with five minutes: power alone says nothing of them."""
    day = date(2026, 6, 1)
    starts = list(quarters(span("day", day, "UTC")))
    seen = starts[:24] + starts[48:]
    rows = [row for a in (GRID, PV, ESS) for row in powers(a, seen[:-1], lambda _: 1200.0)]
    rows += [row for a in (GRID, PV, ESS) for row in powers(a, seen[-1:], lambda _: 1200.0, minutes=5)]
    found = report_of(rows, "day", day, "UTC")
    assert found.total.imported == 71 * 300.0 + 100.0
    assert found.total.coverage_pct == 100 * (71 * 15 + 5) / 1440
    assert found.total.peak_import is not None
    assert found.total.peak_import.power_w == 1200.0, "the mean of what was seen, not a third of it"
    assert [row.imported for row in found.rows[23:26]] == [300.0, None, None]
    assert found.bars[6].minutes_seen == 0


def test_a_register_counts_through_a_gap_and_makes_no_peak_of_it() -> None:
    """60 Wh a minute; from 00:29 to 01:00 nothing comes: 31 x 60 Wh stand where values came back, and are no peak."""
    starts = [datetime(2026, 6, 1, tzinfo=UTC) + n * QUARTER for n in (0, 1, 4, 5)]
    minutes = [m for m in range(90) if m < 30 or m >= 60]
    told = by_hand({starts[0] + timedelta(minutes=m): 60.0 * m for m in minutes}, starts)
    assert told == [(900.0, 0.0, 0), (840.0, 0.0, 0), (900.0 + 1860.0, 1860.0, 0), (840.0, 0.0, 0)]
    rows = register(IMPORT, starts, told) + register(EXPORT, starts, [(0.0, 0.0, 0)] * 4)
    rows += powers(GRID, starts, lambda _: 9999.0)
    found = report_of(rows, "day", date(2026, 6, 1), "UTC").total
    assert found.imported == 60.0 * 89, "from the first reading to the last"
    assert (found.exported, found.gap_wh, found.registered) == (0.0, 1860.0, True)
    assert found.peak_import is not None
    assert (found.peak_import.power_w, found.peak_import.at) == (3600.0, starts[0])


def test_a_register_that_starts_anew_adds_nothing_and_is_told() -> None:
    """60 Wh a minute; at 00:30 a new meter that starts from zero: the minute before it is not counted."""
    starts = [datetime(2026, 6, 1, tzinfo=UTC) + n * QUARTER for n in range(4)]
    readings = {starts[0] + timedelta(minutes=m): 60.0 * (m - 30 if m >= 30 else m + 5000) for m in range(60)}
    told = by_hand(readings, starts)
    assert told == [(900.0, 0.0, 0), (840.0, 0.0, 0), (900.0, 0.0, 1), (840.0, 0.0, 0)]
    rows = register(IMPORT, starts, told) + register(EXPORT, starts, [(0.0, 0.0, 0)] * 4)
    found = report_of(rows + powers(GRID, starts, lambda _: 4000.0), "day", date(2026, 6, 1), "UTC").total
    assert (found.imported, found.resets) == (3480.0, 1)
    assert found.peak_import is not None
    assert found.peak_import.power_w == 3600.0


def test_weeks_and_months() -> None:
    assert [s.isoformat() for s in (span("week", date(2026, 1, 1), "UTC").starts_on,)] == ["2025-12-29"]
    march = span("month", date(2026, 3, 31), "Europe/Stockholm")
    assert (march.ends_on, march.minutes) == (date(2026, 4, 1), (31 * 24 - 1) * 60)
    assert span("week", date(2026, 10, 25), "Europe/Stockholm").minutes == (7 * 24 + 1) * 60
    assert midnight(date(2018, 11, 4), "America/Sao_Paulo") == datetime(2018, 11, 4, 3, tzinfo=UTC)


@pytest.mark.parametrize(
    ("now", "period", "starts_on"),
    [
        ("2026-03-30T03:59:00Z", "day", "2026-03-28"),
        ("2026-03-30T04:00:00Z", "day", "2026-03-29"),
        ("2026-03-30T04:00:00Z", "week", "2026-03-23"),
        ("2026-03-30T03:59:00Z", "week", "2026-03-16"),
        ("2026-04-01T04:00:00Z", "month", "2026-03-01"),
        ("2026-04-01T03:59:00Z", "month", "2026-02-01"),
    ],
)
def test_a_report_is_due_at_its_hour_of_the_zone(now: str, period: Any, starts_on: str) -> None:
    found = last_complete(period, datetime.fromisoformat(now), "Europe/Stockholm", 6)
    assert found.starts_on.isoformat() == starts_on


def test_the_same_inputs_make_the_same_bytes() -> None:
    found = day_of("Asia/Kolkata", date(2026, 3, 29), grid=lambda n: n * 100.0, pv=lambda _: 50.0, ess=lambda _: -10.0)
    of, starts = found.span, list(quarters(found.span))
    quarter = assemble(powers(GRID, starts, lambda n: 100.0 * n) + powers(PV, starts, lambda _: 50.0), PLANT)
    inputs = document(NODE, of, [Site("s", "Malmö <&>", SiteQuarters(quarter))] * 2, {"alarm": 2})
    packed, inputs_hash = pack(inputs)
    first = render_all(inputs, inputs_hash)
    again = render_all(*unpack(packed))
    assert [file.content for file in first] == [file.content for file in again]
    html, pdf, rows = (file.content for file in first)
    assert b"Malm\xc3\xb6 &lt;&amp;&gt;" in html
    assert b"<script" not in html
    assert pdf.startswith(b"%PDF-")
    table = list(csv.DictReader(io.StringIO(rows.decode())))
    assert (table[0]["start"], table[0]["start_utc"]) == ("2026-03-29T00:00+05:30", "2026-03-28T18:30Z")
    assert (table[1]["import_wh"], table[1]["charge_wh"], len(table)) == ("50.0", "", 96)
    changed = document(NODE, of, [Site("s", "Other", SiteQuarters(quarter))] * 2, {"alarm": 2})
    assert pack(changed)[1] != inputs_hash


def test_nothing_at_all_is_a_report_too() -> None:
    inputs = document(NODE, span("month", date(2026, 2, 1), "UTC"), [Site("s", "Malmö", SiteQuarters())], {})
    total: Figures = report(inputs, "h").total
    assert (total.imported, total.consumed, total.peak_import, total.cycles) == (None, None, None, None)
    assert (total.self_sufficiency_pct, total.availability_pct, total.coverage_pct) == (None, None, 0.0)
    assert len(render_all(inputs, "h")) == 3


def test_numbers_are_rounded_as_people_do() -> None:
    assert [fixed(value, 1) for value in (0.25, 0.35, -0.04, 1234567.25)] == [
        "0.3",
        "0.4",
        "0.0",
        "1\u202f234\u202f567.3",
    ]
    assert (energy(None), energy(1250.0), energy(2.5e8)) == ("–", "1.3 kWh", "250.0 MWh")

"""What a reader sees, in words and figures, the same for HTML and PDF; pure."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC
from zoneinfo import ZoneInfo

from simems_cloud.reporting.figures import Figures, Interval, Report
from simems_cloud.reporting.numbers import NOT_KNOWN, energy, number, peak, peak_time, share

NAMES = {"day": "Daily", "week": "Weekly", "month": "Monthly"}
Table = list[list[str]]


@dataclass(frozen=True)
class Card:
    title: str
    value: str
    note: str = ""


@dataclass(frozen=True)
class View:
    """Tables begin with their header; the first column is text, the others are figures."""

    kicker: str
    title: str
    period: str
    zone: str
    cards: tuple[Card, ...]
    details: tuple[Card, ...]
    sites: Table
    rows: Table
    notes: tuple[str, ...]
    footer: str


def view(report: Report) -> View:
    total, of = report.total, report.span
    return View(
        kicker=f"{NAMES[of.period]} energy report",
        title=report.node,
        period=of.title,
        zone=_zone(report),
        cards=_cards(total),
        details=_details(report),
        sites=_sites(report) if len(report.sites) > 1 else [],
        rows=_rows(report),
        notes=_notes(report),
        footer=f"Inputs {report.inputs_hash[:16]}",
    )


def _zone(report: Report) -> str:
    hours = report.span.minutes / 60
    usual = {"day": 24, "week": 168}.get(report.span.period)
    changed = f", {hours:g} hours: the clock was changed" if usual and hours != usual else ""
    return f"Times in {report.span.zone}{changed}"


def _cards(total: Figures) -> tuple[Card, ...]:
    return (
        Card("Import", energy(total.imported), "from the grid"),
        Card("Export", energy(total.exported), "to the grid"),
        Card("Production", energy(total.produced), "of the inverters"),
        Card("Consumption", energy(total.consumed), "of the site itself"),
        Card("Self-sufficiency", share(total.self_sufficiency_pct), "of the consumption not from the grid"),
        Card("Self-consumption", share(total.self_consumption_pct), "of the production used on site"),
    )


def _details(report: Report) -> tuple[Card, ...]:
    total, zone = report.total, report.span.zone
    alarms = report.alarms
    raised = sum(alarms.values())
    severe = alarms.get("alarm", 0)
    return (
        Card("Import peak", peak(total.peak_import), peak_time(total.peak_import, zone) or "nothing was imported"),
        Card("Export peak", peak(total.peak_export), peak_time(total.peak_export, zone) or "nothing was exported"),
        Card("Battery cycles", number(total.cycles, 2), f"{energy(total.discharged)} out, {energy(total.charged)} in"),
        Card("Availability", share(total.availability_pct), "of the time seen the site was running"),
        Card("Data coverage", share(total.coverage_pct), "of the minutes have values"),
        Card("Alarms raised", str(raised), f"{severe} of them severe"),
    )


def _sites(report: Report) -> Table:
    header = ["Site", "Import", "Export", "Production", "Consumption", "Self-suff.", "Import peak", "Coverage"]
    return [header, *(_site(site) for site in report.sites)]


def _site(site: Figures) -> list[str]:
    return [
        site.name,
        energy(site.imported),
        energy(site.exported),
        energy(site.produced),
        energy(site.consumed),
        share(site.self_sufficiency_pct),
        peak(site.peak_import),
        share(site.coverage_pct),
    ]


def _rows(report: Report) -> Table:
    header = ["", "Import", "Export", "Production", "Charge", "Discharge", "Consumption", "Coverage"]
    return [header, *(_row(bar, report) for bar in report.bars)]


def _row(bar: Interval, report: Report) -> list[str]:
    local = bar.start.astimezone(ZoneInfo(report.span.zone))
    label = f"{local:%H:%M}" if report.span.period == "day" else f"{local:%a} {local.day} {local:%b}"
    parts = (bar.imported, bar.exported, bar.produced, bar.charged, bar.discharged, bar.consumed)
    kwh = [NOT_KNOWN if part is None else number(part / 1e3, 1) for part in parts]
    return [label, *kwh, share(100.0 * bar.minutes_seen / bar.minutes)]


def _notes(report: Report) -> tuple[str, ...]:
    total = report.total
    notes = ["Consumption is import less export, plus production, plus what the battery gave less what it took."]
    if total.registered:
        notes.append("Import and export are counted by the meter's own registers.")
    else:
        notes.append("Import and export are mean power over the minutes seen where the meter has no registers.")
    if total.coverage_pct < 100:
        notes.append("Values are missing for a part of the time; sums are of what is known.")
    if total.gap_wh:
        notes.append(f"{energy(total.gap_wh)} were counted while no values came; they stand where values came back.")
    if total.resets:
        notes.append(f"Registers started anew {total.resets} times; nothing is added for those steps.")
    notes.append("Peaks are means over quarter hours of the clock. Shares use quarter hours in which all is known.")
    return tuple(notes)


def made_until(report: Report) -> int:
    """Unix time that stands in the file as its date: the end of the period, so that it is always the same."""
    return int(report.span.end.astimezone(UTC).timestamp())

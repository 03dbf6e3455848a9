"""The rows of a report as CSV: UTF-8, comma, CRLF (RFC 4180); energies in Wh as the shortest text of the number."""

from __future__ import annotations

import csv
import io
from datetime import UTC
from zoneinfo import ZoneInfo

from simems_cloud.reporting.figures import COLUMNS, Report

NAMES = {
    "imported": "import_wh",
    "exported": "export_wh",
    "produced": "production_wh",
    "charged": "charge_wh",
    "discharged": "discharge_wh",
    "consumed": "consumption_wh",
}


def render(report: Report) -> bytes:
    """An empty cell: not known."""
    out = io.StringIO()
    writer = csv.writer(out)
    writer.writerow(["start", "start_utc", "minutes", "minutes_seen", *(NAMES[column] for column in COLUMNS)])
    zone = ZoneInfo(report.span.zone)
    for row in report.rows:
        local = row.start.astimezone(zone).isoformat(timespec="minutes")
        utc = row.start.astimezone(UTC).strftime("%Y-%m-%dT%H:%MZ")
        values = [getattr(row, column) for column in COLUMNS]
        texts = ["" if value is None else repr(float(value)) for value in values]
        writer.writerow([local, utc, row.minutes, row.minutes_seen, *texts])
    return out.getvalue().encode()

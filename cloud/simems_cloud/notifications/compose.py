"""What is said: one body for programs, one text for people; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any
from zoneinfo import ZoneInfo

VERBS = {"raised": "", "cleared": "cleared: ", "escalated": "not acknowledged: ", "test": "test: "}
FIELDS = ("code", "component", "text", "cause", "effect", "remedy", "value")


def body_of(row: Mapping[str, Any]) -> dict[str, Any]:
    """Of a row of the query ``untold``; JSON, times in UTC."""
    return {
        "kind": row["kind"],
        "at": _iso(row["at"]),
        "tenant_id": str(row["tenant_id"]),
        "site": {"id": row["site_id"], "name": row["site_name"], "time_zone": row["time_zone"]},
        "alarm": {
            "id": str(row["alarm_id"]),
            "severity": row["severity"],
            **{name: row[name] for name in FIELDS},
            "raised_at": _iso(row["raised_at"]),
            "cleared_at": _iso(row["cleared_at"]),
        },
    }


def trial_body(tenant_id: object, at: datetime) -> dict[str, Any]:
    """A message that says that messages arrive."""
    alarm = dict.fromkeys(FIELDS) | {"id": None, "severity": "info", "text": "This is a test. All is well."}
    site = {"id": None, "name": "Sim EMS", "time_zone": "UTC"}
    times = {"raised_at": _iso(at), "cleared_at": None}
    return {"kind": "test", "at": _iso(at), "tenant_id": str(tenant_id), "site": site, "alarm": {**alarm, **times}}


def subject_of(body: Mapping[str, Any]) -> str:
    """One line without control characters."""
    alarm, site = body["alarm"], body["site"]
    line = f"[{alarm['severity'].upper()}] {site['name']}: {VERBS[body['kind']]}{alarm['text'] or alarm['code']}"
    return " ".join("".join(c if c.isprintable() else " " for c in line).split())[:200]


def text_of(body: Mapping[str, Any], portal: str) -> str:
    """For people; times by the clock of the site. ``portal``: its address, empty: no link."""
    alarm, site = body["alarm"], body["site"]
    lines = [alarm["text"] or alarm["code"] or "", ""]
    named = (("Cause", "cause"), ("Effect", "effect"), ("What to do", "remedy"), ("Component", "component"))
    lines += [f"{title}: {alarm[name]}" for title, name in named if alarm[name]]
    lines += [f"Site: {site['name']}" + (f" ({site['id']})" if site["id"] else "")]
    lines += [f"Raised: {_local(alarm['raised_at'], site['time_zone'])}"]
    if alarm["cleared_at"]:
        lines.append(f"Cleared: {_local(alarm['cleared_at'], site['time_zone'])}")
    if portal and site["id"]:
        lines += ["", f"{portal}/sites/{site['id']}"]
    return "\n".join(lines) + "\n"


def _iso(at: datetime | None) -> str | None:
    return None if at is None else at.isoformat().replace("+00:00", "Z")


def _local(text: str, zone: str) -> str:
    at = datetime.fromisoformat(text).astimezone(ZoneInfo(zone))
    return f"{at:%Y-%m-%d %H:%M:%S} ({zone})"

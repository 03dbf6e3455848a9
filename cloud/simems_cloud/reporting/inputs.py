"""All that a report is made from, in one document that is stored and hashed; pure.

Energies in Wh, powers in W, times as ISO 8601 in UTC, ``null``: not known.
"""

from __future__ import annotations

import hashlib
import json
import zlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from simems_cloud.reporting.energy import Flow, Quarter, SiteQuarters
from simems_cloud.reporting.periods import ROWS, Span, bucket_start, quarters

ENGINE = "1"
"""Goes up when the same inputs make other bytes."""
PARTS = ("imported", "exported", "produced", "charged", "discharged")


@dataclass(frozen=True)
class Site:
    site_id: str
    name: str
    quarters: SiteQuarters


def document(node: Mapping[str, str], of: Span, sites: Sequence[Site], alarms: Mapping[str, int]) -> dict[str, Any]:
    """``node``: id, name, kind; ``alarms``: raised in that time, by severity."""
    return {
        "engine": ENGINE,
        "node": dict(node),
        "period": of.period,
        "starts_on": of.starts_on.isoformat(),
        "ends_on": of.ends_on.isoformat(),
        "time_zone": of.zone,
        "minutes": of.minutes,
        "alarms": dict(alarms),
        "sites": [_site(site, of) for site in sites],
        "peak_import": _peak(_powers(sites, 1)),
        "peak_export": _peak(_powers(sites, -1)),
    }


def pack(inputs: Mapping[str, Any]) -> tuple[bytes, str]:
    """(compressed, sha256 of what was compressed): the same inputs have the same hash, whatever compresses them."""
    text = json.dumps(inputs, sort_keys=True, separators=(",", ":"), ensure_ascii=False, allow_nan=False).encode()
    return zlib.compress(text, 9), hashlib.sha256(text).hexdigest()


def unpack(packed: bytes) -> tuple[dict[str, Any], str]:
    text = zlib.decompress(packed)
    inputs: dict[str, Any] = json.loads(text)
    return inputs, hashlib.sha256(text).hexdigest()


def _site(site: Site, of: Span) -> dict[str, Any]:
    found = site.quarters.quarters
    return {
        "id": site.site_id,
        "name": site.name,
        "capacity_wh": site.quarters.capacity_wh,
        "rows": _rows(found, of),
        "matched": _matched(found),
        "minutes": sum(quarter.minutes for quarter in found),
        "running_minutes": _known(quarter.running_minutes for quarter in found),
        "state_minutes": sum(q.minutes for q in found if q.running_minutes is not None),
        "resets": sum(quarter.resets for quarter in found),
        "gap_wh": sum(flow.gap_wh for quarter in found for flow in _flows(quarter)),
        "registered": all(f.registered for q in found for f in (q.imported, q.exported) if f is not None),
        "peak_import": _peak(_powers([site], 1)),
        "peak_export": _peak(_powers([site], -1)),
    }


def _rows(found: Iterable[Quarter], of: Span) -> list[list[Any]]:
    """[start, minutes seen, minutes, imported, exported, produced, charged, discharged, consumed], gaps as null."""
    bucket = ROWS[of.period]
    rows: dict[datetime, list[Any]] = {}
    for at in quarters(of):
        row = rows.setdefault(bucket_start(at, bucket, of.zone), [0, 0, *[None] * (len(PARTS) + 1)])
        row[1] += 15
    for quarter in found:
        row = rows[bucket_start(quarter.start, bucket, of.zone)]
        row[0] += quarter.minutes
        values = [_wh(getattr(quarter, part)) for part in PARTS]
        for place, value in enumerate([*values, consumed_wh(quarter)], start=2):
            if value is not None:
                row[place] = value if row[place] is None else row[place] + value
    return [[_iso(start), *row] for start, row in rows.items()]


def consumed_wh(quarter: Quarter) -> float | None:
    """What the site used: import - export + production + discharge - charge; None while one of them is not known."""
    parts = [_wh(getattr(quarter, part)) for part in PARTS]
    known = [part for part in parts if part is not None]
    if len(known) < len(parts):
        return None
    imported, exported, produced, charged, discharged = known
    return max(0.0, imported - exported + produced + discharged - charged)


def _matched(found: Iterable[Quarter]) -> dict[str, float]:
    """Sums over those quarter hours alone in which everything is known: what shares are made of."""
    sums = {"imported": 0.0, "exported": 0.0, "produced": 0.0, "consumed": 0.0}
    for quarter in found:
        consumed = consumed_wh(quarter)
        if consumed is None:
            continue
        sums["consumed"] += consumed
        for part in ("imported", "exported", "produced"):
            sums[part] += _wh(getattr(quarter, part)) or 0.0
    return sums


def _powers(sites: Iterable[Site], sign: int) -> dict[datetime, float]:
    """Mean power over each quarter hour, summed over the sites: import less export, or the other way round."""
    sums: dict[datetime, float] = {}
    for site in sites:
        for quarter in site.quarters.quarters:
            if quarter.imported is None or quarter.exported is None:
                continue
            net_w = sign * (quarter.imported.mean_w - quarter.exported.mean_w)
            sums[quarter.start] = sums.get(quarter.start, 0.0) + net_w
    return sums


def _peak(powers: Mapping[datetime, float]) -> dict[str, Any] | None:
    """The highest, the first of several; None when there is none above zero."""
    highest = max(powers.values(), default=0.0)
    if highest <= 0:
        return None
    at = min(start for start, power in powers.items() if power == highest)
    return {"power_w": powers[at], "at": _iso(at)}


def _flows(quarter: Quarter) -> list[Flow]:
    found = [getattr(quarter, part) for part in PARTS]
    return [flow for flow in found if isinstance(flow, Flow)]


def _wh(flow: Flow | None) -> float | None:
    return None if flow is None else flow.energy_wh


def _known(values: Iterable[int | None]) -> int | None:
    found = [value for value in values if value is not None]
    return sum(found) if found else None


def _iso(at: datetime) -> str:
    return at.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")

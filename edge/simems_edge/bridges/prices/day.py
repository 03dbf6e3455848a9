"""A source's answer to the prices of one local day, as a whole or not at all. Pure.

A day has 23, 24 or 25 hours; its slots are 15, 30 or 60 minutes long, all alike, without gap and overlap, from local
midnight to local midnight. Money is per kWh, in the source's currency.
"""

from __future__ import annotations

import csv
import io
import math
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from typing import Final
from zoneinfo import ZoneInfo

from simems_edge.config import PriceCsv, PriceJson, PriceSettings
from simems_edge.devices.json_content import MISSING, ContentError, at_pointer, parse_json

SLOTS_S: Final = frozenset({900, 1800, 3600})
MOST_ROWS: Final = 2_000
MILLISECONDS_ABOVE: Final = 1e11
"""A number of seconds above is one of milliseconds."""
KWH_PER_MWH: Final = 1000.0
Row = tuple[object, object]
"""Begin and price, as the source writes them."""


@dataclass(frozen=True, slots=True)
class Slot:
    """Half-open; UTC in s since 1970."""

    start_s: int
    end_s: int
    price_per_kwh: float


def day_bounds(day: date, zone: ZoneInfo) -> tuple[int, int]:
    """Local midnight and the next one, UTC in s."""
    start, end = (datetime(d.year, d.month, d.day, tzinfo=zone) for d in (day, day + timedelta(days=1)))
    return int(start.timestamp()), int(end.timestamp())


def day_of(answer: bytes, day: date, settings: PriceSettings) -> tuple[Slot, ...]:
    """The whole local day out of ``answer`` (which may hold more). Raises :class:`ContentError`."""
    zone = ZoneInfo(settings.zone)
    rows = _json_rows(answer, settings.json_answer) if settings.json_answer else _csv_rows(answer, settings.csv)
    if len(rows) > MOST_ROWS:
        raise ContentError(f"has {len(rows)} rows, more than {MOST_ROWS}")
    begins = _instants([row[0] for row in rows], zone)
    first, last = day_bounds(day, zone)
    inside = [(at, price) for at, (_, price) in zip(begins, rows, strict=True) if first <= at < last]
    length_s = _slot_length(sorted(at for at, _ in inside), first, last, day)
    priced = sorted((at, _price(price, settings)) for at, price in inside)
    return tuple(Slot(at, at + length_s, price) for at, price in priced)


def _slot_length(begins: Sequence[int], first: int, last: int, day: date) -> int:
    """Raises :class:`ContentError` unless equal slots cover the day."""
    if len(begins) < 2:
        raise ContentError(f"has {len(begins)} prices of {day}")
    length_s = begins[1] - begins[0]
    if length_s not in SLOTS_S or begins != list(range(first, last, length_s)):
        raise ContentError(f"does not cover {day} from midnight to midnight in equal slots")
    return length_s


def _price(raw: object, settings: PriceSettings) -> float:
    """What a kWh costs, with tax and fees. Raises :class:`ContentError`."""
    number = _number(raw)
    source = number / KWH_PER_MWH if settings.unit == "per_mwh" else number
    if not math.isfinite(source) or not settings.lowest_per_kwh <= source <= settings.highest_per_kwh:
        low, high = settings.lowest_per_kwh, settings.highest_per_kwh
        raise ContentError(f"has a price outside {low:g} to {high:g} per kWh; is the unit right?")
    return source * settings.multiply + settings.add_per_kwh


def _number(raw: object) -> float:
    if isinstance(raw, bool) or not isinstance(raw, int | float | str):
        raise ContentError("has a price that is no number")
    try:
        return float(raw)
    except (ValueError, OverflowError) as error:
        raise ContentError("has a price that is no number") from error


# ---- when


def _instants(begins: Sequence[object], zone: ZoneInfo) -> list[int]:
    """UTC in s. Local clock times without offset are told apart by their order in the hour that comes twice."""
    found: list[int] = []
    for raw in begins:
        one = _instant(raw, zone, found[-1] if found else None)
        found.append(one)
    return found


def _instant(raw: object, zone: ZoneInfo, before: int | None) -> int:
    if isinstance(raw, int | float) and not isinstance(raw, bool):
        return _epoch(float(raw))
    if not isinstance(raw, str):
        raise ContentError("has a begin that is neither text nor number")
    try:
        given = datetime.fromisoformat(raw.strip())
    except ValueError as error:
        raise ContentError("has a begin that is no ISO 8601 time") from error
    if given.tzinfo is not None:
        return _epoch(given.timestamp())
    return _local(given, zone, before)


def _local(given: datetime, zone: ZoneInfo, before: int | None) -> int:
    back = datetime.fromtimestamp(given.replace(tzinfo=zone).timestamp(), UTC).astimezone(zone)
    if back.replace(tzinfo=None) != given:
        raise ContentError("has a begin that does not exist on the day the clock is set forward")
    first, second = (int(given.replace(tzinfo=zone, fold=fold).timestamp()) for fold in (0, 1))
    return second if before is not None and first <= before else first


def _epoch(seconds: float) -> int:
    if not math.isfinite(seconds) or not 0 <= seconds < 1e14:
        raise ContentError("has a begin out of range")
    whole = seconds / 1000 if seconds > MILLISECONDS_ABOVE else seconds
    if whole != int(whole):
        raise ContentError("has a begin between two seconds")
    return int(whole)


# ---- rows


def _json_rows(answer: bytes, form: PriceJson) -> list[Row]:
    document = parse_json(answer)
    if form.rows is None:
        starts, prices = _list(document, form.start), _list(document, form.price)
        if len(starts) != len(prices):
            raise ContentError(f"has {len(starts)} begins and {len(prices)} prices")
        return list(zip(starts, prices, strict=True))
    rows = [(at_pointer(row, form.start), at_pointer(row, form.price)) for row in _list(document, form.rows)]
    if any(MISSING in row for row in rows):
        raise ContentError(f"has a row without {form.start} or {form.price}")
    return rows


def _list(document: object, pointer: str) -> list[object]:
    found = at_pointer(document, pointer)
    if not isinstance(found, list):
        raise ContentError(f"has no list at {pointer or 'its top'}")
    return found


def _csv_rows(answer: bytes, form: PriceCsv | None) -> list[Row]:
    if form is None:
        raise ContentError("is read by no rule")
    try:
        reader = csv.DictReader(io.StringIO(answer.decode("utf-8-sig")), delimiter=form.delimiter, strict=True)
        rows: list[Row] = [(line.get(form.start), _decimal(line.get(form.price), form)) for line in reader]
    except (UnicodeDecodeError, csv.Error) as error:
        raise ContentError(f"is no CSV ({type(error).__name__})") from error
    if any(start is None or price is None for start, price in rows):
        raise ContentError(f"has a line without {form.start} or {form.price}")
    return rows


def _decimal(text: str | None, form: PriceCsv) -> str | None:
    """A decimal comma where commas do not part columns."""
    return text if text is None or form.delimiter == "," else text.replace(",", ".")

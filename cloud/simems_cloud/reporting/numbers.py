"""How figures are written; the same text everywhere, on every machine."""

from __future__ import annotations

from datetime import datetime
from decimal import ROUND_HALF_UP, Decimal
from zoneinfo import ZoneInfo

from simems_cloud.reporting.figures import Peak

NOT_KNOWN = "–"
THIN = "\u202f"


def fixed(value: float, places: int) -> str:
    """Rounded half up in decimal, thousands apart; never ``-0``."""
    rounded = Decimal(repr(value)).quantize(Decimal(1).scaleb(-places), ROUND_HALF_UP)
    text = f"{abs(rounded):,.{places}f}".replace(",", THIN)
    return f"\u2212{text}" if rounded < 0 else text


def energy(value_wh: float | None) -> str:
    """In kWh, in MWh from 100 MWh."""
    if value_wh is None:
        return NOT_KNOWN
    if abs(value_wh) >= 1e8:
        return f"{fixed(value_wh / 1e6, 1)} MWh"
    return f"{fixed(value_wh / 1e3, 1)} kWh"


def power(value_w: float) -> str:
    return f"{fixed(value_w / 1e3, 1)} kW"


def share(value_pct: float | None) -> str:
    return NOT_KNOWN if value_pct is None else f"{fixed(value_pct, 1)} %"


def number(value: float | None, places: int) -> str:
    return NOT_KNOWN if value is None else fixed(value, places)


def peak(found: Peak | None) -> str:
    return NOT_KNOWN if found is None else power(found.power_w)


def peak_time(found: Peak | None, zone: str) -> str:
    if found is None:
        return ""
    local: datetime = found.at.astimezone(ZoneInfo(zone))
    return f"{local:%Y-%m-%d %H:%M}"

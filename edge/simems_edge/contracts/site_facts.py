"""What controllers may know of the site as a whole."""

from __future__ import annotations

from dataclasses import dataclass
from math import inf
from zoneinfo import ZoneInfo


@dataclass(frozen=True, slots=True)
class SiteFacts:
    """From the site file; nothing of it changes while the edge runs."""

    time_zone: str = "UTC"
    """IANA name: demand windows, calendars and time slots are of this zone."""
    currency: str = "EUR"
    """ISO 4217."""
    import_limit_w: float = inf
    """Of the grid connection. A guard holds it; here it is for information."""
    export_limit_w: float = inf

    @property
    def zone(self) -> ZoneInfo:
        """The zone itself; ZoneInfoNotFoundError never, the site file is checked before."""
        return ZoneInfo(self.time_zone)

"""Times as OCPP writes them (RFC 3339), and the clock of a station that may be off by hours. Pure."""

from __future__ import annotations

from collections import deque
from datetime import UTC, datetime, timedelta

_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
RECENT = 12


def parse_us(text: object) -> int | None:
    """UTC in microseconds; None for what is no time between 1970 and 2200. Without an offset it is UTC."""
    if not isinstance(text, str) or len(text) > 40:
        return None
    try:
        time = datetime.fromisoformat(text)
        time = time.replace(tzinfo=UTC) if time.tzinfo is None else time.astimezone(UTC)
    except (ValueError, OverflowError):
        return None
    found = (time - _EPOCH) // timedelta(microseconds=1)
    return found if 0 <= found < 7_258_118_400_000_000 else None


def text_of(time_us: int) -> str:
    """To the second: some stations take no fraction."""
    return (_EPOCH + timedelta(seconds=time_us // 1_000_000)).strftime("%Y-%m-%dT%H:%M:%SZ")


class StationClock:
    """How far a station's clock is off. Messages may be old but never from the future: the latest is the truest."""

    def __init__(self) -> None:
        self._offsets_us: deque[int] = deque(maxlen=RECENT)

    def told(self, station_us: int, utc_us: int) -> None:
        self._offsets_us.append(station_us - utc_us)

    @property
    def offset_us(self) -> int:
        """Station's clock less UTC; 0 while nothing is known."""
        return max(self._offsets_us, default=0)

    @property
    def off(self) -> bool:
        """By more than a minute: worth telling a person."""
        return abs(self.offset_us) > 60_000_000

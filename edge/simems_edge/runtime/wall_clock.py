"""The channel ``site/utc_offset_s``: how controllers know the time of day, and how a replay gives them another one."""

from __future__ import annotations

from math import isnan, nan
from typing import Final

from simems_core import BAD, GOOD, Clock, ProcessImage

from simems_edge.contracts.context import UTC_OFFSET

EARLIEST_UTC_US: Final = 1_735_689_600_000_000
"""2025-01-01: a machine that shows an earlier time has not been set."""
NOTICED_S: Final = 1e-3
"""A smaller step of the wall clock is not published."""


class WallClock:
    """``checked``: a time before this software was made counts as unknown (live); a replay may play any year."""

    def __init__(self, image: ProcessImage, clock: Clock, *, checked: bool) -> None:
        self._image = image
        self._clock = clock
        self._checked = checked
        self._handle = image.handle(UTC_OFFSET)
        self._published = nan
        self.recorded = False
        """The offset comes from a recording instead."""

    @property
    def known(self) -> bool:
        """False while the machine's clock is not set."""
        return self.recorded or not isnan(self._published)

    def update(self, time_ns: int) -> None:
        """Publishes the offset when it changed."""
        if self.recorded:
            return
        utc_us = self._clock.utc_us(time_ns)
        if self._checked and utc_us < EARLIEST_UTC_US:
            self._published = nan
            self._image.publish(self._handle, nan, time_ns, BAD)
            return
        offset_s = utc_us * 1e-6 - time_ns * 1e-9
        if isnan(self._published) or abs(offset_s - self._published) >= NOTICED_S:
            self._published = offset_s
            self._image.publish(self._handle, offset_s, time_ns, GOOD)

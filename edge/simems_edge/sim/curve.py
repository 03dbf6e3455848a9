"""Recorded interval means as a continuous power over time that keeps each interval's energy."""

from __future__ import annotations

import math
from collections.abc import Callable


class MeanCurve:
    """Piecewise linear: edge - middle - edge in each interval; continuous, never negative, mean exactly as recorded.

    With means m and edges e, the middle value (4 m - e_left - e_right) / 2 keeps the mean; edges are the mean of
    both neighbours, at most twice the smaller one, so that no middle value is negative.
    """

    def __init__(self, mean_w: Callable[[int], float], interval_s: int) -> None:
        """``mean_w(k)``: mean power of the interval that starts ``k * interval_s`` seconds after 1970-01-01 UTC."""
        self._mean_w = mean_w
        self._interval_s = float(interval_s)
        self._half_s = interval_s / 2.0
        self._start_s = math.inf
        self._middle_s = 0.0
        self._end_s = -math.inf
        self._left = self._middle = self._slope_left = self._slope_right = 0.0
        self.mean = 0.0
        self.roughness = 0.0
        """How far the mean moves to its neighbours, as a share of the largest of the three (0 smooth)."""

    @property
    def end_s(self) -> float:
        """UTC second at which the current interval ends."""
        return self._end_s

    def at(self, utc_s: float) -> float:
        """Power in W at this instant."""
        if not self._start_s <= utc_s < self._end_s:
            self._enter(utc_s)
        if utc_s < self._middle_s:
            return self._left + (utc_s - self._start_s) * self._slope_left
        return self._middle + (utc_s - self._middle_s) * self._slope_right

    def _enter(self, utc_s: float) -> None:
        number = math.floor(utc_s / self._interval_s)
        before, mean, after = (max(self._mean_w(number + step), 0.0) for step in (-1, 0, 1))
        left, right = _edge(before, mean), _edge(mean, after)
        self._start_s = number * self._interval_s
        self._middle_s = self._start_s + self._half_s
        self._end_s = self._start_s + self._interval_s
        self._left, self._middle = left, (4.0 * mean - left - right) / 2.0
        self._slope_left = (self._middle - left) / self._half_s
        self._slope_right = (right - self._middle) / self._half_s
        self.mean = mean
        largest = max(before, mean, after)
        self.roughness = (abs(mean - before) + abs(after - mean)) / (2.0 * largest) if largest > 0.0 else 0.0


def _edge(first: float, second: float) -> float:
    return min((first + second) / 2.0, 2.0 * min(first, second))

"""What is due when. Pure."""

from __future__ import annotations

from collections.abc import Hashable, Mapping
from typing import Generic, TypeVar

Item = TypeVar("Item", bound=Hashable)


class Schedule(Generic[Item]):
    """When each item is due. Keeps its phase: a late poll does not shift the following ones, missed ones are not
    made up for."""

    def __init__(self, intervals_s: Mapping[Item, float], now_s: float) -> None:
        self._intervals_s = dict(intervals_s)
        self._due_s = dict.fromkeys(intervals_s, now_s)

    @property
    def next_s(self) -> float:
        return min(self._due_s.values())

    def take(self, now_s: float) -> tuple[Item, ...]:
        """Items due now; each is due again one interval later."""
        due = tuple(item for item, at in self._due_s.items() if at <= now_s)
        for item in due:
            interval_s = self._intervals_s[item]
            following = self._due_s[item] + interval_s
            self._due_s[item] = following if following > now_s else now_s + interval_s
        return due

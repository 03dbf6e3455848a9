"""What waits of one device: the newest frame goes next, then the oldest, in turn; pure.

The newest, because people look at it now; the oldest, because only it moves the acknowledgement, and with it whatever
the device may send next.
"""

from __future__ import annotations

from bisect import insort
from collections import Counter, deque

from simems_cloud.ingest.parcel import Parcel

BATCH_WEIGHT = 80_000
"""Values of one transaction: well under 0.1 s. A single frame may weigh more and then goes alone."""


class Lane:
    def __init__(self, batch_weight: int = BATCH_WEIGHT) -> None:
        self._batch_weight = batch_weight
        self._first: deque[Parcel] = deque()
        self._frames: dict[int, list[Parcel]] = {}
        self._order: list[int] = []
        self._newest_next = True
        self.weight = 0
        """Of all that waits."""
        self._kinds: Counter[str | None] = Counter()

    def __bool__(self) -> bool:
        return bool(self._first or self._order)

    @property
    def kind(self) -> str | None:
        """That all that waits is of."""
        return next(iter(self._kinds)) if len(self._kinds) == 1 else None

    def add(self, parcel: Parcel) -> None:
        self.weight += parcel.weight
        self._kinds[parcel.kind] += 1
        if parcel.sequence is None:
            self._first.append(parcel)
            return
        if parcel.sequence not in self._frames:
            insort(self._order, parcel.sequence)
        self._frames.setdefault(parcel.sequence, []).append(parcel)

    def take(self) -> list[Parcel]:
        """One transaction's worth; repeats of one sequence stay together, as they came."""
        batch = list(self._first)
        self._first.clear()
        weight = sum(parcel.weight for parcel in batch)
        while self._order:
            sequence = self._order[-1 if self._newest_next else 0]
            weight += sum(parcel.weight for parcel in self._frames[sequence])
            if batch and weight > self._batch_weight:
                break
            self._order.pop(-1 if self._newest_next else 0)
            batch += self._frames.pop(sequence)
            self._newest_next = not self._newest_next
        self.weight -= sum(parcel.weight for parcel in batch)
        self._kinds = +(self._kinds - Counter(parcel.kind for parcel in batch))
        return batch

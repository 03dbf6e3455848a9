"""The way of a turn, taken without its controller and without effect shortly before a turn.

Ten milliseconds of sleep are enough to lose code and data from the caches: the first turn after it takes several times
what a second one would. So the host's own part is run on the snapshot that stands: taking and giving back a snapshot,
reading values, making proposals and handing them to the core, which puts them where nobody looks. No controller runs,
nothing is proposed, published or kept.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from itertools import islice

from simems_core import CoreError, ProcessImage

from simems_edge.contracts import Context
from simems_edge.contracts.context import Row

AT_MOST = 8
"""Values and proposals; more is no warmer."""
Rehearse = Callable[[Sequence[Row]], object]


class Rehearsal:
    """``actuators``: handle -> number in the cycle; ``rehearse``: the core's, of cycle or guest."""

    def __init__(self, image: ProcessImage, actuators: Mapping[int, int], rehearse: Rehearse) -> None:
        self._image = image
        self._inputs = range(min(len(image), AT_MOST))
        self._actuators = dict(islice(actuators.items(), AT_MOST))
        self._rehearse = rehearse

    def __call__(self) -> None:
        """Once; without a snapshot to spare it is left out."""
        with suppress(CoreError):
            context = Context(self._actuators, {}, _nobody)
            context.begin(self._image.snapshot(), 0.0)
            total = sum(context.value(handle) or 0.0 for handle in self._inputs)
            for actuator in self._actuators:
                context.propose(actuator, preferred=total)
            self._rehearse(context.take())


def _nobody(_handle: int, _value: float, _time_ns: int) -> None:
    """Nothing is published."""

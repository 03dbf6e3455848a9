"""One controller's turns, wherever it runs. What raises loses its turn, and only its own.

A controller that raised says nothing in that cycle: what it proposed before lives out its lifetime, then the
actuator's fallback holds.
"""

from __future__ import annotations

import traceback
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Self

from simems_core import ProcessImage, Snapshot

from simems_edge.contracts import Binding, Context, Controller
from simems_edge.contracts.context import UTC_OFFSET, Row
from simems_edge.hosts.rehearsal import Rehearsal, Rehearse

NANOSECONDS = 1e-9
LONGEST_TEXT = 500
LONGEST_TRACE = 4000
Propose = Callable[[int, Sequence[Row]], object]
"""(cycle, rows)"""


def own_channels(controller: Controller, image: ProcessImage) -> dict[str, int]:
    """Handles of the metrics that a controller publishes, by name."""
    return {metric.name: image.handle(f"{controller.id}/{metric.name}") for metric in controller.spec.metrics}


@dataclass(frozen=True)
class Failure:
    """What was raised, in words only: the exception itself would keep its frames, and they the snapshot."""

    kind: str
    text: str
    """In one line."""
    trace: str
    out_of_memory: bool = False

    @classmethod
    def of(cls, error: Exception) -> Self:
        kind = type(error).__name__
        trace = "".join(traceback.format_exception(error))[-LONGEST_TRACE:]
        return cls(kind, f"{kind}: {error}"[:LONGEST_TEXT], trace, isinstance(error, MemoryError))


class Seat:
    """Binds at once; raises what the controller raises then."""

    def __init__(
        self,
        controller: Controller,
        image: ProcessImage,
        actuators: Mapping[str, int],
        propose: Propose,
        publish: Callable[[int, float, int], None],
        rehearse: Rehearse,
    ) -> None:
        """``actuators``: address -> number in the cycle; ``publish``: (handle, value, time_ns)."""
        self.controller = controller
        self._propose = propose
        self._last_ns: int | None = None
        own = own_channels(controller, image)
        binding = Binding(image, actuators, own)
        controller.bind(binding)
        self._context = Context(binding.actuators, own, publish, binding.find_channel(UTC_OFFSET))
        self.rehearse = Rehearsal(image, binding.actuators, rehearse)
        """Shortly before a turn; no effect."""

    def turn(self, snapshot: Snapshot, period_s: float) -> Failure | None:
        """One turn; how it failed, or None. ``period_s``: taken for the time since its last turn in the first one."""
        self._context.begin(snapshot, self._elapsed_s(snapshot.time_ns, period_s))
        cycle = snapshot.cycle
        # Whoever keeps an exception keeps this frame: it must not keep what only few may hold.
        del snapshot
        try:
            self.controller.execute(self._context)
            self._propose(cycle, self._context.take())
        except SystemExit as error:
            self._context.drop()
            return Failure.of(RuntimeError(f"it tried to end its process with exit code {error.code}"))
        except Exception as error:  # noqa: BLE001 - a plugin may raise anything; it must cost only its own turn
            self._context.drop()
            return Failure.of(error)
        return None

    def _elapsed_s(self, time_ns: int, period_s: float) -> float:
        last_ns, self._last_ns = self._last_ns, time_ns
        return period_s if last_ns is None else (time_ns - last_ns) * NANOSECONDS

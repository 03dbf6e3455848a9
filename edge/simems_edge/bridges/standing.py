"""Whether a bridge talks to one device, told as channels and as problems."""

from __future__ import annotations

from collections.abc import Callable
from typing import Final

from simems_edge.bridges.breaker import CircuitBreaker
from simems_edge.bridges.connection import ConnectionState
from simems_edge.bridges.reporter import Reporter
from simems_edge.bridges.surroundings import Surroundings

ENDED_BY_AN_ANSWER: Final = (
    "communication_lost", "wrong_answer", "device_refused", "access_refused", "device_frozen", "device_data",
)  # fmt: skip


class Standing:
    """``<component>/communication`` and ``<component>/connection_state``, and the breaker behind them."""

    def __init__(self, component: str, around: Surroundings, reporter: Reporter) -> None:
        self.answering = False
        self.breaker = CircuitBreaker(around.random)
        self._around, self._reporter = around, reporter
        self._told: ConnectionState | None = None
        find = around.image.find
        self._channels: tuple[tuple[int | None, Callable[[], float]], ...] = (
            (find(f"{component}/communication"), lambda: float(self.answering)),
            (find(f"{component}/connection_state"), lambda: float(self.breaker.state)),
        )

    def answered(self) -> None:
        """It gave right values."""
        self.breaker.success()
        self._reporter.clear(*ENDED_BY_AN_ANSWER)
        if not self.answering or self._told != self.breaker.state:
            self.answering = True
            self.publish()

    def failed(self, code: str, text: str, *, tolerated: bool) -> None:
        """It gave none. ``tolerated``: a first failure is taken for a lost packet."""
        if tolerated:
            self.breaker.failure()
        else:
            self.breaker.trip()
        if self.breaker.open:
            self._reporter.problem(code, text)
            self.answering = False
        self.publish()

    def publish(self) -> None:
        """As it stands now."""
        now_ns, self._told = self._around.clock.now_ns(), self.breaker.state
        for handle, value in self._channels:
            if handle is not None:
                self._around.image.publish(handle, value(), now_ns)

"""Alarms of the box itself: its disk and its way to the cloud. The control goes on in every one of these cases."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from simems_core import wire

from simems_edge.buffer import BufferFault
from simems_edge.runtime import AlarmBook
from simems_edge.runtime.alarm_rules import Condition

SHOWN_S = 3600.0
"""How long something that happened once stays among the active alarms."""
UNREACHABLE_S = 60.0


@dataclass(frozen=True)
class House:
    """What the rules look at."""

    writable: bool
    link: str
    error: str


class HouseAlarms:
    """``now_us`` UTC microseconds. Call :meth:`judge` about each second."""

    def __init__(self, *, on_event: Callable[[wire.Event], None], now_us: Callable[[], int]) -> None:
        self.book = AlarmBook(on_event=on_event)
        self._now_us = now_us
        self._happened: dict[str, tuple[int, Condition]] = {}
        self._last_up_us = now_us()

    def fault(self, fault: BufferFault) -> None:
        """The buffer met something that a person must know."""
        self._remember(
            Condition(
                code=fault.code,
                severity="alarm",
                component="buffer",
                text=fault.text,
                effect=fault.effect,
                remedy=fault.remedy,
            )
        )

    def refused(self, sequence: int, reason: str) -> None:
        """The cloud will never store this frame."""
        self._remember(
            Condition(
                code="sync.frame_refused",
                severity="alarm",
                component="sync",
                text=f"The cloud refused record {sequence}",
                cause=reason,
                effect="That record is kept on the box and missing in the cloud.",
                remedy="Update the software of the side that is older, then report the reason.",
            )
        )

    def _remember(self, condition: Condition) -> None:
        self._happened[condition.code] = (self._now_us(), condition)

    def judge(self, house: House) -> None:
        """Raise what holds, clear what is gone."""
        now_us = self._now_us()
        if house.link in {"up", "unconfigured"}:
            self._last_up_us = now_us
        if house.writable:
            self._happened.pop("buffer.not_writable", None)
        kept = {code: (at, c) for code, (at, c) in self._happened.items() if self._stands(code, at, now_us)}
        self._happened = kept
        self.book.update([*(c for _, c in kept.values()), *self._link_conditions(house, now_us)], now_us)

    def _stands(self, code: str, at_us: int, now_us: int) -> bool:
        return code == "buffer.not_writable" or now_us - at_us < SHOWN_S * 1e6

    def _link_conditions(self, house: House, now_us: int) -> list[Condition]:
        effect = "The site runs on; its records wait on the box."
        if house.link == "refused":
            return [
                Condition(
                    code="sync.refused",
                    severity="alarm",
                    component="sync",
                    text="The cloud refuses this device",
                    cause=house.error,
                    effect=effect,
                    remedy="Enter this box's claim code in the cloud and approve it (docs/provisioning.md); "
                    "check cloud.server_key in the site file.",
                )
            ]
        if now_us - self._last_up_us > UNREACHABLE_S * 1e6:
            return [
                Condition(
                    code="sync.unreachable",
                    severity="warning",
                    component="sync",
                    text="The cloud is not reachable",
                    cause=house.error,
                    effect=effect,
                    remedy="Check the network and cloud.endpoint in the site file.",
                )
            ]
        return []

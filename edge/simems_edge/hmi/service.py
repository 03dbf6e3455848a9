"""What the HTTP interface needs of the edge behind it."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Protocol

from prometheus_client import CollectorRegistry

from simems_edge.hmi.record_schemas import Action, LimitEvent
from simems_edge.hmi.schemas import (
    Alarm,
    ClaimCode,
    CycleHealth,
    DeviceIdentity,
    Fault,
    History,
    Latest,
    Override,
    OverrideRequest,
    SiteDescription,
    SyncStatus,
)


class EdgeService(Protocol):
    """Everything is asked on the event loop; nothing here may block it or wait for the cycle."""

    registry: CollectorRegistry
    """Where ``/metrics`` reads from."""

    def now(self) -> datetime:
        """UTC of the edge's own clock."""

    def site(self) -> SiteDescription: ...

    def latest(self) -> Latest: ...

    async def changed(self, after_cycle: int, timeout_s: float) -> bool:
        """True as soon as a cycle newer than ``after_cycle`` is done, false after ``timeout_s``."""

    async def history(self, channels: Sequence[str], start: datetime, end: datetime, max_points: int) -> History:
        """KeyError for a channel that does not exist."""

    def alarms(self, *, active: bool | None) -> list[Alarm]: ...

    def acknowledge_alarm(self, alarm_id: str, actor: str) -> Alarm:
        """KeyError when there is no such alarm."""

    def faults(self) -> list[Fault]:
        """Those that stand."""

    async def clear_fault(self, code: str, actor: str) -> list[str]:
        """Ids of what was cleared. KeyError for a code the site does not have, FaultRefusedError with the reason."""

    def overrides(self) -> list[Override]: ...

    def set_override(self, request: OverrideRequest, actor: str) -> Override:
        """KeyError for an unknown target, ValueError for a value it cannot take."""

    def clear_override(self, target: str, actor: str) -> None:
        """KeyError when nothing stands on ``target``."""

    def cycle(self) -> CycleHealth: ...

    async def sync(self) -> SyncStatus: ...

    def identity(self) -> DeviceIdentity: ...

    def claim_code(self) -> ClaimCode: ...

    async def actions(self, limit: int) -> list[Action]:
        """Newest first. StorageError when the disk does not give them."""

    async def limits(self, limit: int) -> list[LimitEvent]:
        """Newest first. OSError when the record cannot be read."""

    async def readiness(self) -> dict[str, bool]:
        """Checks by name; all true means ready."""

    def audit(self, code: str, actor: str, text: str) -> None:
        """Keep a person's action as a durable event."""

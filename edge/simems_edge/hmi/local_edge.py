"""The edge of this process as the HTTP interface asks for it: runtime, buffer and uplink behind one face."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from uuid import uuid4

import numpy as np
import numpy.typing as npt
from prometheus_client import CollectorRegistry
from simems_core import wire

from simems_edge.buffer import Buffer, SeriesColumns
from simems_edge.hmi import description
from simems_edge.hmi.house_alarms import HouseAlarms
from simems_edge.hmi.metrics import EdgeFigures, registry_of
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
    Series,
    SiteDescription,
    SyncStatus,
)
from simems_edge.runtime import OPERATOR, Runtime
from simems_edge.runtime import Override as StandingOverride
from simems_edge.sync import Identity, Uplink, UplinkStatus
from simems_edge.sync.claim_qr import claim_svg

NANOSECONDS = 1_000_000_000
LATE_CYCLES = 10
LATEST_S = 2.0


class LocalEdge:
    """Implements :class:`EdgeService`. ``uplink`` is None when no cloud is configured; ``limits`` reads the record."""

    def __init__(
        self,
        runtime: Runtime,
        buffer: Buffer,
        uplink: Uplink | None,
        house: HouseAlarms,
        *,
        record: Callable[[wire.Event], None],
        identity: Identity,
        limits: Callable[[int], list[LimitEvent]],
    ) -> None:
        self._runtime = runtime
        self._buffer = buffer
        self._uplink = uplink
        self._house = house
        self._record = record
        self._identity = identity
        self._limits = limits
        self._latest: tuple[tuple[int, str, str], Latest] | None = None
        self._addresses = {channel.address for channel in runtime.channels}
        self.registry: CollectorRegistry = registry_of(
            EdgeFigures(
                cycle=self.cycle,
                alarms=lambda: self.alarms(active=True),
                latest=self.latest,
                buffer=buffer.status_now,
                checks=self.checks,
            )
        )

    def now(self) -> datetime:
        return _time(self._now_us())

    def _now_us(self) -> int:
        clock = self._runtime.clock
        return clock.utc_us(clock.now_ns())

    def site(self) -> SiteDescription:
        return description.describe(self._runtime)

    def latest(self) -> Latest:
        """Made once per cycle, however many screens ask."""
        runtime = self._runtime
        key = (runtime.image.snapshot().cycle, runtime.state, runtime.control_mode)
        if self._latest is None or self._latest[0] != key:
            self._latest = (key, Latest.model_validate(runtime.latest()))
        return self._latest[1]

    async def changed(self, after_cycle: int, timeout_s: float) -> bool:
        cycle = self._runtime.cycle
        if cycle.number > after_cycle:
            return True
        return await asyncio.to_thread(cycle.wait, after_cycle, timeout_s) is not None

    async def history(self, channels: Sequence[str], start: datetime, end: datetime, max_points: int) -> History:
        for channel in channels:
            if channel not in self._addresses:
                raise KeyError(channel)
        return _history(await self._buffer.history(channels, _us(start), _us(end), max_points))

    def alarms(self, *, active: bool | None) -> list[Alarm]:
        books = (self._runtime.alarms, self._house.book)
        alarms = [alarm for book in books for alarm in book.list(active=active)]
        return [description.alarm(a) for a in sorted(alarms, key=lambda a: a.raised_us, reverse=True)]

    def acknowledge_alarm(self, alarm_id: str, actor: str) -> Alarm:
        now_us = self._now_us()
        try:
            return description.alarm(self._house.book.acknowledge(alarm_id, actor, now_us))
        except KeyError:
            return description.alarm(self._runtime.alarms.acknowledge(alarm_id, actor, now_us))

    def faults(self) -> list[Fault]:
        return [description.fault(standing) for standing in self._runtime.faults.standing()]

    async def clear_fault(self, code: str, actor: str) -> list[str]:
        return await asyncio.to_thread(self._runtime.faults.clear, code, actor)

    def overrides(self) -> list[Override]:
        return [_override(standing) for standing in self._runtime.overrides.standing()]

    def set_override(self, request: OverrideRequest, actor: str) -> Override:
        standing = self._runtime.overrides.set(
            request.target,
            request.value,
            duration_s=request.duration_s,
            reason=request.reason,
            actor=actor,
            role=OPERATOR,
            outlasts_restart=request.outlasts_restart,
        )
        return _override(standing)

    def clear_override(self, target: str, actor: str) -> None:
        self._runtime.overrides.clear(target, actor)

    def cycle(self) -> CycleHealth:
        return description.cycle(
            self._runtime.statistics(), running=self.cycle_running(), period_s=self._runtime.site.cycle.period_s
        )

    def cycle_running(self) -> bool:
        """Cycles complete now, not only is a thread there."""
        runtime = self._runtime
        age_s = (runtime.clock.now_ns() - runtime.image.snapshot().time_ns) / NANOSECONDS
        longest_s = max(LATEST_S * runtime.clock.speed, LATE_CYCLES * runtime.site.cycle.period_s)
        return bool(runtime.cycle.running) and age_s <= longest_s

    def bridge_up(self) -> bool:
        """At least one device talks."""
        snapshot, image = self._runtime.image.snapshot(), self._runtime.image
        components = (component.id for component in self._runtime.site.components)
        return any(snapshot.value(image.handle(f"{component}/communication")) == 1.0 for component in components)

    async def sync(self) -> SyncStatus:
        status = await self._buffer.status()
        link = self._uplink.status if self._uplink else UplinkStatus("unconfigured")
        offset_us = self._uplink.cloud_clock.offset_us(self._now_us()) if self._uplink else None
        return SyncStatus(
            link=link.link,
            error=link.error,
            connections=link.connections,
            resends=link.resends,
            dropped_frames=status.dropped_telemetry,
            dropped_events=status.dropped_events,
            thinned_rows=status.thinned_rows,
            refused_frames=status.refused,
            lost_in_memory=self._buffer.lost_in_memory,
            clock_offset_s=None if offset_us is None else round(offset_us / 1e6, 3),
            queue_frames=status.queued,
            oldest_unsent_at=_time(status.oldest_unsent_us) if status.oldest_unsent_us else None,
            last_ack_at=_time(status.last_ack_us) if status.last_ack_us else None,
            last_sequence=status.last_sequence,
            acked_sequence=status.acked_sequence,
        )

    def identity(self) -> DeviceIdentity:
        status = self._uplink.status if self._uplink else None
        return DeviceIdentity(
            public_key=self._identity.keys.public_key,
            fingerprint=self._identity.fingerprint,
            signing_key=self._identity.signing_public,
            admitted=status is not None and status.link == "up",
            waits_for=status.error if status is not None and status.link == "refused" else "",
        )

    def claim_code(self) -> ClaimCode:
        code, fingerprint = self._identity.claim_code, self._identity.fingerprint
        return ClaimCode(code=code, fingerprint=fingerprint, qr_svg=claim_svg(code, fingerprint))

    async def actions(self, limit: int) -> list[Action]:
        return [description.action(event) for event in await self._buffer.actions(limit)]

    async def limits(self, limit: int) -> list[LimitEvent]:
        return await asyncio.to_thread(self._limits, limit)

    async def readiness(self) -> dict[str, bool]:
        return self.checks()

    def checks(self) -> dict[str, bool]:
        """By name; any thread."""
        return {"cycle": self.cycle_running(), "buffer": self._buffer.writable, "bridge": self.bridge_up()}

    def trial_checks(self) -> dict[str, bool]:
        """What a new configuration must leave as healthy as it was: also the way by which another one could come."""
        return {**self.checks(), "cloud": self._uplink is not None and self._uplink.status.link == "up"}

    def audit(self, code: str, actor: str, text: str) -> None:
        self._record(
            wire.Event(
                id=uuid4().hex,
                kind="action",
                code=code,
                severity="info",
                component="hmi",
                time_us=self._now_us(),
                text=text,
                actor=actor,
            )
        )


def _time(time_us: int) -> datetime:
    return datetime.fromtimestamp(time_us / 1e6, UTC)


def _us(time: datetime) -> int:
    return round(time.timestamp() * 1e6)


def _override(standing: StandingOverride) -> Override:
    return Override(
        target=standing.target,
        value=standing.value,
        reason=standing.reason,
        actor=standing.actor,
        role=standing.role,
        outlasts_restart=standing.outlasts_restart,
        set_at=_time(standing.set_us),
        expires_at=_time(standing.expires_us),
    )


def _history(columns: SeriesColumns) -> History:
    return History(
        resolution_s=columns.resolution_s,
        times=[_time(time_us) for time_us in columns.times_us.tolist()],
        series={
            name: Series(mean=_list(m), minimum=_list(low), maximum=_list(high))
            for name, (m, low, high) in columns.series.items()
        },
    )


def _list(values: npt.NDArray[np.float64]) -> list[float | None]:
    return [number if number == number else None for number in values.tolist()]  # noqa: PLR0124 - NaN

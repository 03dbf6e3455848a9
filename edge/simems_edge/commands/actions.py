"""Does what a command says: the same calls that the screen makes, so the same checks, guards and audit entries."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from math import isfinite
from typing import Protocol

import msgspec
from simems_core import wire

from simems_edge.commands.configuration import Configuration, ConfigurationRefusedError
from simems_edge.commands.payloads import (
    ClearFaultCommand,
    ConfigurationCommand,
    EmptyCommand,
    ModeCommand,
    OverrideCommand,
    PayloadError,
    ScheduleCommand,
    UpdateCommand,
    payload_of,
)
from simems_edge.commands.updater import UpdateRefusedError, install
from simems_edge.config import SiteError
from simems_edge.config.parse import parse_document
from simems_edge.runtime import FaultRefusedError, RequestRefusedError, Runtime
from simems_edge.schedule import ScheduleStore, schedule_in

LONGEST_MODE_S = 86_400.0


@dataclass(frozen=True)
class Outcome:
    """``over`` False: it goes on, and its end is told later."""

    done: bool
    reason: str = ""
    attachment: bytes = b""
    over: bool = True


def rejected(reason: str) -> Outcome:
    return Outcome(False, reason)


class Box(Protocol):
    """What only the process itself can do."""

    def restart(self, because: str) -> None:
        """Soon, in an orderly way."""

    async def diagnostics(self) -> bytes:
        """A zip file about the state of this box, without secrets."""

    def rotate_key(self) -> str:
        """Why there will be no new keys; empty: they are made. Raises OSError."""


REFUSALS = (
    *(PayloadError, ValueError, SiteError, FaultRefusedError, RequestRefusedError, ConfigurationRefusedError),
    UpdateRefusedError,
)
"""What the edge says to a person on the screen, it says to the cloud."""
Action = Callable[[wire.Command], Awaitable[Outcome]]


class Actions:
    """``store`` None: this site follows no schedule."""

    def __init__(self, runtime: Runtime, box: Box, configuration: Configuration, store: ScheduleStore | None) -> None:
        self._runtime, self._box, self._configuration, self._store = runtime, box, configuration, store
        self._by_kind: dict[str, Action] = {
            "override": self._override,
            "mode": self._mode,
            "clear_fault": self._clear_fault,
            "schedule": self._schedule,
            "configuration": self._configure,
            "restart": self._restart,
            "diagnostics": self._diagnose,
            "update": self._update,
            "rotate_key": self._rotate_key,
        }

    async def perform(self, command: wire.Command) -> Outcome:
        """Never raises for what stands in a command."""
        try:
            return await self._by_kind[command.kind](command)
        except KeyError as error:
            return rejected(str(error.args[0]) if error.args else "there is no such thing on this site")
        except REFUSALS as error:
            return rejected(str(error))
        except OSError as error:
            return rejected(f"the disk does not take it ({error.strerror or error}); check it")

    async def _override(self, command: wire.Command) -> Outcome:
        wanted = payload_of(OverrideCommand, command.payload)
        if wanted.clear:
            self._runtime.overrides.clear(wanted.target, command.actor)
            return Outcome(True)
        standing = self._runtime.overrides.set(
            wanted.target,
            wanted.value,
            duration_s=wanted.duration_s,
            reason=wanted.reason,
            actor=command.actor,
            outlasts_restart=wanted.outlasts_restart,
        )
        return Outcome(True, f"{standing.target} is asked to be {standing.value:g} for {wanted.duration_s:g} s")

    async def _mode(self, command: wire.Command) -> Outcome:
        wanted = payload_of(ModeCommand, command.payload)
        if not (isfinite(wanted.duration_s) and 0.0 <= wanted.duration_s <= LONGEST_MODE_S):
            return rejected(f"a duration of {wanted.duration_s:g} s is not within 0..{LONGEST_MODE_S:g} s")
        self._runtime.requests.set_mode(wanted.mode, actor=command.actor, duration_s=wanted.duration_s)
        return Outcome(True)

    async def _clear_fault(self, command: wire.Command) -> Outcome:
        code = payload_of(ClearFaultCommand, command.payload).code
        try:
            cleared = await asyncio.to_thread(self._runtime.faults.clear, code, command.actor)
        except KeyError:
            return rejected(f"{code!r} is no fault that this site can have")
        return Outcome(True, f"cleared: {', '.join(cleared)}")

    async def _schedule(self, command: wire.Command) -> Outcome:
        wanted = payload_of(ScheduleCommand, command.payload)
        if self._store is None:
            return rejected("no controller of this site follows a schedule; add follow_schedule to the site file")
        if wanted.schedule is None:
            self._store.remove()
            return Outcome(True, "no schedule is followed")
        text = msgspec.json.encode(wanted.schedule).decode()
        schedule = schedule_in(parse_document(text, "schedule"), self._runtime.site)
        self._store.save(schedule)
        return Outcome(True, f"schedule {schedule.id} with {len(schedule.slots)} slots is followed")

    async def _configure(self, command: wire.Command) -> Outcome:
        wanted = payload_of(ConfigurationCommand, command.payload)
        await asyncio.to_thread(self._configuration.begin, command.id, wanted.site_yaml)
        self._box.restart("a new configuration")
        return Outcome(True, "checked; on trial", over=False)

    async def _restart(self, command: wire.Command) -> Outcome:
        payload_of(EmptyCommand, command.payload)
        self._box.restart(f"asked for by {command.actor}")
        return Outcome(True, over=False)

    async def _diagnose(self, command: wire.Command) -> Outcome:
        payload_of(EmptyCommand, command.payload)
        content = await self._box.diagnostics()
        return Outcome(True, f"{len(content)} bytes", content)

    async def _update(self, command: wire.Command) -> Outcome:
        wanted = payload_of(UpdateCommand, command.payload)
        return Outcome(True, await install(wanted))

    async def _rotate_key(self, command: wire.Command) -> Outcome:
        payload_of(EmptyCommand, command.payload)
        wrong = self._box.rotate_key()
        return Outcome(not wrong, wrong or "new keys are made; they are used from the next connection on")

"""The command desk of a box as it is, with notes in the place of what it would do."""

from __future__ import annotations

from pathlib import Path
from typing import Any, cast

from simems_core import wire
from simems_edge.commands import Actions, CommandDesk, Ledger, Trust
from simems_edge.commands.actions import Outcome
from simems_edge.sync import CloudClock, Identity


class Notes:
    """In place of the actions; with an identity it makes new keys when it is told to."""

    def __init__(self, identity: Identity | None) -> None:
        self.done: list[wire.Command] = []
        self._identity = identity

    async def perform(self, command: wire.Command) -> Outcome:
        self.done.append(command)
        if command.kind == "rotate_key" and self._identity is not None:
            self._identity.begin_rotation()
        return Outcome(True)


class Hand:
    """The command desk of a box, on the box's disk."""

    def __init__(self, folder: Path, identity: Identity | None = None) -> None:
        self.folder, self.notes = folder, Notes(identity)
        self.events: list[wire.Event] = []

    def partners(self) -> dict[str, Any]:
        clock = CloudClock()
        parts = (Trust(self.folder), Ledger(self.folder), cast("Actions", self.notes), clock)
        desk = CommandDesk(*parts, record=self.events.append, utc_us=lambda: 1)
        return {"commands": desk, "clock": clock}

"""What became of the newest commands, so that the cloud may ask again and nothing is done again.

Losing it loses answers only: what must never be forgotten, the counter, lies apart (``trust``).
"""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Final, Literal

import msgspec
from simems_core import wire

from simems_edge.sync.private_files import read_private, write_private

log = logging.getLogger(__name__)
FILE: Final = "commands.json"
FOLDER: Final = "command-results"
MOST: Final = 200
MOST_ATTACHMENTS: Final = 4
State = Literal["accepted", "done", "rejected", "expired"]
ACROSS_RESTARTS: Final = ("restart", "configuration")
"""Kinds whose end is known only after a restart."""
INTERRUPTED: Final = "interrupted by a restart; whether it took effect is not known"


class Entry(msgspec.Struct, frozen=True):
    counter: int
    kind: str
    state: State
    time_us: int
    reason: str = ""
    actor: str = ""


class Ledger:
    """Of one data folder; at the start of a process everything that was under way is decided."""

    def __init__(self, folder: Path) -> None:
        self._path, self._results = folder / FILE, folder / FOLDER
        self._entries = self._load()

    def find(self, command_id: str) -> Entry | None:
        return self._entries.get(command_id)

    def begun(self) -> list[tuple[str, Entry]]:
        """Those that are not over."""
        return [(key, entry) for key, entry in self._entries.items() if entry.state == "accepted"]

    def keep(self, command_id: str, entry: Entry, attachment: bytes = b"") -> None:
        """Durable when it returns. Raises OSError."""
        if attachment:
            self._results.mkdir(mode=0o700, exist_ok=True)
            write_private(self._results / command_id, attachment)
            self._forget_attachments()
        self._entries[command_id] = entry
        while len(self._entries) > MOST:
            del self._entries[next(iter(self._entries))]
        write_private(self._path, msgspec.json.encode(self._entries))

    def answer(self, command_id: str) -> wire.CommandAck:
        """What stands here, as the cloud wants it. KeyError when it is not here."""
        entry = self._entries[command_id]
        try:
            attachment = (self._results / command_id).read_bytes()
        except OSError:
            attachment = b""
        return wire.CommandAck(
            id=command_id, state=entry.state, time_us=entry.time_us, reason=entry.reason, attachment=attachment
        )

    def _forget_attachments(self) -> None:
        kept = sorted(self._results.iterdir(), key=lambda path: path.stat().st_mtime_ns)
        for path in kept[:-MOST_ATTACHMENTS]:
            path.unlink(missing_ok=True)

    def _load(self) -> dict[str, Entry]:
        try:
            content = read_private(self._path)
            return {} if content is None else msgspec.json.decode(content, type=dict[str, Entry])
        except (msgspec.MsgspecError, OSError) as error:
            log.warning("answers to old commands are lost", extra={"reason": str(error)})
            return {}

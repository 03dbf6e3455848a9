"""Whom this box believes: its tenant, its own id, the tenant's command keys, and the highest counter it has seen.

It comes with the first welcome after the box was taken in, over the connection whose server key the site file names,
and stays. The counter is on the disk before anything is done, so that no power cut lets a command come twice. A file
that cannot be read is set aside: the next welcome begins again, at the cloud's newest counter, and whatever was sent
before is refused.
"""

from __future__ import annotations

import logging
import re
from pathlib import Path
from typing import Final

import msgspec
from simems_core import wire

from simems_edge.sync.private_files import read_private, write_private

log = logging.getLogger(__name__)
FILE: Final = "command-trust.json"
_KEY = re.compile(r"[0-9a-f]{64}")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    tenant: str
    device: str
    command_keys: tuple[str, ...]
    counter: int


class Trust:
    """Of one data folder. ``anchor`` None: no command is believed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self.anchor = self._load()

    def welcome(self, welcome: wire.Welcome) -> str | None:
        """Takes the first; a later one that differs changes nothing and is told. Raises OSError."""
        told = _anchor_in(welcome)
        if told is None:
            return "a welcome that names no tenant, device and command key"
        if self.anchor is None:
            self._save(told)
            log.info("commands of this tenant are believed", extra={"tenant": told.tenant, "device": told.device})
            return None
        mine = self.anchor
        same = (told.tenant, told.device, set(told.command_keys)) == (mine.tenant, mine.device, set(mine.command_keys))
        return None if same else "the cloud names another tenant, device or command key than when it took this box in"

    def seen(self, counter: int) -> None:
        """Durable when it returns: nothing at or below ``counter`` is done from now on. Raises OSError."""
        if self.anchor is None or counter <= self.anchor.counter:
            raise ValueError(f"counter {counter} does not rise")
        self._save(msgspec.structs.replace(self.anchor, counter=counter))

    def _save(self, anchor: Anchor) -> None:
        write_private(self._path, msgspec.json.encode(anchor))
        self.anchor = anchor

    def _load(self) -> Anchor | None:
        try:
            content = read_private(self._path)
            return None if content is None else _checked(msgspec.json.decode(content, type=Anchor))
        except (msgspec.MsgspecError, ValueError, OSError) as error:
            log.error("set aside what says whose commands are believed", extra={"reason": str(error)})  # noqa: TRY400
            self._path.replace(self._path.with_suffix(".damaged"))
            return None


def _anchor_in(welcome: wire.Welcome) -> Anchor | None:
    anchor = Anchor(welcome.tenant, welcome.device, tuple(welcome.command_keys), welcome.command_counter)
    try:
        return _checked(anchor)
    except ValueError:
        return None


def _checked(anchor: Anchor) -> Anchor:
    keys = anchor.command_keys
    if not (_ID.fullmatch(anchor.tenant) and _ID.fullmatch(anchor.device) and 0 <= anchor.counter < 2**63):
        raise ValueError("tenant, device or counter cannot be")
    if not 0 < len(keys) <= 8 or not all(_KEY.fullmatch(key) for key in keys):
        raise ValueError("command keys cannot be")
    return anchor

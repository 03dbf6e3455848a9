"""Whom this box believes: its tenant, its own id, the tenant's command key, and the highest counter it has seen.

It comes with the first welcome after the box was taken in, over the connection whose server key the site file names,
and stays. Another key is believed only on a statement of the one before, and an old key ends at the time that its
statement names. The counter, and every key, is on the disk before anything is done, so that no power cut lets a command
come twice or a key come back. A file that cannot be read is set aside: the next welcome begins again, at the cloud's
newest counter, and whatever was sent before is refused.
"""

from __future__ import annotations

import logging
from dataclasses import dataclass
from pathlib import Path
from typing import Final

import msgspec
from simems_core import wire

from simems_edge.commands.anchor import Anchor, checked
from simems_edge.commands.key_chain import CLAIM_ANEW, Broken, follow, without_ended
from simems_edge.sync.private_files import read_private, write_private

log = logging.getLogger(__name__)
FILE: Final = "command-trust.json"


@dataclass(frozen=True)
class Heard:
    """What a welcome came to: ``changed`` the key that is believed; ``reason``: why nothing changed although it
    should have."""

    changed: bool = False
    reason: str = ""
    alarming: bool = False


class Trust:
    """Of one data folder. ``anchor`` None: no command is believed."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE
        self.anchor = self._load()

    def welcome(self, welcome: wire.Welcome) -> Heard:
        """Takes the first; of a later one only what the key that is believed has signed. Raises OSError."""
        mine = self.anchor
        start = mine or _begun_with(welcome)
        if start is None:
            return Heard(reason="a welcome that names no tenant, device and command key")
        if (welcome.tenant, welcome.device) != (start.tenant, start.device):
            return Heard(reason=f"the cloud names another tenant or device than when it took this box in; {CLAIM_ANEW}")
        followed = follow(start, welcome.key_changes or (), next(reversed(welcome.command_keys), ""))
        if isinstance(followed, Broken):
            return Heard(reason=followed.reason, alarming=followed.alarming)
        if followed == mine:
            return Heard()
        self._save(followed)
        extra = {"tenant": followed.tenant, "device": followed.device, "key_number": followed.key_number}
        log.info("commands signed with this tenant's key are believed", extra=extra)
        return Heard(changed=mine is not None)

    def forget_ended(self, latest_us: int) -> None:
        """Durable when it returns: keys whose time is over by then never come back. Raises OSError."""
        if self.anchor is not None and (left := without_ended(self.anchor, latest_us)) is not self.anchor:
            self._save(left)
            log.info("an old command key has ended", extra={"key_number": left.key_number})

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
            return None if content is None else checked(msgspec.json.decode(content, type=Anchor))
        except (msgspec.MsgspecError, ValueError, OSError) as error:
            log.error("set aside what says whose commands are believed", extra={"reason": str(error)})  # noqa: TRY400
            self._path.replace(self._path.with_suffix(".damaged"))
            return None


def _begun_with(welcome: wire.Welcome) -> Anchor | None:
    """What a box that believes nobody yet begins with: the first key of the chain, or the keys that are named."""
    first = welcome.key_changes[0] if welcome.key_changes else None
    keys = tuple(welcome.command_keys) if first is None else (first.old_key,)
    number = 0 if first is None else first.number - 1
    try:
        return checked(Anchor(welcome.tenant, welcome.device, keys, welcome.command_counter, number))
    except ValueError:
        return None

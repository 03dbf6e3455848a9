"""Whom a box believes, as it lies on the disk."""

from __future__ import annotations

import re
from typing import Final

import msgspec
from simems_core import wire
from simems_core.key_changes import malformed

_KEY: Final = re.compile(r"[0-9a-f]{64}")
_ID: Final = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


class Anchor(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``command_keys``: the one that is believed without end is last; those before it end at ``old_until_us``."""

    tenant: str
    device: str
    command_keys: tuple[str, ...]
    counter: int
    """The highest counter of a command that was seen."""
    key_number: int = 0
    """Of the newest key: how often the tenant had changed it."""
    old_until_us: dict[str, int] = {}
    """By key, the cloud's time at which it ends; one that is not named here has no end."""
    last_change: wire.KeyChange | None = None
    """The statement that led to the newest key."""

    @property
    def key(self) -> str:
        """The one that signs from now on."""
        return self.command_keys[-1]

    def ended(self, key: str, latest_us: int) -> bool:
        """At this time of the cloud what ``key`` signed is not done any more."""
        until_us = self.old_until_us.get(key)
        return until_us is not None and latest_us >= until_us


def checked(anchor: Anchor) -> Anchor:
    """Raises ValueError for what no anchor can be."""
    keys = anchor.command_keys
    if not (_ID.fullmatch(anchor.tenant) and _ID.fullmatch(anchor.device) and 0 <= anchor.counter < 2**63):
        raise ValueError("tenant, device or counter cannot be")
    if not 0 < len(keys) <= 8 or not all(_KEY.fullmatch(key) for key in keys):
        raise ValueError("command keys cannot be")
    if not 0 <= anchor.key_number < 2**31 or anchor.key in anchor.old_until_us:
        raise ValueError("the number or the end of a key cannot be")
    if anchor.last_change is not None and malformed(anchor.last_change):
        raise ValueError("the last change of keys cannot be")
    return anchor

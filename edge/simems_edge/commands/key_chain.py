"""From the command key that a box believes to the one that signs now, along statements of each old key; pure.

All or nothing: a chain with one statement that is not right leads nowhere. Statements at or below the number that is
known mean nothing more, so that none can be played again.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from simems_core.key_changes import LONGEST_CHAIN, malformed, signed_text
from simems_core.wire import KeyChange

from simems_edge.commands.anchor import Anchor

MOST_OLD: Final = 7
CLAIM_ANEW: Final = "make the box new with `simems-edge identity --renew` and claim it again"


@dataclass(frozen=True)
class Broken:
    """``alarming``: somebody who holds a key of the tenant said two things, or nobody of the tenant said it."""

    reason: str
    alarming: bool = True


def follow(anchor: Anchor, changes: Sequence[KeyChange], signs_now: str) -> Anchor | Broken:
    """What to believe after these statements; ``signs_now``: the key that the cloud says it signs with."""
    if len(changes) > LONGEST_CHAIN:
        return Broken(f"{len(changes)} changes of keys; at most {LONGEST_CHAIN} are looked at")
    followed = anchor
    for change in changes:
        if change.number <= anchor.key_number:
            if _contradicts(anchor, change):
                return Broken(f"the key was changed twice, to two others; somebody else holds it: {CLAIM_ANEW}")
            continue
        wrong = _wrong(followed, change)
        if wrong is not None:
            return Broken(f"change {change.number} of the command key: {wrong}")
        followed = _after(followed, change)
    if followed.key != signs_now:
        text = f"no statement leads from the key that is believed to the one that the cloud names; {CLAIM_ANEW}"
        return Broken(text, alarming=False)
    return followed


def _wrong(anchor: Anchor, change: KeyChange) -> str | None:
    wrong = malformed(change)
    if wrong is not None:
        return wrong
    if change.tenant != anchor.tenant:
        return "it is of another tenant"
    if change.number != anchor.key_number + 1:
        return f"it does not follow number {anchor.key_number}"
    if change.old_key != anchor.key:
        return "it is not of the key that is believed"
    if change.new_key in anchor.command_keys:
        return "it goes back to a key that was given up"
    return None if _signed(change) else "the signature does not fit"


def _after(anchor: Anchor, change: KeyChange) -> Anchor:
    kept = anchor.command_keys[-MOST_OLD:]
    until_us = {key: anchor.old_until_us[key] for key in kept[:-1]} | {change.old_key: change.old_until_us}
    return msgspec.structs.replace(
        anchor,
        command_keys=(*kept, change.new_key),
        key_number=change.number,
        old_until_us=until_us,
        last_change=change,
    )


def without_ended(anchor: Anchor, latest_us: int) -> Anchor:
    """The same when no key has ended at this time of the cloud."""
    kept = tuple(key for key in anchor.command_keys if not anchor.ended(key, latest_us))
    if kept == anchor.command_keys:
        return anchor
    until_us = {key: end_us for key, end_us in anchor.old_until_us.items() if key in kept}
    return msgspec.structs.replace(anchor, command_keys=kept, old_until_us=until_us)


def _contradicts(anchor: Anchor, change: KeyChange) -> bool:
    """The same old key signed that it is followed by another one than we were led to."""
    last = anchor.last_change
    if last is None or change.number != last.number or change == last or malformed(change):
        return False
    same = (change.tenant, change.old_key) == (last.tenant, last.old_key)
    return same and change.new_key != last.new_key and _signed(change)


def _signed(change: KeyChange) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(change.old_key))
        key.verify(bytes.fromhex(change.signature), signed_text(change))
    except (InvalidSignature, ValueError):
        return False
    return True

"""What is signed when a tenant's command key is followed by another, and what must be true of such a statement.

The key that was believed so far signs, over tenant, number, both keys and the end of its own time: whoever does not
hold it cannot lead a device to another key. The number rises by one with each change, so that a chain of statements has
one order and an old one means nothing. The fields are lines, as of a command; signing and verifying are the caller's.
"""

from __future__ import annotations

import re
from typing import Final

from simems_core import wire

LONGEST_CHAIN: Final = 1000
LONGEST_OVERLAP_US: Final = 90 * 86_400 * 1_000_000
_DOMAIN: Final = "simems-key-change-1"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_KEY, _SIGNATURE = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{128}")


def signed_text(change: wire.KeyChange) -> bytes:
    """What the old key's signature is over. Raises ValueError when a field could be read as two."""
    fields = (_DOMAIN, change.tenant, str(change.number), change.old_key, change.new_key, str(change.old_until_us))
    if any(ord(letter) < 32 for field in fields for letter in field):
        raise ValueError("a field of the statement holds a control character")
    return "\n".join(fields).encode("utf-8", "surrogatepass")


def malformed(change: wire.KeyChange) -> str | None:
    """What makes a statement impossible whoever signed it, in words; None when nothing does."""
    if not _ID.fullmatch(change.tenant):
        return "tenant must be a UUID"
    if not (
        _KEY.fullmatch(change.old_key) and _KEY.fullmatch(change.new_key) and _SIGNATURE.fullmatch(change.signature)
    ):
        return "keys or signature are not hexadecimal"
    if change.old_key == change.new_key:
        return "the new key is the old one"
    if not 0 < change.number < 2**31:
        return f"number {change.number} is out of range"
    return None if 0 < change.old_until_us <= wire.MAX_TIME_US else "old_until_us is out of range"

"""What is signed of a command, and what must be true of one before anything is done.

The text that is signed has one line per field, in a fixed order; no field can hold a line break, so two different
commands never have the same text. The payload is bound by its hash. The signature is Ed25519 (RFC 8032) with the
tenant's command key; signing and verifying are the caller's, who holds keys.
"""

from __future__ import annotations

import hashlib
import re
from typing import Final

from simems_core import wire

KINDS: Final = (
    *("override", "mode", "clear_fault", "schedule", "configuration", "restart", "diagnostics", "update"),
    *("rotate_key",),
)
MAX_PAYLOAD: Final = 512 * 1024
"""Characters."""
LONGEST_VALIDITY_US: Final = 7 * 86_400 * 1_000_000
_DOMAIN: Final = "simems-command-1"
_ID = re.compile(r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}")
_HEX_32, _HEX_64 = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{128}")


def payload_hash(payload: str) -> str:
    """SHA-256, hexadecimal."""
    return hashlib.sha256(payload.encode("utf-8", "surrogatepass")).hexdigest()


def signed_text(command: wire.Command) -> bytes:
    """What the signature is over. Raises ValueError when a field could be read as two."""
    fields = (
        *(_DOMAIN, command.tenant, command.device, command.id, str(command.counter), command.kind),
        *(str(command.not_before_us), str(command.expires_us), command.actor, command.payload_sha256),
    )
    if any(ord(letter) < 32 for field in fields for letter in field):
        raise ValueError("a field of the command holds a control character")
    return "\n".join(fields).encode("utf-8", "surrogatepass")


def malformed(command: wire.Command) -> str | None:
    """What makes a command impossible whoever signed it, in words; None when nothing does."""
    checks = (_names, _times, _proof, _payload)
    return next((wrong for wrong in (check(command) for check in checks) if wrong), None)


def _names(command: wire.Command) -> str | None:
    if not all(_ID.fullmatch(text) for text in (command.id, command.tenant, command.device)):
        return "id, tenant and device must be UUIDs"
    if not 0 < len(command.actor) <= 320 or any(ord(letter) < 32 for letter in command.actor + command.kind):
        return "actor or kind hold what no name holds"
    return None


def _times(command: wire.Command) -> str | None:
    if not 0 < command.counter < 2**63:
        return f"counter {command.counter} is out of range"
    if not 0 < command.not_before_us < command.expires_us <= wire.MAX_TIME_US:
        return "it must expire after it begins"
    if command.expires_us - command.not_before_us > LONGEST_VALIDITY_US:
        return f"valid for longer than {LONGEST_VALIDITY_US // 1_000_000} s"
    return None


def _proof(command: wire.Command) -> str | None:
    hexadecimal = _HEX_32.fullmatch(command.key) and _HEX_64.fullmatch(command.signature)
    return None if hexadecimal else "key or signature are not hexadecimal"


def _payload(command: wire.Command) -> str | None:
    if len(command.payload) > MAX_PAYLOAD:
        return f"a payload of {len(command.payload)} characters; at most {MAX_PAYLOAD} are taken"
    return None if payload_hash(command.payload) == command.payload_sha256 else "the payload is not the signed one"

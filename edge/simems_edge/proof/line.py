"""One line: JSON, a space, 128 hexadecimal digits of an Ed25519 signature over exactly these bytes, a line feed."""

from __future__ import annotations

import hashlib
import re
from typing import Any, Final

import msgspec
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

DOMAIN: Final = b"simems-proof-1\n"
_LINE = re.compile(rb"(\{[^\n]*\}) ([0-9a-f]{128})\n")


def signed_line(body: dict[str, Any], key: Ed25519PrivateKey) -> bytes:
    raw = msgspec.json.encode(body)
    return raw + b" " + key.sign(DOMAIN + raw).hex().encode() + b"\n"


def opened_line(line: bytes, key: Ed25519PublicKey) -> dict[str, Any] | None:
    """Its body; None when it is not such a line or the signature does not fit."""
    found = _LINE.fullmatch(line)
    if found is None:
        return None
    try:
        key.verify(bytes.fromhex(found[2].decode()), DOMAIN + found[1])
        body = msgspec.json.decode(found[1], type=dict[str, Any])
    except (InvalidSignature, msgspec.MsgspecError, ValueError, RecursionError):
        return None
    return body


def body_of(line: bytes) -> dict[str, Any] | None:
    """Without looking at the signature."""
    found = _LINE.fullmatch(line)
    try:
        return None if found is None else msgspec.json.decode(found[1], type=dict[str, Any])
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def digest(line: bytes) -> str:
    return hashlib.sha256(line).hexdigest()

"""A box that changes its signing key says so in its record: the key so far signs the line, the new one agrees in it.

Both are needed. Without the old key's word nobody would know whose the new key is; without the new key's word whoever
holds an old key could name a key of somebody else as its successor, or pass off lines of his own as what came before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

from simems_edge.proof.line import body_of, opened_line

CODE: Final = "signing_key"
_DOMAIN: Final = "simems-proof-key-1"


@dataclass(frozen=True)
class Handover:
    """From key to key, 64 hexadecimal digits each."""

    old_key: str
    new_key: str


def handover_body(place: dict[str, Any], old: Ed25519PrivateKey, new: Ed25519PrivateKey) -> dict[str, Any]:
    """Of the line that ``old`` shall sign. ``place``: number, previous hash, site and time, as every entry has them."""
    keys = Handover(public(old), public(new))
    agreed = new.sign(_agreed_text(place, keys)).hex()
    return {
        **place,
        "code": CODE,
        "what": "changed",
        "old_key": keys.old_key,
        "new_key": keys.new_key,
        "agreed": agreed,
    }


def opened_handover(line: bytes) -> Handover | None:
    """None when it is no such line, or one of the two did not sign it."""
    named = body_of(line)
    if named is None or named.get("code") != CODE:
        return None
    keys = Handover(str(named.get("old_key")), str(named.get("new_key")))
    old, new = key_of(keys.old_key), key_of(keys.new_key)
    if old is None or new is None or opened_line(line, old) is None:
        return None
    try:
        new.verify(bytes.fromhex(str(named.get("agreed"))), _agreed_text(named, keys))
    except (InvalidSignature, ValueError):
        return None
    return keys


def key_of(text: str) -> Ed25519PublicKey | None:
    try:
        return Ed25519PublicKey.from_public_bytes(bytes.fromhex(text))
    except ValueError:
        return None


def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def _agreed_text(place: dict[str, Any], keys: Handover) -> bytes:
    fields = (_DOMAIN, place.get("site"), place.get("n"), place.get("previous"), keys.old_key, keys.new_key)
    return "\n".join(map(str, fields)).encode("utf-8", "surrogatepass")

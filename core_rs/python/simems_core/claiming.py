"""The claim code of a box that nobody has taken in yet, and what both sides make of it.

The box draws the code and shows it. Whoever types it into their tenant lets the cloud compute the public half of the
claim key; the box connects with that key and may only say who it is. A fingerprint of the box's own key, shown on
both sides, tells the person who approves that it is this box and no other.
"""

from __future__ import annotations

import hashlib
import secrets
from typing import Final

ALPHABET: Final = "0123456789ABCDEFGHJKMNPQRSTVWXYZ"
"""Crockford's base 32: no letter that is taken for another."""
_READ_AS: Final = str.maketrans("OIL", "011", " -\t\r\n")
LENGTH: Final = 20
"""19 drawn characters (95 bits) and one that checks them."""
_KEY: Final = b"simems claim key 1\x00"
_SIGNING_KEY: Final = b"simems claim signing key 1\x00"
_PRINT: Final = b"simems device fingerprint 1\x00"


class ClaimCodeError(ValueError):
    """Not a claim code; the text says what is wrong with it."""


def new_code() -> str:
    """``XXXX-XXXX-XXXX-XXXX-XXXX``."""
    drawn = "".join(secrets.choice(ALPHABET) for _ in range(LENGTH - 1))
    return _grouped(drawn + _check(drawn))


def read_code(text: str) -> str:
    """As it is written, whatever a person typed between and for its characters. Raises ClaimCodeError."""
    plain = text.upper().translate(_READ_AS)
    if len(plain) != LENGTH or any(letter not in ALPHABET for letter in plain):
        raise ClaimCodeError(f"a claim code has {LENGTH} letters and digits; read it again from the screen of the box")
    if plain[-1] != _check(plain[:-1]):
        raise ClaimCodeError("a character of the claim code is wrong; read it again from the screen of the box")
    return _grouped(plain)


def claim_secret(code: str) -> bytes:
    """The 32 bytes of the CURVE secret key that belongs to the code. Raises ClaimCodeError."""
    return hashlib.sha256(_KEY + read_code(code).encode()).digest()


def claim_signing_seed(code: str) -> bytes:
    """The 32 bytes of the Ed25519 key that belongs to the code: it signs where no CURVE connection proves who comes.

    Raises ClaimCodeError."""
    return hashlib.sha256(_SIGNING_KEY + read_code(code).encode()).digest()


def fingerprint(public_key: str) -> str:
    """Of a device's CURVE key (Z85), for people to compare: 80 bits."""
    number = int.from_bytes(hashlib.sha256(_PRINT + public_key.encode()).digest()[:10])
    return _grouped("".join(ALPHABET[number >> shift & 31] for shift in range(75, -1, -5)))


def _check(drawn: str) -> str:
    return ALPHABET[hashlib.sha256(drawn.encode()).digest()[0] % 32]


def _grouped(plain: str) -> str:
    return "-".join(plain[start : start + 4] for start in range(0, len(plain), 4))

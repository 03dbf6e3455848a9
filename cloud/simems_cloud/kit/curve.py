"""Keys as people and boxes give them."""

from __future__ import annotations

import zmq
import zmq.utils.z85
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core.claiming import claim_secret, claim_signing_seed


def is_key(text: str) -> bool:
    """40 characters of Z85 that stand for 32 bytes."""
    try:
        return len(text) == 40 and len(zmq.utils.z85.decode(text.encode())) == 32
    except (ValueError, KeyError, UnicodeEncodeError):
        return False


def claim_key(code: str) -> str:
    """The public key of the connection that a box with this claim code makes. Raises ClaimCodeError."""
    return str(zmq.curve_public(zmq.utils.z85.encode(claim_secret(code))).decode())


def claim_signing_key(code: str) -> str:
    """The public Ed25519 key, hexadecimal, of a box that claims over the web or a broker. Raises ClaimCodeError."""
    return Ed25519PrivateKey.from_private_bytes(claim_signing_seed(code)).public_key().public_bytes_raw().hex()

"""What a device's new signing key signs when the device announces it: only who holds a key can announce it.

The old keys are shown by the connection or the signed request that carries the announcement. The statement names the
device's key of now: once the new keys are the only ones it fits nothing any more, however often it is repeated.
"""

from __future__ import annotations

import re
from typing import Final

_DOMAIN: Final = "simems-rekey-1"
_SIGNING_KEY, _SIGNATURE = re.compile(r"[0-9a-f]{64}"), re.compile(r"[0-9a-f]{128}")


def signed_announcement(old_public_key: str, public_key: str, signing_key: str) -> bytes:
    """What the new signing key's signature is over; the CURVE keys are Z85, which holds no line feed."""
    return "\n".join((_DOMAIN, old_public_key, public_key, signing_key)).encode()


def malformed(signing_key: str, signature: str) -> str | None:
    """What makes an announced signing key impossible, in words; None when nothing does."""
    if not _SIGNING_KEY.fullmatch(signing_key):
        return "signing_key: not 64 hexadecimal digits"
    return None if _SIGNATURE.fullmatch(signature) else "signature: not 128 hexadecimal digits"

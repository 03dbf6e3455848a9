"""How a device proves itself over HTTPS and WebSocket: TLS shows the cloud to it, its signature shows it to the cloud.

Signed with the device's Ed25519 key is the request as it is: method, path, the cloud's time as the device knows it,
hash of the body. What is repeated within the time that is allowed does no harm: frames are stored once, answers to
commands change a state once.
"""

from __future__ import annotations

import hashlib
from typing import Final

DEVICE: Final = "Simems-Device"
"""Header: the device's public key (Z85)."""
TIME: Final = "Simems-Time"
"""Header: UTC microseconds."""
SIGNATURE: Final = "Simems-Signature"
"""Header: 128 hexadecimal digits."""
WITHIN_US: Final = 300_000_000
"""How far the time may be off; every answer, also that of :data:`ALIVE`, tells the cloud's time in :data:`TIME`."""
ALIVE: Final = "/healthz"
EXCHANGE: Final = "/v1/exchange"
STREAM: Final = "/v1/stream"
MSGPACK, JSON = "application/msgpack", "application/json"


def signed_request(method: str, path: str, time_us: int, body: bytes) -> bytes:
    """What the signature is over."""
    return f"simems-web-1\n{method}\n{path}\n{time_us}\n{hashlib.sha256(body).hexdigest()}".encode()

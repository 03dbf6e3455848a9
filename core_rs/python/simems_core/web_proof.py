"""How a device proves itself over HTTPS, WebSocket and MQTT: its signature shows it to the cloud, TLS the cloud to it.

Signed with the device's Ed25519 key is the request as it is: method, path, the cloud's time as the device knows it,
hash of the body. What is repeated within the time that is allowed does no harm: frames are stored once, answers to
commands change a state once.
"""

from __future__ import annotations

import hashlib
from typing import Final

import msgspec

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
TOPICS: Final = "simems/1"
"""Over MQTT: ``simems/1/<device>/up`` and ``.../down``, where the device is named by :func:`topic_name`."""
MSGPACK, JSON = "application/msgpack", "application/json"


class Envelope(msgspec.Struct, frozen=True):
    """One MQTT message of a device: MessagePack, or JSON when it begins with a brace."""

    device: str
    """Its public key (Z85)."""
    time_us: int
    signature: str
    """Over the method ``MQTT``, the topic, the time and the body, as for the web."""
    body: bytes
    """An array of messages, MessagePack. An empty one asks for the time, and whether this device may come in: the
    answer is a pong with the envelope's ``time_us``, or a goodbye."""


def topic_name(public_key: str) -> str:
    """32 hexadecimal digits: what the broker may grant a client certificate of that common name."""
    return hashlib.sha256(public_key.encode()).hexdigest()[:32]


def signed_request(method: str, path: str, time_us: int, body: bytes) -> bytes:
    """What the signature is over."""
    return f"simems-web-1\n{method}\n{path}\n{time_us}\n{hashlib.sha256(body).hexdigest()}".encode()

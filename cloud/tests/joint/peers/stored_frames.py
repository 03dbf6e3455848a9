"""One frame of each message as version 1 sends it, written once into ``frames``; one that is there is never changed.

``python cloud/tests/joint/peers/stored_frames.py`` when a message or a field is new. The frames are plain maps, so that
no class of the product decides what an old version is taken to have sent.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any, Final

import msgpack
import msgspec
import zmq
import zmq.utils.z85
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core import wire
from simems_core.key_changes import signed_text as signed_change
from simems_core.orders import payload_hash
from simems_core.orders import signed_text as signed_command
from simems_core.rekeying import signed_announcement

FOLDER: Final = Path(__file__).parents[1] / "frames"
DEVICE_SECRET, NEXT_SECRET = (zmq.utils.z85.encode(bytes(range(first, first + 32))).decode() for first in (1, 64))
DEVICE_KEY, NEXT_KEY = (zmq.curve_public(secret.encode()).decode() for secret in (DEVICE_SECRET, NEXT_SECRET))
SIGNING, NEXT_SIGNING, TENANT_FIRST, TENANT_KEY = (
    Ed25519PrivateKey.from_private_bytes(bytes([number] * 32)) for number in range(1, 5)
)
TENANT, DEVICE, COMMAND = (f"{digit * 8}-{digit * 4}-4{digit * 3}-8{digit * 3}-{digit * 12}" for digit in "123")
NOW_US: Final = 1_768_000_000_000_000


def public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def command() -> dict[str, Any]:
    payload = '{"code":"x"}'
    fields = {"id": COMMAND, "tenant": TENANT, "device": DEVICE, "counter": 7, "kind": "clear_fault"}
    times = {"not_before_us": NOW_US - 1_000_000, "expires_us": NOW_US + 300_000_000}
    proof = {"actor": "anna@example.com", "payload": payload, "payload_sha256": payload_hash(payload)}
    whole = {**fields, **times, **proof, "key": public(TENANT_KEY), "signature": ""}
    return {**whole, "signature": TENANT_KEY.sign(signed_command(msgspec.convert(whole, wire.Command))).hex()}


def key_change() -> dict[str, Any]:
    keys = {"old_key": public(TENANT_FIRST), "new_key": public(TENANT_KEY)}
    fields = {"tenant": TENANT, "number": 1, **keys, "old_until_us": NOW_US + 1_000_000, "signature": ""}
    return {**fields, "signature": TENANT_FIRST.sign(signed_change(msgspec.convert(fields, wire.KeyChange))).hex()}


def rekey() -> dict[str, Any]:
    text = signed_announcement(DEVICE_KEY, NEXT_KEY, public(NEXT_SIGNING))
    return {"public_key": NEXT_KEY, "signing_key": public(NEXT_SIGNING), "signature": NEXT_SIGNING.sign(text).hex()}


ABOUT = {"software": "0.1.0", "vendor": "Sim", "model": "B1", "serial_number": "7"}
WHO = {"tenant": TENANT, "device": DEVICE, "command_keys": [public(TENANT_KEY)], "key_changes": [key_change()]}
EDGE: Final[dict[str, dict[str, Any]]] = {
    "ping": {"time_us": NOW_US},
    "bye": {"reason": "stop"},
    "claim": {"public_key": DEVICE_KEY, "signing_key": public(SIGNING), **ABOUT},
    "rekey": {"public_key": NEXT_KEY},
    "rekey-both": rekey(),
    "commandack": {"id": COMMAND, "state": "done", "time_us": NOW_US, "reason": "so be it", "attachment": b"\x00\xff"},
    "keytaken": {"key": public(TENANT_KEY), "number": 1, "reason": ""},
}
CLOUD: Final[dict[str, dict[str, Any]]] = {
    "ack": {"sequence": 2},
    "refused": {"sequence": 3, "reason": "cannot be stored"},
    "pong": {"time_us": NOW_US, "server_time_us": NOW_US + 5},
    "bye": {"reason": "say hello first"},
    "claimstate": {"state": "approved", "reason": ""},
    "rekeyed": {"public_key": NEXT_KEY, "reason": ""},
    "rekeyed-both": {"public_key": NEXT_KEY, "reason": "", "signing_key": public(NEXT_SIGNING)},
    "welcome": {**WHO, "command_counter": 6, "versions": [1], "server_time_us": NOW_US},
    "command": command(),
}


def main() -> None:
    for side, frames in (("edge", EDGE), ("cloud", CLOUD)):
        for name, fields in frames.items():
            path = FOLDER / f"v1-{side}-{name}.msgpack"
            if not path.exists():
                frame = {"type": name.removesuffix("-both"), "version": 1, **fields}
                path.write_bytes(msgpack.packb(frame))


if __name__ == "__main__":
    main()

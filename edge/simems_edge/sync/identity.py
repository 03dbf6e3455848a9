"""Who this box is: its CURVE key, its signing key, its claim code. Made on the first start in the data folder; no
secret half ever leaves it.

The CURVE key is what the cloud knows the device by; it can be changed: a new pair lies beside the old one until the
cloud has seen it in use. The signing key (Ed25519) signs the box's own records. The claim code lets a person take the
box into their tenant; it is worth nothing once that has happened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import zmq
import zmq.utils.z85
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core.claiming import (
    ClaimCodeError,
    claim_secret,
    claim_signing_seed,
    fingerprint,
    new_code,
    read_code,
)

from simems_edge.sync.private_files import read_private, sync_folder, write_private

FILE: Final = "device-key.json"
NEXT_FILE: Final = "device-key-next.json"
SIGNING_FILE: Final = "signing-key.json"
CLAIM_FILE: Final = "claim-code.json"


class IdentityError(Exception):
    """A file of the identity is there but cannot be used."""


class DeviceKeys(msgspec.Struct, frozen=True):
    """Z85 text of 40 characters each (ZeroMQ RFC 32)."""

    public_key: str
    secret_key: str

    def __repr__(self) -> str:
        return f"DeviceKeys({self.public_key!r}, ...)"


class _Seed(msgspec.Struct, frozen=True):
    seed: str
    """Of the Ed25519 key, 64 hexadecimal digits."""


class _Code(msgspec.Struct, frozen=True):
    code: str


class Identity:
    """Of one data folder, which is made when it is not there. Raises IdentityError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.keys = load_or_make_keys(folder)
        self.signing_key = _signing_key(folder / SIGNING_FILE)

    @property
    def fingerprint(self) -> str:
        """Of the public key, for people to compare."""
        return fingerprint(self.keys.public_key)

    @property
    def signing_public(self) -> str:
        """64 hexadecimal digits."""
        return self.signing_key.public_key().public_bytes_raw().hex()

    @property
    def claim_code(self) -> str:
        """Made when it is asked for first."""
        path = self._folder / CLAIM_FILE
        content = _content(path)
        if content is None:
            write_private(path, msgspec.json.encode(_Code(new_code())))
            content = path.read_bytes()
        try:
            return read_code(msgspec.json.decode(content, type=_Code).code)
        except (msgspec.MsgspecError, ClaimCodeError) as error:
            raise IdentityError(f"{path}: not a claim code: {error}; delete the file for a new one") from error

    @property
    def claim_keys(self) -> DeviceKeys:
        """Of the connection that may only claim."""
        secret = zmq.utils.z85.encode(claim_secret(self.claim_code))
        return DeviceKeys(public_key=zmq.curve_public(secret).decode(), secret_key=secret.decode())

    @property
    def claim_signing_key(self) -> Ed25519PrivateKey:
        """Signs the claim where the web or a broker carries it."""
        return Ed25519PrivateKey.from_private_bytes(claim_signing_seed(self.claim_code))

    # ---- another key

    @property
    def next_keys(self) -> DeviceKeys | None:
        """The pair that shall come after this one; None: no change is under way."""
        path = self._folder / NEXT_FILE
        content = _content(path)
        return None if content is None else _keys_in(path, content)

    def begin_rotation(self) -> DeviceKeys:
        """A new pair beside the old one, durable; the same again while a change is under way. Raises OSError."""
        found = self.next_keys
        if found is not None:
            return found
        made = _new_pair()
        write_private(self._folder / NEXT_FILE, msgspec.json.encode(made))
        return made

    def finish_rotation(self, used: DeviceKeys) -> None:
        """The cloud took the new pair: it is the only one from now on. Raises OSError."""
        write_private(self._folder / FILE, msgspec.json.encode(used))
        self.keys = used
        self.abandon_rotation()

    def abandon_rotation(self) -> None:
        """The new pair cannot be used; the old one stays."""
        (self._folder / NEXT_FILE).unlink(missing_ok=True)


def forget_keys(folder: Path) -> None:
    """Every key and the claim code; the device's own key last, so that one sees it was cut off. Raises OSError."""
    for name in (NEXT_FILE, CLAIM_FILE, SIGNING_FILE, FILE):
        (folder / name).unlink(missing_ok=True)
        sync_folder(folder)


def load_or_make_keys(folder: Path) -> DeviceKeys:
    """The keys of ``folder``; a new pair, readable by the owner alone, when there is none. Raises IdentityError."""
    path = folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    content = _content(path)
    if content is not None:
        return _keys_in(path, content)
    keys = _new_pair()
    write_private(path, msgspec.json.encode(keys))
    return keys


def _new_pair() -> DeviceKeys:
    public, secret = zmq.curve_keypair()
    return DeviceKeys(public_key=public.decode(), secret_key=secret.decode())


def _content(path: Path) -> bytes | None:
    try:
        return read_private(path)
    except OSError as error:
        raise IdentityError(f"{path}: cannot be read ({error.strerror}); check the data folder") from error


def _keys_in(path: Path, content: bytes) -> DeviceKeys:
    try:
        keys = msgspec.json.decode(content, type=DeviceKeys)
        matching = zmq.curve_public(keys.secret_key.encode()).decode() == keys.public_key
    except (msgspec.MsgspecError, ValueError, zmq.ZMQError) as error:
        raise IdentityError(f"{path}: not a key file: {error}; restore it, or delete it and register again") from error
    if not matching:
        raise IdentityError(f"{path}: the two keys do not belong together; restore it, or delete it and register again")
    return keys


def _signing_key(path: Path) -> Ed25519PrivateKey:
    content = _content(path)
    if content is None:
        made = Ed25519PrivateKey.generate()
        write_private(path, msgspec.json.encode(_Seed(made.private_bytes_raw().hex())))
        return made
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(msgspec.json.decode(content, type=_Seed).seed))
    except (msgspec.MsgspecError, ValueError) as error:
        text = f"{path}: not a signing key: {error}; restore it, or delete it: older proofs then name another key"
        raise IdentityError(text) from error

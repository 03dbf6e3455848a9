"""The files that an identity's keys lie in, and what may stand in each. Nothing here decides which keys are used."""

from __future__ import annotations

from pathlib import Path
from typing import Final, TypeVar

import msgspec
import zmq
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from simems_edge.sync.private_files import read_private, write_private

FILE: Final = "device-key.json"
NEXT_FILE: Final = "device-key-next.json"
SIGNING_FILE: Final = "signing-key.json"
Keys = TypeVar("Keys", bound="DeviceKeys")


class IdentityError(Exception):
    """A file of the identity is there but cannot be used."""


class DeviceKeys(msgspec.Struct, frozen=True):
    """Z85 text of 40 characters each (ZeroMQ RFC 32)."""

    public_key: str
    secret_key: str

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.public_key!r}, ...)"

    @property
    def pair(self) -> DeviceKeys:
        return DeviceKeys(self.public_key, self.secret_key)


class StoredKeys(DeviceKeys, frozen=True):
    broker_name: str = ""
    """Since the first change of both keys; empty: what the public key says."""


class NextKeys(DeviceKeys, frozen=True):
    """The keys that shall come after those of now."""

    seed: str = ""
    """Of the Ed25519 key, 64 hexadecimal digits; empty: the signing key stays."""
    taken: bool = False
    """The cloud saw them in use: they are the only ones, and the other files follow."""

    @property
    def signing_key(self) -> Ed25519PrivateKey | None:
        return None if not self.seed else Ed25519PrivateKey.from_private_bytes(bytes.fromhex(self.seed))


class _Seed(msgspec.Struct, frozen=True):
    seed: str
    """Of the Ed25519 key, 64 hexadecimal digits."""


def new_pair() -> DeviceKeys:
    public, secret = zmq.curve_keypair()
    return DeviceKeys(public_key=public.decode(), secret_key=secret.decode())


def new_next() -> NextKeys:
    pair = new_pair()
    return NextKeys(pair.public_key, pair.secret_key, Ed25519PrivateKey.generate().private_bytes_raw().hex())


def content_of(path: Path) -> bytes | None:
    """None when it is not there. Raises IdentityError."""
    try:
        return read_private(path)
    except OSError as error:
        raise IdentityError(f"{path}: cannot be read ({error.strerror}); check the data folder") from error


def stored_keys(folder: Path) -> StoredKeys:
    """Made when there are none. Raises IdentityError, OSError."""
    path = folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    content = content_of(path)
    if content is not None:
        return _keys_in(path, content, StoredKeys)
    pair = new_pair()
    made = StoredKeys(pair.public_key, pair.secret_key)
    write_keys(path, made)
    return made


def next_keys(folder: Path) -> NextKeys | None:
    """Raises IdentityError."""
    path = folder / NEXT_FILE
    content = content_of(path)
    if content is None:
        return None
    found = _keys_in(path, content, NextKeys)
    try:
        _ = found.signing_key
    except ValueError as error:
        raise IdentityError(f"{path}: not a key file: {error}; delete it and change the keys again") from error
    return found


def write_keys(path: Path, keys: DeviceKeys) -> None:
    """Durable when it returns. Raises OSError."""
    write_private(path, msgspec.json.encode(keys))


def signing_key(folder: Path) -> Ed25519PrivateKey:
    """Made when there is none. Raises IdentityError, OSError."""
    path = folder / SIGNING_FILE
    content = content_of(path)
    if content is None:
        made = Ed25519PrivateKey.generate()
        write_signing_key(folder, made)
        return made
    try:
        return Ed25519PrivateKey.from_private_bytes(bytes.fromhex(msgspec.json.decode(content, type=_Seed).seed))
    except (msgspec.MsgspecError, ValueError) as error:
        text = f"{path}: not a signing key: {error}; restore it, or delete it: older proofs then name another key"
        raise IdentityError(text) from error


def write_signing_key(folder: Path, key: Ed25519PrivateKey) -> None:
    """Durable when it returns. Raises OSError."""
    write_private(folder / SIGNING_FILE, msgspec.json.encode(_Seed(key.private_bytes_raw().hex())))


def _keys_in(path: Path, content: bytes, kind: type[Keys]) -> Keys:
    try:
        keys = msgspec.json.decode(content, type=kind)
        matching = zmq.curve_public(keys.secret_key.encode()).decode() == keys.public_key
    except (msgspec.MsgspecError, ValueError, zmq.ZMQError) as error:
        raise IdentityError(f"{path}: not a key file: {error}; restore it, or delete it and register again") from error
    if not matching:
        raise IdentityError(f"{path}: the two keys do not belong together; restore it, or delete it and register again")
    return keys

"""The device's CURVE key pair: made on the first start, kept in the data folder, the secret half never leaves it."""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
import zmq

FILE = "device-key.json"


class IdentityError(Exception):
    """The key file is there but cannot be used."""


class DeviceKeys(msgspec.Struct, frozen=True):
    """Z85 text of 40 characters each (ZeroMQ RFC 32)."""

    public_key: str
    secret_key: str

    def __repr__(self) -> str:
        return f"DeviceKeys({self.public_key!r}, ...)"


def load_or_make_keys(folder: Path) -> DeviceKeys:
    """The keys of ``folder``; a new pair, readable by the owner alone, when there is none. Raises IdentityError."""
    path = folder / FILE
    folder.mkdir(parents=True, exist_ok=True)
    if path.exists():
        return _read(path)
    public, secret = zmq.curve_keypair()
    keys = DeviceKeys(public_key=public.decode(), secret_key=secret.decode())
    _write(path, keys)
    return keys


def _read(path: Path) -> DeviceKeys:
    try:
        keys = msgspec.json.decode(path.read_bytes(), type=DeviceKeys)
        matching = zmq.curve_public(keys.secret_key.encode()).decode() == keys.public_key
    except (msgspec.MsgspecError, OSError, ValueError, zmq.ZMQError) as error:
        raise IdentityError(f"{path}: not a key file: {error}; restore it, or delete it and register again") from error
    if not matching:
        raise IdentityError(f"{path}: the two keys do not belong together; restore it, or delete it and register again")
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return keys


def _write(path: Path, keys: DeviceKeys) -> None:
    """Atomic, so that a power cut leaves either no file or a whole one."""
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(msgspec.json.encode(keys))
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)

"""Who may act: a PIN kept as an scrypt hash, a lock after wrong tries, short-lived bearer tokens in memory."""

from __future__ import annotations

import hashlib
import hmac
import logging
import os
import secrets
import time
from collections.abc import Callable
from pathlib import Path

import msgspec

log = logging.getLogger(__name__)

PIN_FILE = "hmi-pin.json"
TOKEN_LIFETIME_S = 900
MAX_TRIES = 5
LOCK_S = 60.0
_N, _R, _P = 2**14, 8, 1


class PinHash(msgspec.Struct, frozen=True):
    """scrypt (RFC 7914), N=2**14, r=8, p=1; both fields in hexadecimal."""

    salt: str
    digest: str

    def __post_init__(self) -> None:
        bytes.fromhex(self.salt)
        bytes.fromhex(self.digest)

    @classmethod
    def of(cls, pin: str) -> PinHash:
        salt = secrets.token_bytes(16)
        return cls(salt=salt.hex(), digest=_digest(pin, salt).hex())

    def matches(self, pin: str) -> bool:
        return hmac.compare_digest(_digest(pin, bytes.fromhex(self.salt)), bytes.fromhex(self.digest))


def _digest(pin: str, salt: bytes) -> bytes:
    return hashlib.scrypt(pin.encode(), salt=salt, n=_N, r=_R, p=_P)


def load_pin(data_dir: Path, override: str | None = None) -> PinHash:
    """The PIN's hash: of ``override`` when given, else of the data folder, made on first start and logged once.

    Raises:
        ValueError: the file is there but cannot be read.
    """
    if override:
        return PinHash.of(override)
    path = data_dir / PIN_FILE
    if path.exists():
        return _read(path)
    pin = f"{secrets.randbelow(10**6):06d}"
    stored = PinHash.of(pin)
    _write_private(path, msgspec.json.encode(stored))
    log.warning("first start: the PIN of this screen is %s (shown once; keep it)", pin)
    return stored


def _read(path: Path) -> PinHash:
    try:
        return msgspec.json.decode(path.read_bytes(), type=PinHash)
    except msgspec.DecodeError as error:
        raise ValueError(f"{path}: not a PIN file: {error}; delete it to get a new PIN on the next start") from error


def _write_private(path: Path, content: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "wb") as file:
        file.write(content)
        file.flush()
        os.fsync(file.fileno())


class Access:
    """Sign-in and tokens of one screen. Times come from ``now_s`` (monotonic seconds)."""

    def __init__(self, pin: PinHash, now_s: Callable[[], float] = time.monotonic) -> None:
        self._pin = pin
        self._now_s = now_s
        self._tokens: dict[str, float] = {}
        self._wrong = 0
        self._locked_until_s = float("-inf")

    def locked_for_s(self) -> float:
        """Seconds until another try is taken; 0 when one is taken now."""
        return max(0.0, self._locked_until_s - self._now_s())

    def try_pin(self, pin: str) -> bool:
        """Count the try; the fifth wrong one in a row locks for a minute. Costs about 50 ms: call it off the loop."""
        if self._pin.matches(pin):
            self._wrong = 0
            return True
        self._wrong += 1
        if self._wrong >= MAX_TRIES:
            self._wrong = 0
            self._locked_until_s = self._now_s() + LOCK_S
        return False

    def issue(self) -> str:
        """A new token, good for :data:`TOKEN_LIFETIME_S`."""
        self._forget_expired()
        token = secrets.token_urlsafe(32)
        self._tokens[_key(token)] = self._now_s() + TOKEN_LIFETIME_S
        return token

    def allows(self, token: str) -> bool:
        return self._tokens.get(_key(token), float("-inf")) > self._now_s()

    def _forget_expired(self) -> None:
        now_s = self._now_s()
        self._tokens = {key: until for key, until in self._tokens.items() if until > now_s}


def _key(token: str) -> str:
    return hashlib.sha256(token.encode()).hexdigest()

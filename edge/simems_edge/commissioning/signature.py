"""The device signs what it hands over: Ed25519 (RFC 8032) over the digest of a file and what goes with it.

The key stands in the data folder beside the device's CURVE pair, readable by its owner alone. CURVE keys are for key
agreement and cannot sign; so this is a pair of its own.
"""

from __future__ import annotations

import base64
import hashlib
import os
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import msgspec

if TYPE_CHECKING:
    from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

FILE: Final = "signing-key.pem"
ALGORITHM: Final = "Ed25519"
END: Final = ".sig"
INSTALL: Final = "signing needs the package cryptography; install simems-edge[report]"


class SignatureError(ValueError):
    """A key or a signature that cannot be used; the message says what to do."""


class TamperedError(Exception):
    """The file is not what was signed, or somebody else signed it."""


@dataclass(frozen=True)
class Signature:
    """``REPORT.pdf.sig``."""

    algorithm: str
    file: str
    sha256: str
    site: str
    made_at: str
    public_key: str
    """Base64, 32 bytes."""
    signature: str

    def as_data(self) -> dict[str, str]:
        return asdict(self)

    @property
    def signed(self) -> bytes:
        """What the signature is over: everything but itself, in one order, as compact JSON."""
        data = {name: value for name, value in asdict(self).items() if name != "signature"}
        return msgspec.json.encode(data, order="sorted")


class SigningKey:
    """Of one device."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private
        self.public = base64.b64encode(private.public_key().public_bytes_raw()).decode()

    @classmethod
    def of(cls, folder: Path) -> SigningKey:
        """The key of this folder; a new one when there is none. Raises SignatureError."""
        path = folder / FILE
        try:
            folder.mkdir(parents=True, exist_ok=True)
            return cls(_read(path) if path.exists() else _make(path))
        except OSError as error:
            raise SignatureError(f"{path}: cannot be used ({error.strerror}); choose another folder") from error

    def sign(self, data: bytes) -> str:
        """Base64."""
        return base64.b64encode(self._private.sign(data)).decode()


def _crypto() -> tuple[Any, Any]:
    """Loaded when it is needed: an extra, and 16 MB."""
    try:
        from cryptography.hazmat.primitives import serialization  # noqa: PLC0415
        from cryptography.hazmat.primitives.asymmetric import ed25519  # noqa: PLC0415
    except ImportError:
        raise SignatureError(INSTALL) from None
    return serialization, ed25519


def _read(path: Path) -> Ed25519PrivateKey:
    serialization, ed25519 = _crypto()
    try:
        key = serialization.load_pem_private_key(path.read_bytes(), password=None)
    except (ValueError, TypeError) as error:
        raise SignatureError(f"{path}: not a signing key ({error}); restore it, or delete it for a new one") from error
    if not isinstance(key, ed25519.Ed25519PrivateKey):
        raise SignatureError(f"{path}: holds a key of another kind; restore it, or delete it for a new one")
    if path.stat().st_mode & 0o077:
        path.chmod(0o600)
    return key  # type: ignore[no-any-return]


def _make(path: Path) -> Ed25519PrivateKey:
    """Atomic: a power cut leaves no key or a whole one."""
    serialization, ed25519 = _crypto()
    key = ed25519.Ed25519PrivateKey.generate()
    pem = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    draft = path.with_suffix(".new")
    draft.unlink(missing_ok=True)
    with os.fdopen(os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(pem)
        file.flush()
        os.fsync(file.fileno())
    draft.replace(path)
    return key  # type: ignore[no-any-return]


def sign_file(path: Path, key: SigningKey, *, site: str, made_at: str) -> Path:
    """Writes the signature beside the file. ``made_at``: ISO 8601."""
    digest = hashlib.sha256(path.read_bytes()).hexdigest()
    draft = Signature(ALGORITHM, path.name, digest, site, made_at, key.public, "")
    whole = Signature(**{**draft.as_data(), "signature": key.sign(draft.signed)})
    target = path.with_name(path.name + END)
    target.write_bytes(msgspec.json.format(msgspec.json.encode(whole.as_data()), indent=2) + b"\n")
    return target


def verify_file(path: Path, public_key: str | None = None) -> Signature:
    """Raises SignatureError for what cannot be read, TamperedError for what is not what was signed. The file's name is
    not looked at: a report may be renamed."""
    beside = path.with_name(path.name + END)
    try:
        content, text = path.read_bytes(), beside.read_bytes()
    except OSError as error:
        raise SignatureError(
            f"{error.filename}: cannot be read ({error.strerror}); keep both files together"
        ) from error
    try:
        signature = msgspec.convert(msgspec.json.decode(text), Signature)
    except msgspec.MsgspecError as error:
        raise SignatureError(f"{beside}: not a signature ({error}); take the one that was written with it") from error
    if hashlib.sha256(content).hexdigest() != signature.sha256:
        raise TamperedError(f"{path}: was changed after it was signed")
    _check(signature, beside)
    if public_key is not None and public_key != signature.public_key:
        raise TamperedError(f"{path}: was signed by {signature.public_key}, not by {public_key}")
    return signature


def _check(signature: Signature, beside: Path) -> None:
    _, ed25519 = _crypto()
    from cryptography.exceptions import InvalidSignature  # noqa: PLC0415

    try:
        public = ed25519.Ed25519PublicKey.from_public_bytes(base64.b64decode(signature.public_key, validate=True))
        public.verify(base64.b64decode(signature.signature, validate=True), signature.signed)
    except InvalidSignature as error:
        raise TamperedError(f"{beside}: the signature does not belong to what it says") from error
    except ValueError as error:
        raise SignatureError(f"{beside}: its key or signature cannot be read ({error})") from error

"""Who a connecting station is: the identity in the address it calls, proved by password or certificate. Pure.

OCPP 1.6 security whitepaper edition 3 and OCPP 2.0.1 part 2, A00: profile 1 basic authentication, 2 the same over TLS,
3 a client certificate whose common name is the identity.
"""

from __future__ import annotations

import base64
import binascii
import hashlib
import hmac
import secrets
from collections.abc import Mapping, Sequence
from typing import Any, Final
from urllib.parse import unquote

from simems_edge.config import ChargingStation, OcppSettings

_N, _R, _P = 2**14, 8, 1
SHORTEST: Final = 16
"""Characters of a password (OCPP 2.0.1 BasicAuthPassword)."""
REMEMBERED: Final = 400


class DeniedError(Exception):
    """Not let in; the text is for the log, never for the caller."""


def hash_of(password: str) -> str:
    """``scrypt:<salt>:<digest>`` (RFC 7914) for ``password_hash``. Raises ValueError for a short password."""
    if not SHORTEST <= len(password) <= 40 or not password.isprintable():
        raise ValueError(f"a station's password has {SHORTEST} to 40 printable characters")
    salt = secrets.token_bytes(16)
    return f"scrypt:{salt.hex()}:{_digest(password.encode(), salt).hex()}"


def _digest(password: bytes, salt: bytes) -> bytes:
    return hashlib.scrypt(password, salt=salt, n=_N, r=_R, p=_P)


class Gate:
    """Lets listed stations in. One that was proved once is known faster afterwards (scrypt takes a while)."""

    def __init__(self, settings: OcppSettings) -> None:
        self._settings = settings
        self._key = secrets.token_bytes(32)
        self._proved: dict[str, bytes] = {}

    def admit(self, path: str, headers: Mapping[str, str], common_names: Sequence[str]) -> ChargingStation:
        """``common_names``: of the client's verified certificate. Raises :class:`DeniedError`."""
        identity = unquote(path.partition("?")[0].rstrip("/").rpartition("/")[2])
        station = self._settings.station(identity)
        if station is None:
            raise DeniedError(f"{identity[:48]!r} is no listed station")
        profile = self._settings.security_profile
        if profile in {1, 2}:
            self._check_password(station, headers.get("Authorization", ""))
        elif profile == 3 and station.id not in common_names:
            raise DeniedError(f"{station.id}: its certificate is of {', '.join(common_names) or 'nobody'}")
        return station

    def _check_password(self, station: ChargingStation, header: str) -> None:
        name, password = _credentials(header)
        if not hmac.compare_digest(name, station.id.encode()):
            raise DeniedError(f"{station.id}: authenticates as {name[:48]!r}")
        token = hmac.digest(self._key, station.id.encode() + b"\0" + password, "sha256")
        known = self._proved.get(station.id)
        if known is not None and hmac.compare_digest(known, token):
            return
        _, salt, digest = (station.password_hash or "::").split(":")
        if not digest or not hmac.compare_digest(_digest(password, bytes.fromhex(salt)), bytes.fromhex(digest)):
            raise DeniedError(f"{station.id}: wrong password")
        self._proved[station.id] = token


def _credentials(header: str) -> tuple[bytes, bytes]:
    scheme, _, text = header.partition(" ")
    try:
        found = base64.b64decode(text.strip(), validate=True) if scheme.lower() == "basic" else b""
    except (binascii.Error, ValueError):
        found = b""
    name, colon, password = found.partition(b":")
    if not colon or len(found) > 200:
        raise DeniedError("no basic authentication")
    return name, password


def common_names(certificate: Mapping[str, Any] | None) -> list[str]:
    """Of a verified certificate as ``ssl.SSLSocket.getpeercert`` shows it."""
    subject = (certificate or {}).get("subject", ())
    return [value for part in subject for name, value in part if name == "commonName"]

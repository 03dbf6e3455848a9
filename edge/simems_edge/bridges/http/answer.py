"""Is this HTTP answer one to take? Pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from simems_edge.bridges.errors import RefusedError, UnsuitableError, WrongAnswerError
from simems_edge.devices.json_content import ContentError, parse_json

LARGEST: Final = 262_144
"""Bytes of a device's document; more is refused unread."""
JSON_TYPES: Final = frozenset({"application/json", "text/json"})
_NOT_ALLOWED: Final = frozenset({401, 403, 407})


def check_head(status: int, headers: Mapping[str, str], *, largest: int = LARGEST) -> None:
    """Status, coding and announced length, before the body is read. Raises a DeviceError."""
    if status in _NOT_ALLOWED:
        raise UnsuitableError("access_refused", f"refuses access (HTTP {status}); check auth, user and password_file")
    if 300 <= status < 400:
        raise WrongAnswerError(f"redirects (HTTP {status}), which is not followed; write the url that answers itself")
    if status >= 400:
        raise RefusedError(f"answers HTTP {status}")
    if status not in {200, 201, 202, 204}:
        raise WrongAnswerError(f"answers HTTP {status}, which is no answer to the question")
    if headers.get("content-encoding", "identity").strip().lower() != "identity":
        raise WrongAnswerError("answers compressed although it was told not to")
    length = headers.get("content-length", "0")
    if not length.isdecimal() or int(length[:12]) > largest:
        raise WrongAnswerError(f"announces more than {largest} bytes")


def check_type(headers: Mapping[str, str], types: frozenset[str] = JSON_TYPES) -> None:
    """Raises :class:`WrongAnswerError` unless the answer calls itself one of ``types`` (or some +json)."""
    given = headers.get("content-type", "").partition(";")[0].strip().lower()
    if given not in types and not (given.endswith("+json") and "application/json" in types):
        raise WrongAnswerError(f"answers {given[:60] or 'no content type'!r}, not {' or '.join(sorted(types))}")


def document_of(headers: Mapping[str, str], body: bytes) -> object:
    """The JSON document. Raises :class:`WrongAnswerError`."""
    check_type(headers)
    try:
        return parse_json(body)
    except ContentError as error:
        raise WrongAnswerError(f"gives an answer that {error}") from error

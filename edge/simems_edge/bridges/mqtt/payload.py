"""A device's payload as content. Pure."""

from __future__ import annotations

from typing import Final

from simems_edge.devices.json_content import ContentError, parse_json

LONGEST_TEXT: Final = 1_000


def content_of(payload: object) -> object:
    """JSON where it is JSON, else one text. Raises :class:`ContentError` when it is neither."""
    if isinstance(payload, str):
        payload = payload.encode()
    if not isinstance(payload, bytes | bytearray):
        raise ContentError("is empty")
    raw = bytes(payload)
    try:
        return parse_json(raw)
    except ContentError:
        return _text(raw)


def _text(raw: bytes) -> str:
    if not 0 < len(raw) <= LONGEST_TEXT:
        raise ContentError("is neither JSON nor a short text")
    try:
        text = raw.decode("utf-8")
    except UnicodeDecodeError as error:
        raise ContentError("is no text in UTF-8") from error
    if not text.isprintable() or text.lstrip().startswith(("{", "[")):
        raise ContentError("is broken JSON")
    return text

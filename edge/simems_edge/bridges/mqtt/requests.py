"""Is this request one to carry out? Pure.

A request is ``{"body": "<JSON text>", "mac": "<hex>"}``; ``mac`` is HMAC-SHA256 of ``topic + "\\n" + body`` under the
topic's secret (RFC 2104, FIPS 198-1). The body has ``id`` (its own, never used again), ``time`` (UTC in s), ``value``,
``duration_s``, ``reason`` and ``actor``. Signed over the topic, it cannot be moved to another; once only, within half a
minute, it cannot be replayed.
"""

from __future__ import annotations

import hashlib
import hmac
import math
from typing import Annotated, Final

import msgspec

from simems_edge.config import MqttRequest

LARGEST: Final = 2_000
WINDOW_S: Final = 30.0
"""Clocks may differ, and messages travel, so long."""
REMEMBERED: Final = 10_000
SHORTEST_SECRET: Final = 16


class RequestError(ValueError):
    """Refused; the message says why, without what was sent."""


class _Envelope(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    body: str
    mac: Annotated[str, msgspec.Meta(min_length=64, max_length=64)]


class Asked(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is asked for."""

    id: Annotated[str, msgspec.Meta(min_length=8, max_length=64)]
    time: float
    value: float
    duration_s: float
    reason: Annotated[str, msgspec.Meta(min_length=1, max_length=200)]
    actor: Annotated[str, msgspec.Meta(min_length=1, max_length=60)]


class UsedIds:
    """Ids of requests whose time has not passed: none is taken twice."""

    def __init__(self) -> None:
        self._until_s: dict[str, float] = {}

    def use(self, one: str, now_s: float) -> None:
        """Raises :class:`RequestError` when it was used, or when too many come to remember them."""
        while self._until_s and next(iter(self._until_s.values())) <= now_s:
            del self._until_s[next(iter(self._until_s))]  # the oldest stands first
        if one in self._until_s:
            raise RequestError("was already sent")
        if len(self._until_s) >= REMEMBERED:
            raise RequestError("comes among too many others")
        self._until_s[one] = now_s + 3 * WINDOW_S


def signature(secret: str, topic: str, body: str) -> str:
    """Of a body, as the sender must give it."""
    return hmac.new(secret.encode(), f"{topic}\n{body}".encode(), hashlib.sha256).hexdigest()


def asked(payload: object, topic: str, secret: str, request: MqttRequest, now_s: float, *, retained: bool) -> Asked:
    """Everything but whether its id was used. Raises :class:`RequestError`."""
    if retained:
        raise RequestError("is retained, which a request must not be: it would be carried out again and again")
    if len(secret) < SHORTEST_SECRET:
        raise RequestError(f"cannot be checked: its secret has less than {SHORTEST_SECRET} characters")
    envelope = _decoded(payload)
    if not hmac.compare_digest(signature(secret, topic, envelope.body), envelope.mac.lower()):
        raise RequestError("is not signed with the topic's secret")
    try:
        found = msgspec.json.decode(envelope.body, type=Asked)
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise RequestError("has a body that is not what a request says") from error
    _check(found, request, now_s)
    return found


def _decoded(payload: object) -> _Envelope:
    if not isinstance(payload, bytes | bytearray) or len(payload) > LARGEST:
        raise RequestError("is empty or too long")
    try:
        envelope = msgspec.json.decode(payload, type=_Envelope)
        envelope.mac.encode("ascii")
    except (msgspec.MsgspecError, UnicodeError, RecursionError) as error:
        raise RequestError("is no signed request") from error
    return envelope


def _check(found: Asked, request: MqttRequest, now_s: float) -> None:
    if not abs(found.time - now_s) <= WINDOW_S:
        raise RequestError(f"is not of now: its time differs by more than {WINDOW_S:g} s")
    if not (math.isfinite(found.value) and request.minimum <= found.value <= request.maximum):
        raise RequestError(f"asks for a value outside {request.minimum:g} to {request.maximum:g}")
    if not 0.0 < found.duration_s <= request.longest_s:
        raise RequestError(f"asks for a time outside 0 to {request.longest_s:g} s")
    if not (found.reason.isprintable() and found.actor.isprintable()):
        raise RequestError("has control characters in its reason or actor")

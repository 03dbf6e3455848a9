"""One OCPP-J conversation: calls of the station are answered, ours are asked one at a time. Both ways every payload is
checked by the schemas that the ``ocpp`` package carries.

Garbage is counted, answered where the version can, and never believed; a request with a known number again gets the
answer that it got. A handler commits before it returns, so that an answer is a promise.
"""

from __future__ import annotations

import asyncio
import decimal
import json
import logging
import uuid
from collections import OrderedDict
from collections.abc import Callable, Mapping
from typing import Any, Final, Protocol

from jsonschema.exceptions import ValidationError
from ocpp.messages import MessageType, get_validator

log = logging.getLogger(__name__)
Payload = dict[str, Any]
Handler = Callable[[Payload], Payload]
CALL, RESULT, ERROR = 2, 3, 4
MOST_GARBAGE: Final = 20
"""So much of it in one connection ends the connection."""
REMEMBERED: Final = 64
"""Answers kept for requests that come again with the same number."""
MOST_DEPTH: Final = 20
_DECIMALS: Final = frozenset({"SetChargingProfile", "RemoteStartTransaction"})
"""Their 1.6 schemas speak of multiples of 0.1, which binary floats are not."""


class NoAnswerError(Exception):
    """Nothing, or nothing usable, came in time: the station may or may not have done it."""


class RefusedError(Exception):
    """The station answered that it did not."""


class Connection(Protocol):
    """What carries text messages; raises ConnectionError (or a subclass) when it is over."""

    async def recv(self) -> str | bytes: ...

    async def send(self, message: str) -> None: ...


class Peer:
    def __init__(self, connection: Connection, version: str, handlers: Mapping[str, Handler], answer_s: float) -> None:
        """``version``: 1.6 or 2.0.1; ``handlers``: by action."""
        self._connection, self._version, self._handlers, self._answer_s = connection, version, handlers, answer_s
        self._asking = asyncio.Lock()
        self._asked: tuple[str, str, asyncio.Future[Payload]] | None = None
        self._answered: OrderedDict[str, tuple[str, str]] = OrderedDict()
        self.garbage = 0

    # ---- hearing

    async def run(self) -> None:
        """Until the connection ends or only garbage comes."""
        while self.garbage < MOST_GARBAGE:
            answer = self.hear(await self._connection.recv())
            if answer is not None:
                await self._connection.send(answer)
        log.warning("connection ended: too much that is no OCPP", extra={"messages": self.garbage})

    def hear(self, text: str | bytes) -> str | None:
        """What is to be sent back; None: nothing."""
        try:
            message = _parsed(text)
        except (ValueError, RecursionError) as error:
            self.garbage += 1
            log.warning("no OCPP message", extra={"reason": str(error)[:200]})
            return None if self._version == "1.6" else _error("-1", "RpcFrameworkError", "this is no OCPP message")
        if message[0] == CALL:
            return self._call(*message[1:4])
        self._result(message)
        return None

    def _call(self, number: str, action: str, payload: Payload) -> str:
        known = self._answered.get(number)
        if known is not None and known[0] == _digest(action, payload):
            return known[1]
        answer = self._answer(number, action, payload)
        self._answered[number] = (_digest(action, payload), answer)
        if len(self._answered) > REMEMBERED:
            self._answered.popitem(last=False)
        return answer

    def _answer(self, number: str, action: str, payload: Payload) -> str:
        handler = self._handlers.get(action)
        if handler is None:
            return _error(number, "NotImplemented", f"{action[:40]} is not known here")
        try:
            self._validate(MessageType.Call, action, payload)
            result = handler(payload)
        except ValidationError as error:
            return _error(number, _code(error, self._version), error.message[:200])
        except ValueError as error:
            return _error(number, "PropertyConstraintViolation", str(error)[:200])
        except Exception:  # whatever it was: the station must hear that nothing was taken, and say it again
            log.exception("request not served", extra={"action": action})
            return _error(number, "InternalError", "not taken; say it again")
        return json.dumps([RESULT, number, result], separators=(",", ":"))

    def _result(self, message: list[Any]) -> None:
        asked = self._asked
        if asked is None or asked[0] != message[1] or asked[2].done():
            log.info("answer to no question of ours")
            return
        _, action, waiting = asked
        if message[0] == ERROR:
            text = ", ".join(str(part)[:100] for part in message[2:4])
            waiting.set_exception(RefusedError(f"{action}: {text}"))
            return
        try:
            self._validate(MessageType.CallResult, action, message[2])
        except (ValidationError, RecursionError) as error:
            waiting.set_exception(NoAnswerError(f"{action}: its answer does not fit the schema ({error!s:.100})"))
            return
        waiting.set_result(message[2])

    # ---- asking

    async def call(self, action: str, payload: Payload) -> Payload:
        """The station's answer. Raises :class:`NoAnswerError` or :class:`RefusedError`."""
        self._validate(MessageType.Call, action, payload)
        async with self._asking:
            number = str(uuid.uuid4())
            waiting: asyncio.Future[Payload] = asyncio.get_running_loop().create_future()
            self._asked = (number, action, waiting)
            try:
                async with asyncio.timeout(self._answer_s):
                    await self._connection.send(json.dumps([CALL, number, action, payload], separators=(",", ":")))
                    return await waiting
            except TimeoutError:
                raise NoAnswerError(f"{action}: no answer within {self._answer_s:g} s") from None
            except ConnectionError as error:
                raise NoAnswerError(f"{action}: the connection ended") from error
            finally:
                self._asked = None

    def _validate(self, kind: int, action: str, payload: Payload) -> None:
        if self._version == "1.6" and kind == MessageType.Call and action in _DECIMALS:
            validator = get_validator(kind, action, self._version, parse_float=decimal.Decimal)
            payload = json.loads(json.dumps(payload), parse_float=decimal.Decimal)
        else:
            validator = get_validator(kind, action, self._version)
        validator.validate(payload)


def _parsed(text: str | bytes) -> list[Any]:
    """A list that begins as an OCPP message does. Raises ValueError or RecursionError."""
    message = json.loads(text)
    if not isinstance(message, list) or len(message) < 3:
        raise ValueError("is no list of three or more")
    kind, number = message[0], message[1]
    if kind not in (CALL, RESULT, ERROR) or isinstance(kind, bool) or not isinstance(number, str):
        raise ValueError("does not begin with the kind and number of a message")
    if len(number) > 64:
        raise ValueError("has too long a number")
    if kind == CALL and (len(message) != 4 or not isinstance(message[2], str)):
        raise ValueError("is a call without action or payload")
    content = message[3] if kind == CALL else message[2]
    if kind != ERROR and (not isinstance(content, dict) or _depth(content) > MOST_DEPTH):
        raise ValueError("has a payload that is no object, or too deep")
    return message


def _depth(value: object, so_far: int = 0) -> int:
    inner: list[object] = []
    if isinstance(value, dict):
        inner = list(value.values())
    elif isinstance(value, list):
        inner = value
    if so_far > MOST_DEPTH:
        return so_far
    return max((_depth(one, so_far + 1) for one in inner), default=so_far)


def _digest(action: str, payload: Payload) -> str:
    return action + json.dumps(payload, sort_keys=True)


def _error(number: str, code: str, text: str) -> str:
    return json.dumps([ERROR, number, code, text, {}], separators=(",", ":"))


def _code(error: ValidationError, version: str) -> str:
    """1.6 misspells two of them (OCPP-J 1.6, 4.2.3)."""
    if error.validator == "type":
        return "TypeConstraintViolation"
    if error.validator == "required":
        return "OccurenceConstraintViolation" if version == "1.6" else "OccurrenceConstraintViolation"
    if error.validator == "additionalProperties":
        return "FormationViolation" if version == "1.6" else "FormatViolation"
    return "PropertyConstraintViolation"

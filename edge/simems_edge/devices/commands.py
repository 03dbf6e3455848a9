"""Setpoints as requests and messages. Pure."""

from __future__ import annotations

import json
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from simems_edge.devices.content_points import VALUE, HttpRequest, MqttSink, Numbered
from simems_edge.devices.numbers import scaled, unscaled
from simems_edge.devices.points import Sink
from simems_edge.devices.profile import ProfileChannel
from simems_edge.devices.registers import EncodeError
from simems_edge.devices.view import inside_range

Number = int | float


@dataclass(frozen=True, slots=True)
class Command:
    """What is sent for a setpoint: to ``place`` (a path, a topic), as ``text`` (a body, a payload)."""

    place: str
    text: str
    method: str = "GET"
    answer: tuple[str, Any] | None = None
    """Pointer into the answer, and what must stand there."""
    shows: float = 0.0
    """What the channel must read then."""


def checked(channel: ProfileChannel, value: float) -> float:
    """Raises :class:`EncodeError` when the value is not finite or outside the channel's range."""
    if not math.isfinite(value) or not inside_range(channel, value):
        raise EncodeError(f"{value!r} is outside the range of {channel.name}")
    return value


def command_of(channel: ProfileChannel, sink: Sink, value: float) -> Command:
    """Raises :class:`EncodeError` when ``value`` (channel's unit, our sign) cannot be sent."""
    checked(channel, value)
    if sink.http is not None:
        number, shows = _number(sink.http, value)
        return _http(_chosen(sink.http.requests, sink.http.request, value), number, shows)
    if sink.mqtt is not None:
        number, shows = _number(sink.mqtt, value)
        payload = _chosen(sink.mqtt.payloads, sink.mqtt.payload, value)
        return Command(sink.mqtt.topic, payload.replace(VALUE, _text(number)), shows=shows)
    raise EncodeError(f"{channel.name} is not set by a request or a message")


def hand_back_of(sink: Sink) -> Command | None:
    """What gives the device back to itself; None when the profile names nothing."""
    if sink.http is not None and sink.http.hand_back is not None:
        return _http(sink.http.hand_back, 0, 0.0)
    if sink.mqtt is not None and sink.mqtt.hand_back is not None:
        return Command(sink.mqtt.topic, sink.mqtt.hand_back)
    return None


def allowed(channels: tuple[ProfileChannel, ...]) -> Callable[[Command], bool]:
    """Whether a command goes where the profile lets anything be sent; another is a fault of ours."""
    places = {place for channel in channels for sink in channel.write for place in _places(sink)}
    return lambda command: any(_fits(command, *place) for place in places)


def _places(sink: Sink) -> list[tuple[str, str]]:
    if isinstance(sink.mqtt, MqttSink):
        return [("GET", sink.mqtt.topic)]
    if sink.http is None:
        return []
    every = [sink.http.request, sink.http.hand_back, *sink.http.requests.values()]
    return [(request.method, request.path) for request in every if request is not None]


def _fits(command: Command, method: str, place: str) -> bool:
    head, value, tail = place.partition(VALUE)
    if not value:
        return (command.method, command.place) == (method, place)
    number = command.place[len(head) : len(command.place) - len(tail)]
    same = command.method == method and command.place == head + number + tail
    return same and number.replace("-", "", 1).replace(".", "", 1).isdecimal()


def _chosen(each: dict[int, Any], one: Any, value: float) -> Any:  # noqa: ANN401 - a request or a payload
    if not each:
        return one
    if value not in each:
        raise EncodeError(f"{value!r} is none of {', '.join(map(str, sorted(each)))}")
    return each[int(value)]


def _number(sink: Numbered, value: float) -> tuple[Number, float]:
    """What is sent, and what it means."""
    raw = round(unscaled(value * sink.sign, sink.scale), sink.decimals) + 0.0
    if not math.isfinite(raw):
        raise EncodeError(f"{value!r} cannot be sent")
    return (raw if sink.decimals else int(raw)), scaled(raw, sink.scale) * sink.sign + 0.0


def _text(number: Number) -> str:
    return f"{number:f}".rstrip("0").rstrip(".") if isinstance(number, float) else str(number)


def _http(request: HttpRequest, number: Number, shows: float) -> Command:
    body = "" if request.body is None else json.dumps(_filled(request.body, number), allow_nan=False)
    answer = None if request.answer is None else (request.answer.pointer, request.answer.equals)
    return Command(request.path.replace(VALUE, _text(number)), body, request.method, answer, shows)


def _filled(value: Any, number: Number) -> Any:  # noqa: ANN401 - JSON
    if isinstance(value, dict):
        return {key: _filled(one, number) for key, one in value.items()}
    if isinstance(value, list):
        return [_filled(one, number) for one in value]
    return number if value == VALUE else value

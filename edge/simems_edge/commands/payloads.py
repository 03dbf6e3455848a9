"""What stands in the payload of each kind of command; a field too many or a wrong type refuses the whole."""

from __future__ import annotations

from typing import Any, TypeVar

import msgspec

T = TypeVar("T", bound="Payload")


class PayloadError(ValueError):
    """Not what this kind of command carries."""


class Payload(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Base."""


class OverrideCommand(Payload, frozen=True):
    """Prefer ``value`` (in the target's unit) for ``duration_s``; ``clear`` gives the target back instead."""

    target: str
    value: float = 0.0
    duration_s: float = 0.0
    reason: str = ""
    outlasts_restart: bool = False
    clear: bool = False


class ModeCommand(Payload, frozen=True):
    """A control mode, or RUN, STANDBY, SHUTDOWN, AUTO. ``duration_s`` 0: until it is changed."""

    mode: str
    duration_s: float = 0.0


class ClearFaultCommand(Payload, frozen=True):
    """``code``, or ``code:component``."""

    code: str


class ScheduleCommand(Payload, frozen=True):
    """A whole SCHEDULE.json; None takes away the one that stands."""

    schedule: dict[str, Any] | None


class ConfigurationCommand(Payload, frozen=True):
    """A whole site file."""

    site_yaml: str


class UpdateCommand(Payload, frozen=True):
    """Where the bundle lies and what it must be."""

    url: str
    sha256: str
    version: str = ""


class EmptyCommand(Payload, frozen=True):
    """Nothing but the kind."""


def payload_of(kind: type[T], text: str) -> T:
    """Raises PayloadError."""
    try:
        return msgspec.json.decode(text, type=kind)
    except (msgspec.MsgspecError, ValueError, RecursionError) as error:
        raise PayloadError(f"the payload is not one of this kind: {error}") from error

"""JSON Schema of every message, kept in ``docs/schemas/wire.json``: ``python -m simems_core.wire_schema``."""

from __future__ import annotations

import json
import sys
from typing import Any

import msgspec

from simems_core import wire

MESSAGES: tuple[type[wire.Message], ...] = (
    wire.Hello,
    wire.Telemetry,
    wire.Events,
    wire.Ack,
    wire.Refused,
    wire.Ping,
    wire.Pong,
    wire.Bye,
    wire.Claim,
    wire.ClaimState,
    wire.Rekey,
    wire.Rekeyed,
    wire.Welcome,
    wire.Command,
    wire.CommandAck,
    wire.KeyTaken,
)


def schema() -> dict[str, Any]:
    """One document: a message is any of the definitions, told apart by ``type``."""
    references, definitions = msgspec.json.schema_components(MESSAGES, ref_template="#/$defs/{name}")
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        "title": "Messages between edge and cloud",
        "description": "The map that each MessagePack frame holds.",
        "oneOf": list(references),
        "$defs": definitions,
    }


def document() -> str:
    """The document as it is kept on disk."""
    return json.dumps(schema(), indent=2, sort_keys=True, ensure_ascii=False) + "\n"


if __name__ == "__main__":
    sys.stdout.write(document())

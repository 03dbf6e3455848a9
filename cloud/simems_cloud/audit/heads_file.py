"""The file of exported heads: JSON, one line a tenant, to be kept where the database's administrators cannot reach."""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import UTC, datetime
from pathlib import Path
from uuid import UUID

from simems_cloud.audit.chain import Head


class HeadsFileError(ValueError):
    """The file is no file of heads; the text says where."""


def write_heads(path: Path, heads: Mapping[UUID, Head]) -> None:
    lines = [
        {"tenant_id": str(tenant), "serial": head.serial, "hash": head.hash.hex()} for tenant, head in heads.items()
    ]
    document = {"exported_at": datetime.now(UTC).isoformat(timespec="seconds"), "heads": lines}
    path.write_text(json.dumps(document, indent=1) + "\n")


def read_heads(path: Path) -> dict[UUID, Head]:
    """Raises HeadsFileError."""
    try:
        lines = json.loads(path.read_text())["heads"]
        return {UUID(line["tenant_id"]): Head(int(line["serial"]), _digest(line["hash"])) for line in lines}
    except OSError as error:
        raise HeadsFileError(f"{path}: cannot be read: {error.strerror}") from error
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise HeadsFileError(
            f"{path}: not a file of heads ({error}); write one with `simems-cloud audit head`"
        ) from error


def _digest(text: str) -> bytes:
    digest = bytes.fromhex(text)
    if len(digest) != 32:
        raise ValueError(f"hash: {text!r}: not 32 bytes")
    return digest

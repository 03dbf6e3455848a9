"""The same hardware as a new box: new keys and a new claim code, nobody's commands believed, the old record sealed."""

from __future__ import annotations

import os
import shutil
from datetime import UTC, datetime
from pathlib import Path

from simems_core.wire import MAX_TIME_US

from simems_edge.cli.data_folder import locked_folder
from simems_edge.cli.limit_record import reader_of
from simems_edge.commands.trust import FILE as TRUST_FILE
from simems_edge.proof.book import FOLDER as PROOF_FOLDER
from simems_edge.sync.identity import Identity, forget_keys


def renewed(data: Path) -> tuple[Identity, Path | None]:
    """The new identity, and where the old key's record of limits was put; None: there was none.

    Begun again when it was cut off. Raises IdentityError, CommandError while an edge runs there, OSError."""
    with locked_folder(data):
        sealed = _seal_record(data)
        (data / TRUST_FILE).unlink(missing_ok=True)
        forget_keys(data)
        return Identity(data), sealed


def _seal_record(data: Path) -> Path | None:
    """As an export that the old key signs, for it is gone afterwards; then the record begins anew."""
    identity = Identity(data)
    try:
        book = reader_of(data, identity)
    except FileNotFoundError:
        return None
    target = data / f"record-of-{book.public_key[:16]}.proof"
    now_us = round(datetime.now(UTC).timestamp() * 1e6)
    with target.open("wb") as stream:
        stream.writelines(book.export(0, MAX_TIME_US, now_us))
        stream.flush()
        os.fsync(stream.fileno())
    shutil.rmtree(data / PROOF_FOLDER)
    return target

"""The data folder of one edge: one process at a time may use it."""

from __future__ import annotations

import fcntl
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Final

from simems_edge.cli.errors import BadInputError, CommandError

LOCK_FILE: Final = "edge.lock"
DEFAULT: Final = Path("simems-data")


@contextmanager
def locked_folder(folder: Path) -> Iterator[Path]:
    """``folder``, made when absent, for this process alone. The lock ends with the process, however it ends."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(folder / LOCK_FILE, os.O_RDWR | os.O_CREAT, 0o600)
    except OSError as error:
        raise BadInputError(
            f"{folder}: cannot be used ({error.strerror}); choose another folder with --data"
        ) from error
    try:
        _lock(descriptor, folder)
        yield folder
    finally:
        os.close(descriptor)


def _lock(descriptor: int, folder: Path) -> None:
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        holder = os.pread(descriptor, 32, 0).decode("ascii", "replace").strip()
        raise CommandError(
            f"{folder}: an edge uses this folder already (process {holder}); stop it or give another folder with --data"
        ) from error
    os.ftruncate(descriptor, 0)
    os.pwrite(descriptor, f"{os.getpid()}\n".encode(), 0)

"""Secrets from files: never in a site file, never in a message."""

from __future__ import annotations

import stat
from pathlib import Path
from typing import Final

LARGEST: Final = 4096
OTHERS: Final = stat.S_IRWXG | stat.S_IRWXO


class SecretError(ValueError):
    """A secret's file is missing, empty, or open to others; the message says what to do."""


def read_secret(path: Path) -> str:
    """The first line. Raises :class:`SecretError`."""
    try:
        if path.stat().st_mode & OTHERS:
            raise SecretError(f"{path}: is open to other users; chmod 600 {path.name}")
        with path.open("rb") as file:
            text = file.read(LARGEST).decode("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise SecretError(f"{path}: cannot be read ({type(error).__name__}); check its name and rights") from error
    line = text.partition("\n")[0].rstrip("\r")
    if not line:
        raise SecretError(f"{path}: is empty; write the secret on its first line")
    return line

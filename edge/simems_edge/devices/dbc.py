"""DBC files, beside the profiles: which messages a CAN device has and how their signals lie in them."""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Final

import cantools
from cantools.database import Message
from cantools.database.can import Database
from cantools.database.errors import Error

_FOLDER: Final = files("simems_edge.devices") / "profiles"


class DbcError(ValueError):
    """A DBC file is missing or cannot be used; the message says what to do."""


@lru_cache(maxsize=32)
def load_dbc(name: str) -> Database:
    """Raises :class:`DbcError`."""
    path = _FOLDER / name
    if not path.is_file():
        raise DbcError(f"there is no DBC file {name} beside the profiles; add devices/profiles/{name}")
    return parse_dbc(path.read_text("utf-8"), name)


def parse_dbc(text: str, name: str) -> Database:
    """Raises :class:`DbcError`."""
    try:
        found = cantools.database.load_string(text, database_format="dbc", strict=True)
    except (Error, ValueError, KeyError, IndexError, TypeError) as error:
        raise DbcError(f"DBC file {name} cannot be used ({type(error).__name__}); correct it") from error
    if not isinstance(found, Database):
        raise DbcError(f"file {name} is no CAN database; give a DBC file")
    return found


def message_of(database: Database, name: str) -> Message:
    """Raises :class:`DbcError` for a name that it does not have."""
    try:
        return database.get_message_by_name(name)
    except KeyError as error:
        raise DbcError(f"the DBC file has no message {name}; use one of its names") from error

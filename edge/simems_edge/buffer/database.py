"""Opens the database file, checks it, and sets a damaged one aside."""

from __future__ import annotations

import sqlite3
from importlib.resources import files
from pathlib import Path

from simems_edge.buffer.fault import StorageError

SCHEMA_VERSION = 2
FULL_CHECK_BYTES = 64 * 1024 * 1024
"""Up to this size the whole file is checked at start; a larger one only where it is touched."""
KEPT_QUARANTINES = 2


class TooNewError(StorageError):
    """The file was written by a later version of the software."""


def connect(path: Path) -> sqlite3.Connection:
    """A checked writer connection in WAL with full sync. Raises sqlite3.DatabaseError for a damaged file."""
    connection = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    try:
        _prepare(connection, path)
    except BaseException:
        connection.close()
        raise
    return connection


def _prepare(connection: sqlite3.Connection, path: Path) -> None:
    connection.execute("pragma journal_mode = wal")
    connection.execute("pragma synchronous = full")
    connection.execute("pragma journal_size_limit = 8388608")
    (version,) = connection.execute("pragma user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise TooNewError(f"{path}: written by a later version (schema {version}, this one knows {SCHEMA_VERSION})")
    _check(connection, path)
    if version == 1:
        # Joined acknowledged history of a version that was never released: the cloud has all of it.
        connection.execute("drop table if exists archive")
    connection.executescript(files(__package__).joinpath("schema.sql").read_text("utf-8"))
    connection.execute(f"pragma user_version = {SCHEMA_VERSION}")


def _check(connection: sqlite3.Connection, path: Path) -> None:
    if path.stat().st_size > FULL_CHECK_BYTES:
        connection.execute("select count(*) from sqlite_schema").fetchone()
        return
    (verdict,) = connection.execute("pragma quick_check(1)").fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"{path}: {verdict}")


def is_damage(error: sqlite3.Error) -> bool:
    """True when the file itself is broken, false when the disk is full, busy or read-only."""
    if isinstance(error, sqlite3.OperationalError | sqlite3.ProgrammingError | sqlite3.InterfaceError):
        return False
    code = getattr(error, "sqlite_errorcode", sqlite3.SQLITE_CORRUPT)
    return code & 0xFF in (sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB)


def quarantine(path: Path, time_us: int) -> Path:
    """Rename the file and its companions; only the newest few are kept."""
    aside = path.with_name(f"{path.name}.corrupt-{time_us}")
    for suffix in ("-wal", "-shm", ""):
        part = path.with_name(path.name + suffix)
        if part.exists():
            part.rename(aside.with_name(aside.name + suffix))
    _drop_old_quarantines(path)
    return aside


def _drop_old_quarantines(path: Path) -> None:
    kept = sorted({p.name.split("-wal")[0].split("-shm")[0] for p in path.parent.glob(f"{path.name}.corrupt-*")})
    for name in kept[:-KEPT_QUARANTINES]:
        for part in path.parent.glob(f"{name}*"):
            part.unlink()

"""Sessions on disk, committed (SQLite, WAL, full sync) before a station hears that they are known.

So a station repeats what was not committed, and what was is found again by its identity: nothing is lost, nothing
counted twice, whenever the power goes. Used from one thread.
"""

from __future__ import annotations

import logging
import sqlite3
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import astuple, fields
from importlib.resources import files
from pathlib import Path
from typing import Final

from simems_edge.bridges.ocpp.sessions import Report, Session, abandoned, advanced, begun
from simems_edge.buffer.database import is_damage, quarantine

log = logging.getLogger(__name__)
FILE: Final = "charging.sqlite"
SCHEMA_VERSION: Final = 1
EPOCH_S: Final = 1_577_836_800
"""2020-01-01: numbers of a new file begin at the seconds since then, so that they differ from those of a lost one."""
LARGEST_NUMBER: Final = 2**31 - 1
KEPT: Final = 100_000
"""Ended sessions that stay; older ones go first."""
SAVE_EVERY_S: Final = 60.0
_COLUMNS: Final = (
    "number",
    "station",
    "connector",
    "identity",
    "transaction_id",
    *[f.name for f in fields(Session)[5:]],
)


class SessionStoreError(Exception):
    """The disk refused; the station is told nothing, so that it repeats its report."""


class SessionStore:
    def __init__(self, folder: Path, utc_us: int) -> None:
        """``folder`` exists. A damaged file is set aside. Raises :class:`SessionStoreError` when none can be used."""
        self._path = folder / FILE
        self.quarantined: Path | None = None
        try:
            self._database = self._opened(utc_us)
        except (sqlite3.Error, OSError) as error:
            raise SessionStoreError(f"{self._path}: cannot be used ({error}); check disk and rights") from error
        self._unsaved: dict[int, Session] = {}
        self._saved_s: dict[int, float] = {}
        (highest,) = self._database.execute("select max(number) from sessions").fetchone()
        self._next = max(int(highest or 0) + 1, min(max(utc_us // 1_000_000 - EPOCH_S, 1), LARGEST_NUMBER // 2))

    def _opened(self, utc_us: int) -> sqlite3.Connection:
        try:
            return _connect(self._path)
        except sqlite3.Error as error:
            if not is_damage(error):
                raise
            self.quarantined = quarantine(self._path, utc_us)
            log.exception("file of charging sessions is damaged and set aside", extra={"path": str(self.quarantined)})
            return _connect(self._path)

    def close(self) -> None:
        """With every reading saved."""
        for session in list(self._unsaved.values()):
            self._write(session)
        self._database.close()

    # ---- sessions

    def take(self, report: Report) -> tuple[Session, bool]:
        """The session that ``report`` belongs to, on disk with it; whether it is new. Same report, same session."""
        known = self.find(report)
        if known is None:
            session = begun(self._number(), report)
            self._write(session)
            return session, True
        after = advanced(known, report)
        if after == known:
            return after, False
        if report.kind == "updated" and self._is_fresh(after):
            self._unsaved[after.number] = after
        else:
            self._write(after)
        return after, False

    def _is_fresh(self, session: Session) -> bool:
        """Readings between start and end may be lost with the power: they are saved once a minute, for the flash."""
        return time.monotonic() - self._saved_s.get(session.number, -SAVE_EVERY_S) < SAVE_EVERY_S

    def find(self, report: Report) -> Session | None:
        """By its identity; else by the number that we gave. A number that we never gave (stations send -1 for what
        began while nobody answered) tells nothing."""
        known = self._one("station = ? and identity = ?", report.station, report.identity)
        if known is not None or not report.transaction:
            return known
        ours = "station = ? and transaction_id = ? and transaction_id = cast(number as text)"
        return self._one(ours, report.station, report.transaction)

    def abandon(self, session: Session, utc_us: int) -> Session:
        """The station has gone on without telling its end, which may still come."""
        after = abandoned(session, utc_us)
        if after != session:
            self._write(after)
        return after

    def open_sessions(self, station: str) -> list[Session]:
        return self._select("station = ? and ended_us is null order by number", station)

    def newest(self, limit: int = 100) -> list[Session]:
        """Newest first."""
        return self._select("true order by number desc limit ?", limit)

    def count(self) -> int:
        (found,) = self._execute("select count(*) from sessions").fetchone()
        return int(found)

    def _number(self) -> int:
        number = self._next
        if number > LARGEST_NUMBER:
            raise SessionStoreError("every transaction number of OCPP 1.6 has been given")
        self._next += 1
        return number

    # ---- safe currents

    def safe_current_a(self, station: str, connector: int) -> float | None:
        """What the station acknowledged last; None: it never did."""
        row = self._execute(
            "select current_a from safe_currents where station = ? and connector = ?", (station, connector)
        ).fetchone()
        return None if row is None else float(row[0])

    def set_safe_current(self, station: str, connector: int, current_a: float) -> None:
        self._execute("insert or replace into safe_currents values (?, ?, ?)", (station, connector, current_a))

    # ---- phases

    def offered_phases(self, station: str, connector: int) -> int:
        """3 unless it was told otherwise."""
        row = self._execute(
            "select phases from offered_phases where station = ? and connector = ?", (station, connector)
        ).fetchone()
        return 3 if row is None or row[0] != 1 else 1

    def set_offered_phases(self, station: str, connector: int, phases: int) -> None:
        self._execute("insert or replace into offered_phases values (?, ?, ?)", (station, connector, phases))

    # ---- SQL

    def _write(self, session: Session) -> None:
        marks = ", ".join("?" * len(_COLUMNS))
        self._execute(
            f"insert or replace into sessions ({', '.join(_COLUMNS)}) values ({marks})",  # noqa: S608 - own names
            astuple(session),
        )
        self._unsaved.pop(session.number, None)
        if session.open:
            self._saved_s[session.number] = time.monotonic()
        else:
            self._saved_s.pop(session.number, None)
        if session.number % 1000 == 0:
            self._thin(session.number)

    def _thin(self, newest: int) -> None:
        self._execute("delete from sessions where ended_us is not null and number <= ?", (newest - KEPT,))

    def _one(self, where: str, *values: object) -> Session | None:
        found = self._select(f"{where} limit 1", *values)
        return found[0] if found else None

    def _select(self, where: str, *values: object) -> list[Session]:
        sql = f"select {', '.join(_COLUMNS)} from sessions where {where}"  # noqa: S608 - own words
        found = [Session(*row) for row in self._execute(sql, values).fetchall()]
        return [self._unsaved.get(session.number, session) for session in found]

    def _execute(self, sql: str, values: Sequence[object] = ()) -> sqlite3.Cursor:
        """Each statement is its own transaction. Raises :class:`SessionStoreError`."""
        try:
            return self._database.execute(sql, tuple(values))
        except sqlite3.Error as error:
            raise SessionStoreError(f"{self._path}: {error}") from error


def newest_sessions(database: sqlite3.Connection, limit: int) -> list[Session]:
    """For readers beside the store. Raises sqlite3.Error."""
    sql = f"select {', '.join(_COLUMNS)} from sessions order by number desc limit ?"  # noqa: S608 - own names
    return [Session(*row) for row in database.execute(sql, (limit,)).fetchall()]


def _connect(path: Path) -> sqlite3.Connection:
    database = sqlite3.connect(path, isolation_level=None, timeout=5.0, check_same_thread=False)
    try:
        database.execute("pragma journal_mode = wal")
        database.execute("pragma synchronous = full")
        _check(database, path)
        database.executescript(files(__package__).joinpath("schema.sql").read_text("utf-8"))
        database.execute(f"pragma user_version = {SCHEMA_VERSION}")
    except BaseException:
        database.close()
        raise
    return database


def _check(database: sqlite3.Connection, path: Path) -> None:
    with closing(database.execute("pragma quick_check(1)")) as check:
        (verdict,) = check.fetchone()
    if verdict != "ok":
        raise sqlite3.DatabaseError(f"{path}: {verdict}")
    (version,) = database.execute("pragma user_version").fetchone()
    if version > SCHEMA_VERSION:
        raise sqlite3.OperationalError(f"written by a later version (schema {version})")

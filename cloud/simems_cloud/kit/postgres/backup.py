"""Base backups of the own PostgreSQL, and bringing one back to its end or to a point in time.

A backup is a folder ``base-TIME``: ``data`` (pg_basebackup, verified), ``secrets`` (without them the data cannot be
opened), and last of all ``backup.json``; without that file it is not complete. Beside it lies ``wal``, the archive that
the running server fills; with it any moment after the backup can be brought back.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import psycopg

from simems_cloud.kit.postgres.account import PostgresError
from simems_cloud.kit.postgres.server import ENVIRONMENT, Server

RECOVERED_WITHIN_S = 3600.0
MANIFEST = "backup.json"
SETTINGS = ("restore_command", "recovery_target_time", "recovery_target_action", "recovery_target_timeline")


@dataclass(frozen=True)
class Backup:
    """``taken_at``: when it was complete; nothing before that moment can be brought back with it."""

    folder: Path
    taken_at: datetime
    bytes: int


def take(server: Server, target: Path) -> Backup:
    """Of the running server, while it is used. Raises PostgresError."""
    target.mkdir(parents=True, exist_ok=True, mode=0o750)
    name = f"base-{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    scratch = target / f".{name}.part"
    shutil.rmtree(scratch, ignore_errors=True)
    scratch.mkdir(mode=0o700)
    try:
        _run(server, "pg_basebackup", "-d", server.url, "-D", str(scratch / "data"), "-X", "stream", "-c", "fast")
        _run(server, "pg_verifybackup", "--quiet", str(scratch / "data"))
        shutil.copytree(server.data_dir / "secrets", scratch / "secrets")
        taken_at = datetime.now(UTC)
        manifest = {"taken_at": taken_at.isoformat(), "postgres": (server.data / "PG_VERSION").read_text().strip()}
        (scratch / MANIFEST).write_text(json.dumps(manifest, indent=1) + "\n")
    except BaseException:
        shutil.rmtree(scratch, ignore_errors=True)
        raise
    scratch.rename(target / name)
    return Backup(target / name, taken_at, sum(p.stat().st_size for p in (target / name).rglob("*") if p.is_file()))


def restore(server: Server, backup: Path, archive: Path | None, to: datetime | None, *, replace: bool) -> datetime:
    """Bring it back into the server's folder, which nobody may be using. Returns the time of the last change it holds.

    ``archive`` None: the backup alone. ``to`` None: to the end of the archive. ``replace``: what lies there is moved
    aside, and back again when this fails. Raises PostgresError.
    """
    _check(server, backup, archive, to)
    if not server.try_own():
        raise PostgresError(f"{server.home}: its PostgreSQL runs; stop `simems-cloud serve` first")
    aside = _aside(server, replace=replace)
    try:
        shutil.copytree(backup / "data", server.data, symlinks=True)
        shutil.copytree(backup / "secrets", server.data_dir / "secrets", dirs_exist_ok=True)
        _prepare(server, archive, to)
        again = Server(server.data_dir, archive)
        server.stop()
        reached = _recover(again)
    except BaseException:
        server.stop()
        _back(server, aside)
        raise
    return reached


def _check(server: Server, backup: Path, archive: Path | None, to: datetime | None) -> None:
    if not (backup / MANIFEST).is_file():
        raise PostgresError(f"{backup}: not a complete backup: there is no {MANIFEST}")
    taken_at = datetime.fromisoformat(json.loads((backup / MANIFEST).read_text())["taken_at"])
    if to is not None and to < taken_at:
        raise PostgresError(
            f"--to: {to.isoformat()} lies before this backup ({taken_at.isoformat()}); take an older one"
        )
    if to is not None and archive is None:
        raise PostgresError(
            f"--to: there is no archive of changes beside {backup}; only the backup itself can be restored"
        )
    _run(server, "pg_verifybackup", "--quiet", str(backup / "data"))


def _aside(server: Server, *, replace: bool) -> dict[Path, Path]:
    """Where what was there lies now."""
    there = [path for path in (server.data, server.data_dir / "secrets") if path.exists() and any(path.iterdir())]
    if server.data in there and not replace:
        raise PostgresError(f"{server.data}: there are data already; add --replace to move them aside")
    moved = next(names for names in _names_aside(there) if not any(other.exists() for other in names.values()))
    for path, other in moved.items():
        path.rename(other)
    return moved


def _names_aside(there: list[Path]) -> Iterator[dict[Path, Path]]:
    """By the time of now; numbered where a restore in the same second has taken it."""
    stamp = f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}"
    for number in count(1):
        suffix = stamp if number == 1 else f"{stamp}-{number}"
        yield {path: path.with_name(f"{path.name}.before-{suffix}") for path in there}


def _back(server: Server, aside: dict[Path, Path]) -> None:
    for path in (server.data, server.data_dir / "secrets"):
        if path in aside:
            shutil.rmtree(path, ignore_errors=True)
            aside[path].rename(path)


def _prepare(server: Server, archive: Path | None, to: datetime | None) -> None:
    """Tell the data how far to go."""
    if archive is not None:
        lines = [f'restore_command = \'cp "{archive}/%f" "%p"\'', "recovery_target_action = 'promote'"]
        lines += [] if to is None else [f"recovery_target_time = '{to.astimezone(UTC).isoformat()}'"]
        with (server.data / "postgresql.auto.conf").open("a") as out:
            out.write("\n".join(lines) + "\n")
        (server.data / "recovery.signal").touch()
    server.hand_over(server.data)
    server.data.chmod(0o700)


def _recover(server: Server) -> datetime:
    """Start, wait for the end of the recovery, forget how far it went, stop."""
    if not server.try_own():
        raise PostgresError(f"{server.home}: somebody else has started its PostgreSQL")
    try:
        _start(server)
        _until_recovered(server)
        with psycopg.connect(server.url, autocommit=True) as connection:
            for name in SETTINGS:
                connection.execute(f"alter system reset {name}".encode())
            row = connection.execute("select coalesce(pg_last_xact_replay_timestamp(), now())").fetchone()
            connection.execute("checkpoint")
        if row is None:
            raise PostgresError("the restored server does not say how far it went")
        reached: datetime = row[0]
    finally:
        server.stop()
    return reached


def _start(server: Server) -> None:
    try:
        server.start()
    except PostgresError as error:
        raise PostgresError(_why(server)) from error


def _until_recovered(server: Server) -> None:
    deadline = time.monotonic() + RECOVERED_WITHIN_S
    while True:
        try:
            with psycopg.connect(server.url) as connection:
                row = connection.execute("select pg_is_in_recovery()").fetchone()
            if row is not None and not row[0]:
                return
        except psycopg.OperationalError as error:
            if server.process is None or server.process.poll() is not None:
                raise PostgresError(_why(server)) from error
        if time.monotonic() > deadline:
            raise PostgresError(f"the recovery has not ended after {RECOVERED_WITHIN_S:.0f} s; see {server.data}/log")
        time.sleep(0.1)


def _why(server: Server) -> str:
    """The last fatal words of the server's log."""
    told = [
        entry["message"]
        for path in sorted((server.data / "log").glob("*.json"), key=lambda path: path.stat().st_mtime)
        for line in path.read_text(errors="replace").splitlines()
        if (entry := _entry(line)).get("error_severity") == "FATAL"
    ]
    if told and "before configured recovery target" in told[-1]:
        return "--to: the archive of changes ends before that time; leave it out to restore all there is"
    return f"the recovery failed: {told[-1] if told else f'see {server.data}/log'}"


def _entry(line: str) -> dict[str, str]:
    try:
        found: dict[str, str] = json.loads(line)
    except ValueError:
        return {}
    return found


def _run(server: Server, name: str, *arguments: str) -> None:
    done = subprocess.run(  # noqa: S603 - our own binaries, no shell
        [server.tool(name), *arguments],
        env={**ENVIRONMENT, "HOME": os.environ.get("HOME", "/")},
        cwd="/",
        capture_output=True,
        check=False,
    )
    if done.returncode != 0:
        raise PostgresError(f"{name} failed: {done.stderr.decode(errors='replace').strip()[-1000:]}")

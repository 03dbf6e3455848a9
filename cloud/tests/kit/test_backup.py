"""Back up while in use, go on, break something, and come back to the moment before it."""

from __future__ import annotations

import json
import shutil
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg
import pytest
from click.testing import CliRunner
from simems_cloud.cli.main import group
from simems_cloud.kit.postgres import backup
from simems_cloud.kit.postgres.access import database_access
from simems_cloud.kit.postgres.account import PostgresError
from simems_cloud.kit.postgres.backup import restore
from simems_cloud.kit.postgres.server import Server
from simems_cloud.kit.settings import Settings

pytestmark = pytest.mark.integration


@pytest.fixture
def folders(tmp_path: Path) -> Iterator[tuple[Path, Path]]:
    """(data folder, backup folder), where the server's user can reach both."""
    data = tmp_path / "data"
    home = Server(data).home
    backups = home.parent / f"{home.name}-backups"
    yield data, backups
    shutil.rmtree(Server(data).home, ignore_errors=True)
    shutil.rmtree(backups, ignore_errors=True)


def _call(monkeypatch: pytest.MonkeyPatch, folders: tuple[Path, Path], *arguments: str) -> dict[str, Any]:
    monkeypatch.setenv("SIMEMS_DATA_DIR", str(folders[0]))
    monkeypatch.setenv("SIMEMS_BACKUP_DIR", str(folders[1]))
    done = CliRunner().invoke(group, [*arguments, "--json"], catch_exceptions=False)
    assert done.exit_code == 0, done.output
    found: dict[str, Any] = json.loads(done.output)
    return found


def _rows(settings: Settings, *statements: str) -> list[Any]:
    with database_access(settings) as access, psycopg.connect(access.admin_url, autocommit=True) as connection:
        for statement in statements:
            connection.execute(statement.encode())
        return connection.execute("select n from kept order by n").fetchall()


def test_back_to_the_moment_before(monkeypatch: pytest.MonkeyPatch, folders: tuple[Path, Path]) -> None:
    settings = Settings(data_dir=folders[0], backup_dir=folders[1])
    with database_access(settings) as access, psycopg.connect(access.admin_url, autocommit=True) as connection:
        connection.execute("create table kept as select 1 as n")
        made = _call(monkeypatch, folders, "backup")
        assert made["restores"] == "any moment from then on"
        connection.execute("insert into kept values (2)")
        (before,) = connection.execute("select clock_timestamp()").fetchone() or (datetime.now(UTC),)
        connection.execute("delete from kept")
        connection.execute("insert into kept values (3)")
        with pytest.raises(PostgresError, match="runs; stop"):
            restore(Server(folders[0]), Path(made["backup"]), folders[1] / "wal", before, replace=True)
    with pytest.raises(PostgresError, match="--replace"):
        restore(Server(folders[0]), Path(made["backup"]), folders[1] / "wal", before, replace=False)
    late = datetime.now(UTC) + timedelta(days=1)
    with pytest.raises(PostgresError, match="ends before that time"):
        restore(Server(folders[0]), Path(made["backup"]), folders[1] / "wal", late, replace=True)
    assert _rows(settings) == [(3,)], "a restore that fails leaves what was there"
    with pytest.raises(PostgresError, match="lies before this backup"):
        restore(Server(folders[0]), Path(made["backup"]), None, before - timedelta(days=1), replace=True)
    _call(monkeypatch, folders, "restore", made["backup"], "--to", before.isoformat(), "--replace")
    assert _rows(settings) == [(1,), (2,)]
    assert _rows(settings, "insert into kept values (4)") == [(1,), (2,), (4,)], "it goes on from there"
    _call(monkeypatch, folders, "restore", made["backup"], "--replace")
    assert (4,) in _rows(settings), "without a time: everything that was archived since"


def test_what_two_restores_of_one_second_move_aside_is_kept_of_both(folders: tuple[Path, Path]) -> None:
    server = Server(folders[0])
    kept: list[Path] = []
    for number in range(3):
        for path in (server.data, server.data_dir / "secrets"):
            path.mkdir(parents=True, exist_ok=True)
            (path / "mark").write_text(str(number))
        kept += backup._aside(server, replace=True).values()
    assert [(path / "mark").read_text() for path in kept] == ["0", "0", "1", "1", "2", "2"]
    shutil.rmtree(server.home)


def test_a_damaged_backup_is_refused(monkeypatch: pytest.MonkeyPatch, folders: tuple[Path, Path]) -> None:
    settings = Settings(data_dir=folders[0], backup_dir=folders[1])
    assert _rows(settings, "create table kept as select 1 as n") == [(1,)]
    made = _call(monkeypatch, folders, "backup")
    damaged = next(path for path in (Path(made["backup"]) / "data" / "base").rglob("*") if path.stat().st_size > 8192)
    content = bytearray(damaged.read_bytes())
    content[5000] ^= 1
    damaged.write_bytes(content)
    with pytest.raises(PostgresError, match="pg_verifybackup"):
        restore(Server(folders[0]), Path(made["backup"]), None, None, replace=True)
    (Path(made["backup"]) / "backup.json").unlink()
    with pytest.raises(PostgresError, match="not a complete backup"):
        restore(Server(folders[0]), Path(made["backup"]), None, None, replace=True)
    assert _rows(settings) == [(1,)]

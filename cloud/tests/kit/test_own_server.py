"""The own PostgreSQL: ends with its starter, comes back after a crash, is shared by who comes second."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psycopg
import pytest
from simems_cloud.kit.postgres.access import database_access
from simems_cloud.kit.postgres.server import Server
from simems_cloud.kit.settings import Settings

pytestmark = pytest.mark.integration
HOLD = """
import sys, time
from pathlib import Path
from simems_cloud.kit.postgres.server import Server
server = Server(Path(sys.argv[1]))
assert server.try_own()
server.start()
print(server.process.pid, flush=True)
sys.stdin.read()
"""


@pytest.fixture
def data_dir(tmp_path: Path) -> Iterator[Path]:
    yield tmp_path / "data"
    shutil.rmtree(Server(tmp_path / "data").home, ignore_errors=True)


def _within(bound_s: float, condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + bound_s
    while not condition():
        assert time.monotonic() < deadline
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def _holder(data_dir: Path) -> tuple[subprocess.Popen[str], int]:
    process = subprocess.Popen(
        [sys.executable, "-c", HOLD, str(data_dir)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    return process, int(process.stdout.readline())


def test_kill_of_the_starter_leaves_no_server_and_the_next_start_recovers(data_dir: Path) -> None:
    holder, pid = _holder(data_dir)
    url = Server(data_dir).url
    with psycopg.connect(url, autocommit=True) as connection:
        connection.execute("create table kept as select 42 as value")
    holder.kill()
    holder.wait()
    _within(20, lambda: not _alive(pid))
    with database_access(Settings(data_dir=data_dir)) as access, psycopg.connect(access.admin_url) as connection:
        assert connection.execute("select value from kept").fetchone() == (42,)


def test_kill_of_everything_and_a_pid_file_that_names_another_process(data_dir: Path) -> None:
    holder, pid = _holder(data_dir)
    home = Server(data_dir).home
    holder.send_signal(signal.SIGSTOP)
    os.kill(pid, signal.SIGKILL)
    holder.kill()
    holder.wait()
    pid_file = home / "data" / "postmaster.pid"
    assert pid_file.exists()
    lines = pid_file.read_text().split("\n")
    pid_file.write_text("\n".join([str(os.getpid()), *lines[1:]]))
    with database_access(Settings(data_dir=data_dir)) as access, psycopg.connect(access.admin_url) as connection:
        assert connection.execute("select 1").fetchone() == (1,)
    assert not pid_file.exists()


def test_the_second_to_come_uses_the_first_ones(data_dir: Path) -> None:
    settings = Settings(data_dir=data_dir)
    with database_access(settings) as first:
        with database_access(settings) as second:
            assert second.server is None
            assert second.admin_url == first.admin_url
        with psycopg.connect(first.admin_url) as connection:
            assert connection.execute("select 1").fetchone() == (1,)
        assert first.server is not None
        assert first.server.process is not None
        pid = first.server.process.pid
        owner = Path(f"/proc/{pid}").stat().st_uid
    assert owner != 0
    assert not _alive(pid)


def test_an_initialisation_cut_short_is_begun_again(data_dir: Path) -> None:
    server = Server(data_dir)
    assert server.try_own()
    (server.home / "data.new").mkdir()
    (server.home / "data.new" / "PG_VERSION").write_text("18")
    server.start()
    assert server.answers()
    server.stop()


def test_sessions_that_outlive_a_killed_server_are_waited_for(data_dir: Path) -> None:
    server = Server(data_dir)
    assert server.try_own()
    server.start()
    with psycopg.connect(server.url) as session:
        pid = session.info.backend_pid
        os.kill(pid, signal.SIGSTOP)
        assert server.process is not None
        server.process.kill()
        server.process.wait()
        threading.Timer(1.0, os.kill, (pid, signal.SIGKILL)).start()
        try:
            server.start()
        finally:
            server.stop()

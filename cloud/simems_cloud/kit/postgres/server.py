"""The server's life: initdb once, a direct child, ready when it answers, ended by SIGINT or with its starter."""

from __future__ import annotations

import fcntl
import logging
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Sequence
from pathlib import Path
from typing import IO

import psycopg

from simems_cloud.kit.lifeline import die_with_parent
from simems_cloud.kit.postgres.account import (
    Account,
    PostgresError,
    binaries,
    make_home,
    reachable,
    server_account,
    server_home,
)
from simems_cloud.kit.secret_files import secret

log = logging.getLogger(__name__)
ADMIN, DATABASE = "simems_admin", "simems"
READY_WITHIN_S = 300.0
"""Recovery after a crash may take long; a server that gives up is noticed at once."""
STOP_WITHIN_S = 30.0
MEMORY_LINE = 6
"""Of postmaster.pid: key and id of its shared memory."""
SHARERS = 6
"""Column of /proc/sysvipc/shm."""
ENVIRONMENT = {"LC_ALL": "C", "PATH": "/usr/bin:/bin", "TZ": "UTC"}
OPTIONS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "max_connections": "100",
    "shared_buffers": "64MB",
    "timezone": "UTC",
    "log_timezone": "UTC",
    "logging_collector": "on",
    "log_destination": "jsonlog",
    "log_directory": "log",
    "log_filename": "postgres-%a.log",
    "log_truncate_on_rotation": "on",
    "log_rotation_age": "1d",
    "idle_in_transaction_session_timeout": "5min",
}


class Server:
    """One folder, at most one server: a lock file says who runs it."""

    def __init__(self, data_dir: Path, archive: Path | None = None) -> None:
        """``archive``: a folder that every finished piece of the write-ahead log is copied to; None: none is."""
        self.data_dir, self._archive = data_dir, archive
        self._account: Account | None = server_account()
        self.home = server_home(data_dir, self._account)
        self._password = secret(data_dir, "postgres-admin")
        self._lock: IO[bytes] | None = None
        self.process: subprocess.Popen[bytes] | None = None
        if self.home.parent != data_dir:
            log.warning(
                "the database lies outside the data folder, where its user can reach it",
                extra={"home": str(self.home), "user": self._account and self._account.name},
            )

    @property
    def url(self) -> str:
        return f"postgresql://{ADMIN}:{self._password}@127.0.0.1:{self._port()}/{DATABASE}"

    def try_own(self) -> bool:
        """Take the folder, unless another process has it."""
        make_home(self.home, self._account)
        lock = (self.home / "lock").open("wb")
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            lock.close()
            return False
        self._lock = lock
        return True

    def start(self) -> None:
        """Of an owned folder; from the main thread. Returns when the server answers."""
        binary = binaries(self.home, self._account)
        if not (self._data / "PG_VERSION").exists():
            self._initialise(binary)
        clear_left_over(self._data)
        if self._archive is not None:
            self.hand_over(self._archive)
        self._keep_port()
        self._launch(binary)
        self._wait_ready()
        self._make_database()

    def stop(self) -> None:
        """Fast shutdown: sessions end, all is flushed. Idempotent."""
        if self.process is not None:
            for number in (signal.SIGINT, signal.SIGQUIT, signal.SIGKILL):
                if _ended(self.process, number):
                    break
            self.process = None
        if self._lock is not None:
            self._lock.close()
            self._lock = None

    def answers(self) -> bool:
        """Whether somebody's server of this folder takes connections."""
        try:
            psycopg.connect(self.url, connect_timeout=2).close()
        except (psycopg.OperationalError, FileNotFoundError):
            return False
        return True

    @property
    def data(self) -> Path:
        """PostgreSQL's own folder."""
        return self._data

    def tool(self, name: str) -> Path:
        """A program of the same installation."""
        return binaries(self.home, self._account) / name

    def hand_over(self, folder: Path) -> None:
        """Make it, when it is not there, for the user that the server runs as. Raises PostgresError."""
        folder.mkdir(parents=True, exist_ok=True, mode=0o750)
        if self._account is not None:
            if not reachable(folder.parent, self._account):
                raise PostgresError(f"{folder}: user {self._account.name} cannot reach it; choose another folder")
            for path in (folder, *folder.rglob("*")):
                os.chown(path, self._account.uid, self._account.gid, follow_symlinks=False)

    @property
    def _data(self) -> Path:
        return self.home / "data"

    def _initialise(self, binary: Path) -> None:
        """Aside, then renamed: an initdb that was cut short leaves nothing that looks whole."""
        scratch, password = self.home / "data.new", self.home / "password.new"
        shutil.rmtree(scratch, ignore_errors=True)
        self._write_private(password, self._password)
        command: list[Path | str] = [
            binary / "initdb",
            "-D",
            scratch,
            "-U",
            ADMIN,
            f"--pwfile={password}",
            "--auth=scram-sha-256",
        ]
        try:
            done = self._run([*command, "--encoding=UTF8", "--no-locale", "--data-checksums"])
        finally:
            password.unlink()
        if done.returncode != 0:
            raise PostgresError(f"initdb failed in {scratch}: {done.stderr.decode(errors='replace')[-2000:]}")
        scratch.rename(self._data)

    def _write_private(self, path: Path, text: str) -> None:
        path.unlink(missing_ok=True)
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w") as out:
            out.write(text)
        if self._account is not None:
            os.chown(path, self._account.uid, self._account.gid)

    def _run(self, command: list[Path | str]) -> subprocess.CompletedProcess[bytes]:
        return subprocess.run(  # noqa: S603 - our own binaries, no shell
            command,
            env=ENVIRONMENT,
            cwd="/",
            capture_output=True,
            check=False,
            user=self._user,
            group=self._group,
            extra_groups=self._extra_groups,
        )

    @property
    def _user(self) -> int | None:
        return None if self._account is None else self._account.uid

    @property
    def _group(self) -> int | None:
        return None if self._account is None else self._account.gid

    @property
    def _extra_groups(self) -> list[int] | None:
        return None if self._account is None else []

    def _launch(self, binary: Path) -> None:
        settings = {**OPTIONS, **(archiving(self._archive) if self._archive is not None else {})}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with (self.home / "start.log").open("wb") as out:
            self.process = subprocess.Popen(  # noqa: S603 - our own binary, no shell
                [binary / "postgres", "-D", self._data, "-p", str(self._port()), *options],
                env=ENVIRONMENT,
                cwd="/",
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                preexec_fn=die_with_parent(signal.SIGINT),  # noqa: PLW1509 - the main thread, before any other starts
                user=self._user,
                group=self._group,
                extra_groups=self._extra_groups,
            )

    def _wait_ready(self) -> None:
        deadline = time.monotonic() + READY_WITHIN_S
        while not self._takes_connections():
            if self.process is None or self.process.poll() is not None:
                tail = (self.home / "start.log").read_text(errors="replace")[-2000:]
                raise PostgresError(f"PostgreSQL ended while starting; {self._data}/log and {tail}")
            if time.monotonic() > deadline:
                raise PostgresError(f"PostgreSQL does not answer after {READY_WITHIN_S:.0f} s; see {self._data}/log")
            time.sleep(0.05)

    def _takes_connections(self) -> bool:
        try:
            self._connect().close()
        except psycopg.OperationalError as error:
            if "password authentication failed" in str(error):
                raise PostgresError(
                    f"the password in secrets/postgres-admin is not that of {self._data}; "
                    "restore the secrets folder that belongs to these data"
                ) from error
            return False
        return True

    def _connect(self) -> psycopg.Connection:
        return psycopg.connect(
            host="127.0.0.1",
            port=self._port(),
            user=ADMIN,
            password=self._password,
            dbname="postgres",
            connect_timeout=5,
            autocommit=True,
        )

    def _make_database(self) -> None:
        with self._connect() as connection:
            if connection.execute("select 1 from pg_database where datname = %s", (DATABASE,)).fetchone() is None:
                connection.execute(f'create database "{DATABASE}"'.encode())

    def _port(self) -> int:
        return int((self.home / "port").read_text())

    def _keep_port(self) -> None:
        """The one of last time while it is free, so that addresses stay valid."""
        path = self.home / "port"
        if not (path.exists() and _is_free(self._port())):
            scratch = path.with_suffix(".new")
            scratch.write_text(str(_free_port()))
            scratch.rename(path)


def archiving(folder: Path) -> dict[str, str]:
    """Each piece once, complete and on the disk before it counts as kept; at most a minute of changes is not there."""
    kept = f"{folder}/%f"
    copy = f'cp "%p" "{kept}.part" && sync "{kept}.part" && mv "{kept}.part" "{kept}"'
    command = f'if test -f "{kept}"; then cmp -s "%p" "{kept}"; else {copy}; fi'
    return {"archive_mode": "on", "archive_timeout": "60", "archive_command": command}


def clear_left_over(data: Path) -> None:
    """End a server of this folder whose starter is gone; forget a pid file that names somebody else's process."""
    pid_file = data / "postmaster.pid"
    if not pid_file.exists():
        return
    lines = pid_file.read_text().split("\n")
    pid = int(lines[0])
    if not _is_server_of(pid, data):
        _wait_for_sessions(lines)
        pid_file.unlink(missing_ok=True)
        return
    log.warning("ending a PostgreSQL that was left over", extra={"pid": pid})
    os.kill(pid, signal.SIGINT)
    deadline = time.monotonic() + STOP_WITHIN_S
    while _is_server_of(pid, data):
        if time.monotonic() > deadline:
            raise PostgresError(f"PostgreSQL with pid {pid} holds {data} and does not end; end it and start again")
        time.sleep(0.05)


def _wait_for_sessions(pid_file: Sequence[str]) -> None:
    """Of a server that was killed: they end when they notice, and until then no other server may start. Those that do
    not end are the next server's to name."""
    deadline = time.monotonic() + STOP_WITHIN_S
    while _attached(pid_file) and time.monotonic() < deadline:
        time.sleep(0.02)


def _attached(pid_file: Sequence[str]) -> bool:
    """Whether somebody still holds the server's shared memory, which the seventh line of its pid file names."""
    name = pid_file[MEMORY_LINE].split()[1:] if len(pid_file) > MEMORY_LINE else []
    try:
        segments = [line.split() for line in Path("/proc/sysvipc/shm").read_text().splitlines()[1:]]
    except OSError:
        return False
    return any(segment[1:2] == name and int(segment[SHARERS]) > 0 for segment in segments)


def _is_server_of(pid: int, data: Path) -> bool:
    try:
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except OSError:
        return False
    return os.fsencode(data) in command


def _ended(process: subprocess.Popen[bytes], number: signal.Signals) -> bool:
    if process.poll() is None:
        process.send_signal(number)
    try:
        process.wait(STOP_WITHIN_S)
    except subprocess.TimeoutExpired:
        return False
    return True


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])

"""``simems-cloud serve``."""

from __future__ import annotations

import logging
import os
import signal
import subprocess
import sys
import threading
import time
from dataclasses import dataclass

import click

from simems_cloud.kit.lifeline import die_with_parent
from simems_cloud.kit.logs import configure
from simems_cloud.kit.postgres.access import Access, database_access
from simems_cloud.kit.settings import from_environment

log = logging.getLogger(__name__)
LONGEST_PAUSE_S = 30.0
STEADY_S = 60.0
GRACE_S = 10.0


@dataclass
class Child:
    """One process of the group; started again, ever more slowly, when it ends by itself."""

    name: str
    environment: dict[str, str]
    process: subprocess.Popen[bytes] | None = None
    started: float = 0.0
    pause_s: float = 0.5

    def start(self) -> None:
        self.process = subprocess.Popen(  # noqa: S603 - ourselves, no shell
            [sys.executable, "-m", "simems_cloud.cli.main", self.name],
            env={**os.environ, **self.environment},
            stdin=subprocess.DEVNULL,
            start_new_session=True,
            preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509 - from the main thread, no other runs
        )
        self.started = time.monotonic()

    def ended(self) -> bool:
        return self.process is not None and self.process.poll() is not None

    def stop(self) -> None:
        if self.process is None:
            return
        try:
            self.process.wait(GRACE_S)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


@click.command("serve", epilog="Example: SIMEMS_DATA_DIR=~/simems simems-cloud serve")
def command() -> None:
    """Database, migration, API, ingest and worker for one host; SIGTERM or Ctrl-C ends all of it."""
    from simems_cloud.migrations.run import upgrade  # noqa: PLC0415 - alembic is slow to import

    configure("serve")
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    settings = from_environment()
    with database_access(settings) as access:
        log.info("schema is at", extra={"revision": upgrade(access.admin_url, access.passwords)})
        supervise(children_of(access), access, stopping)


def children_of(access: Access) -> list[Child]:
    """Each gets the address of its own role only."""
    return [
        Child("api", {"SIMEMS_DATABASE_URL": "", "SIMEMS_DATABASE_APP_URL": access.app_url}),
        Child("ingest", {"SIMEMS_DATABASE_URL": "", "SIMEMS_DATABASE_INGEST_URL": access.ingest_url}),
        Child("worker", {"SIMEMS_DATABASE_URL": "", "SIMEMS_DATABASE_WORKER_URL": access.worker_url}),
    ]


def supervise(children: list[Child], access: Access, stopping: threading.Event) -> None:
    """Until told to stop: start, start again, end."""
    try:
        for child in children:
            child.start()
        while not stopping.wait(0.2):
            for child in children:
                _again(child, stopping)
            _database_again(access)
    finally:
        for child in children:
            if child.process is not None and child.process.poll() is None:
                child.process.terminate()
        for child in children:
            child.stop()


def _again(child: Child, stopping: threading.Event) -> None:
    if not child.ended() or child.process is None:
        return
    steady = time.monotonic() - child.started > STEADY_S
    child.pause_s = 0.5 if steady else min(LONGEST_PAUSE_S, child.pause_s * 2)
    log.error(
        "a process ended", extra={"child": child.name, "code": child.process.returncode, "pause_s": child.pause_s}
    )
    if not stopping.wait(child.pause_s):
        child.start()


def _database_again(access: Access) -> None:
    """The own server is part of the group: one that died is started again; connections find it at its old port."""
    server = access.server
    if server is not None and server.process is not None and server.process.poll() is not None:
        log.error("PostgreSQL ended; starting it again", extra={"code": server.process.returncode})
        server.start()

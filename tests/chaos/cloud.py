"""The cloud's side: real ingest processes and an own PostgreSQL, to be killed and brought back."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import subprocess
import sys
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import psycopg

from bench.cloud.rig import Rig, free_port

BACKENDS = "select pid from pg_stat_activity where usename = 'simems_ingest'"
BOUND_S = 90.0


class Ingest:
    """A real ingest process on a port of its own."""

    def __init__(self, rig: Rig, log: Path) -> None:
        self.port = free_port()
        self._log = log
        self._environment = {
            **os.environ,
            "SIMEMS_DATA_DIR": str(rig.settings.data_dir),
            "SIMEMS_DATABASE_INGEST_URL": rig.access.ingest_url,
            "SIMEMS_INGEST_ENDPOINT": f"tcp://127.0.0.1:{self.port}",
        }
        self.start()

    def start(self) -> None:
        command = [str(Path(sys.executable).parent / "simems-cloud"), "ingest"]
        with self._log.open("wb") as log:
            self._process = subprocess.Popen(command, env=self._environment, stderr=log)

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    async def answers(self) -> bool:
        with suppress(OSError):
            _, writer = await asyncio.open_connection("127.0.0.1", self.port)
            writer.close()
            return True
        return False

    @property
    def runs(self) -> bool:
        """A killed one is started at once: one that ended by itself is a finding."""
        return self._process.poll() is None

    @property
    def last_words(self) -> str:
        return self._log.read_text(errors="replace")[-3000:]


async def kill_backend(rig: Rig) -> None:
    """One of ingest's; the server ends all sessions then and recovers."""
    async with asyncio.timeout(BOUND_S):
        while True:
            with suppress(psycopg.OperationalError, ProcessLookupError), psycopg.connect(rig.server.url) as connection:
                pids = [int(row[0]) for row in connection.execute(BACKENDS).fetchall()]
                if pids:
                    os.kill(random.choice(pids), signal.SIGKILL)
                    return
            await asyncio.sleep(0.02)


def kill_server(rig: Rig) -> None:
    """The whole of PostgreSQL, and start it again on its folder; from the main thread."""
    assert rig.server.process is not None
    rig.server.process.kill()
    rig.server.process.wait()
    rig.server.start()


async def eventually(condition: Callable[[], bool], what: Callable[[], str], bound_s: float = BOUND_S) -> None:
    """Wait for a condition, with a bound; ``what`` says what is missing when it passes."""
    try:
        async with asyncio.timeout(bound_s):
            while not condition():  # noqa: ASYNC110 - of other processes
                await asyncio.sleep(0.02)
    except TimeoutError:
        raise AssertionError(f"not within {bound_s:.0f} s: {what()}") from None

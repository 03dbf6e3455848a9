"""The parent's side of a box: starts and kills it, makes its clock jump, fills its disk, and knows what it said."""

from __future__ import annotations

import asyncio
import multiprocessing
import time
from contextlib import suppress
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.process import BaseProcess
from pathlib import Path
from uuid import UUID

from simems_edge.sync import Identity

from tests.chaos.box import END, REST, Errand, Noise, Said, live
from tests.chaos.small_disk import SmallDisk

_STARTER = multiprocessing.get_context("forkserver")
_STARTER.set_forkserver_preload(["tests.chaos.box"])
STOP_S = 30.0


@dataclass
class Life:
    """From a start to its end; ``said``: the last word, None before the first. Times are monotonic.
    ``full_disk``: it was killed while its disk refused."""

    said: Said | None = None
    full_disk: bool = False
    ended_s: float | None = None


class Plant:
    """One box, all its lives long."""

    def __init__(self, name: str, tenant_id: UUID, folder: Path, disk: SmallDisk | None = None) -> None:
        self.name, self.tenant_id, self.folder, self.disk = name, tenant_id, folder, disk
        self.site = "site"
        self.public_key = Identity(folder).keys.public_key
        self.zero_s = time.monotonic()
        self.ahead_us = 0
        self.lives: list[Life] = []
        self._process: BaseProcess
        self._link: Connection

    def start(self, endpoint: str, server_key: str) -> None:
        self._endpoint, self._server_key = endpoint, server_key
        self._link, theirs = _STARTER.Pipe()
        errand = Errand(self.folder, endpoint, server_key, self.site, self.zero_s, self.ahead_us)
        self._process = _STARTER.Process(target=live, args=(errand, theirs), daemon=True)
        self._process.start()
        theirs.close()
        self.lives.append(Life())
        asyncio.get_running_loop().add_reader(self._link.fileno(), self._hear)

    def again(self) -> None:
        self.start(self._endpoint, self._server_key)

    def kill(self) -> None:
        """SIGKILL: no flush, no goodbye."""
        self._process.kill()
        self._process.join()
        self._end()
        self.lives[-1].full_disk = self.refuses()

    def noise(self, channels: int) -> None:
        """Beside the counter; a box that is started again has none."""
        self._link.send(Noise(channels))

    def rest(self) -> None:
        """Measure no more."""
        self._link.send(REST)

    def is_done(self) -> bool:
        """All that it measured is the cloud's."""
        said = self.said
        return said is not None and self.writes() and said.durable == said.taken and said.acked == said.sequence

    async def stop(self) -> int:
        """As systemd stops it; its exit status."""
        with suppress(OSError):
            self._link.send(END)
        await asyncio.to_thread(self._process.join, STOP_S)
        if self._process.exitcode is None:
            self._process.kill()
        self._end()
        return self._process.exitcode if self._process.exitcode is not None else -1

    def jump(self, seconds: int) -> None:
        """The box's wall clock, now and in its further lives."""
        self.ahead_us += seconds * 1_000_000
        self._link.send(seconds * 1_000_000)

    @property
    def said(self) -> Said | None:
        return self.lives[-1].said

    def refuses(self) -> bool:
        """Its disk does."""
        return self.said is not None and not self.said.writable

    def writes(self) -> bool:
        """Something that it measured in this life is on the disk, and the last flush was taken."""
        return self.said is not None and self.said.writable and self.said.durable >= self.said.first

    @property
    def sequence(self) -> int:
        """The last that it said it gave."""
        return self.said.sequence if self.said else 0

    @property
    def acked(self) -> int:
        return self.said.acked if self.said else 0

    def _end(self) -> None:
        self._hear()
        with suppress(OSError):
            asyncio.get_running_loop().remove_reader(self._link.fileno())
            self._link.close()
        self.lives[-1].ended_s = time.monotonic()

    def _hear(self) -> None:
        try:
            while self._link.poll():
                self.lives[-1].said = self._link.recv()
        except (EOFError, OSError):
            with suppress(OSError):
                asyncio.get_running_loop().remove_reader(self._link.fileno())

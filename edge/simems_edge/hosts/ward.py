"""One controller's process under watch."""

from __future__ import annotations

import logging
import os
import random
import socket
from collections.abc import Callable, Mapping
from multiprocessing import get_context
from multiprocessing.process import BaseProcess

from simems_core import Cycle

from simems_edge.contracts import Controller
from simems_edge.hosts import process
from simems_edge.hosts.kernel import cause_of_death
from simems_edge.hosts.post import Descriptor, Failed, Limits, Order, Ready, Report, Turns, post_box, reports

log = logging.getLogger(__name__)
SOUND_AFTER_S = 60.0
"""A process that lived this long starts the back-off anew."""
BIRTH_S = 60.0
"""Time to import, attach and bind, on a slow and busy box."""
MISSED_CYCLES = 3
"""Behind by more, it is not waited for."""
END_S = 2.0
Tell = Callable[[str | None, int], None]
"""(why it fails now or None, turns or lives lost since the last call)"""

_context = get_context("forkserver")
_context.set_forkserver_preload(["simems_edge.hosts.nursery"])


class Ward:
    """Looked at by one thread, several times a second."""

    def __init__(
        self,
        desk: int,
        controller: Controller,
        cycle: Cycle,
        actuators: Mapping[str, int],
        period_s: float,
        limits: Limits,
        tell: Tell,
    ) -> None:
        self.controller = controller
        self._desk, self._cycle, self._actuators, self._period_s = desk, cycle, dict(actuators), period_s
        self._limits, self._tell = limits, tell
        self._process: BaseProcess | None = None
        self._post: socket.socket | None = None
        self._backoff_s = limits.first_backoff_s
        self._due_s = float("-inf")
        self._born_s = 0.0
        self._sign_s = 0.0
        self._answered = 0
        self._ready = False
        self._last_words = ""
        self._verdict = ""

    @property
    def pid(self) -> int | None:
        """Of the process that lives; None while there is none."""
        return None if self._process is None else self._process.pid

    @property
    def ready(self) -> bool:
        """Whether it takes turns."""
        return self._ready

    def look(self, now_s: float) -> None:
        """One look: give birth, read the post, notice death and silence."""
        if self._process is None:
            if now_s >= self._due_s and self._cycle.running:
                self._try_birth(now_s)
            return
        self._read_post(now_s)
        if self._process.exitcode is not None:
            self._bury(self._process.exitcode, now_s)
            return
        self._listen(now_s)

    def end(self) -> None:
        """At the edge's stop: it may end by itself, then it must."""
        if self._process is not None:
            self._process.join(END_S)
            self._process.kill()
            self._process.join()
            self._forget()

    def _try_birth(self, now_s: float) -> None:
        """No memory, no descriptors, no process table entry: it is tried again, ever more slowly."""
        try:
            self._bear(now_s)
        except (OSError, RuntimeError, EOFError) as error:
            self._again(f"no process could be made for it: {error}", now_s)

    def _bear(self, now_s: float) -> None:
        files = self._cycle.desk_files(self._desk)
        ours, theirs = post_box()
        try:
            descriptors = (Descriptor(file) for file in (*files, theirs.fileno()))
            order = Order(self.controller, self._actuators, self._period_s, self._limits.memory_mb, *descriptors)
            name = f"controller-{self.controller.id}"
            child = _context.Process(target=process.serve, args=(order,), name=name, daemon=True)
            child.start()
        finally:
            theirs.close()
            for file in files:
                os.close(file)
        self._process, self._post, self._ready = child, ours, False
        self._born_s = self._sign_s = now_s
        self._answered, self._last_words, self._verdict = 0, "", ""

    def _read_post(self, now_s: float) -> None:
        if self._post is not None:
            for report in reports(self._post):
                self._take(report, now_s)

    def _take(self, report: Report, now_s: float) -> None:
        self._sign_s = now_s
        match report:
            case Ready():
                self._ready = True
                self._cycle.expect_desk(self._desk, True)
                self._tell(None, 0)
                log.info("controller ready", extra={"controller": self.controller.id, "pid": self.pid})
            case Turns():
                self._tell(None, 0)
            case Failed(count, text, trace):
                self._last_words = text
                self._tell(text, count)
                if trace:
                    log.error("controller failed", extra={"controller": self.controller.id, "error": trace})

    def _listen(self, now_s: float) -> None:
        """It must answer, or at least report that it fails."""
        answered = self._cycle.answered_by(self._desk)
        if answered > self._answered:
            self._answered, self._sign_s = answered, now_s
        elif not self._cycle.running:
            self._sign_s = now_s
        if self._ready:
            self._cycle.expect_desk(self._desk, self._cycle.number - self._answered <= MISSED_CYCLES)
        silent_s = now_s - self._sign_s
        if silent_s > (self._limits.silent_s if self._ready else BIRTH_S):
            self._verdict = f"it gave no sign of life for {silent_s:.1f} s; its process was killed"
            self._kill()

    def _kill(self) -> None:
        if self._process is not None:
            self._process.kill()

    def _bury(self, exit_code: int, now_s: float) -> None:
        self._cycle.mend_desk(self._desk)
        if exit_code == 0 and not self._cycle.running:
            self._forget()
            return
        known = {
            process.OUT_OF_MEMORY: f"it took more than {self._limits.memory_mb} MB of memory; its process was ended",
            process.UNBOUND: f"it could not be bound: {self._last_words}",
            process.BROKEN: f"its process could give it no more turns: {self._last_words}",
        }
        cause = self._verdict or cause_of_death(exit_code, known)
        if now_s - self._born_s > SOUND_AFTER_S:
            self._backoff_s = self._limits.first_backoff_s
        self._again(cause, now_s)
        self._forget()

    def _again(self, cause: str, now_s: float) -> None:
        wait_s = self._backoff_s * random.uniform(0.8, 1.2)  # noqa: S311 - spreads restarts, protects nothing
        self._backoff_s = min(2.0 * self._backoff_s, self._limits.longest_backoff_s)
        self._due_s = now_s + wait_s
        self._tell(f"{cause}; it is started again", 1)
        extra = {"controller": self.controller.id, "cause": cause, "again_in_s": round(wait_s, 2)}
        log.error("a controller has no process", extra=extra)

    def _forget(self) -> None:
        if self._post is not None:
            self._post.close()
        if self._process is not None:
            self._process.close()
        self._process, self._post, self._ready = None, None, False

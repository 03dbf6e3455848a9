"""Inside a controller's process: attach, bind, then a turn on each snapshot until the cycle stops."""

from __future__ import annotations

import gc
import os
import resource
import signal
import socket
import time
from collections.abc import Sequence
from contextlib import suppress

from simems_core import CoreError, CycleGuest, Snapshot

from simems_edge.contracts.context import Row
from simems_edge.hosts.kernel import die_with_parent, name_process
from simems_edge.hosts.post import Failed, Order, Ready, Turns, send
from simems_edge.hosts.seat import Failure, Seat

WAIT_S = 0.5
REPORT_S = 0.2
"""At most one report of failures in this time."""
MEGABYTE = 1024 * 1024
OUT_OF_MEMORY = 77
"""Exit code."""
UNBOUND = 78
"""Exit code: the controller could not be bound; the report says why."""
BROKEN = 79
"""Exit code: no turn can be given any more; the report says why."""


def serve(order: Order) -> None:
    """The process's whole life."""
    _keep_only(order)
    die_with_parent()
    name_process(f"ctl-{order.controller.id}")
    # Only the edge ends it, not whoever stops the edge.
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, signal.SIG_IGN)
    _limit_memory(order.memory_mb)
    reporter = _Reporter(socket.socket(fileno=order.post.number))
    guest = CycleGuest(order.board.number, order.desk.number, order.bell.number)
    try:
        seat = _seat(order, guest)
    except Exception as error:  # noqa: BLE001 - a plugin may raise anything
        reporter.failed(Failure.of(error), time.monotonic())
        os._exit(UNBOUND)
    reporter.ready()
    try:
        _turns(guest, seat, order.period_s, reporter)
    except Exception as error:  # noqa: BLE001 - the controller may have broken anything in here
        reporter.failed(Failure.of(error), time.monotonic())
        os._exit(BROKEN)


def _seat(order: Order, guest: CycleGuest) -> Seat:
    def propose(cycle: int, rows: Sequence[Row]) -> None:
        guest.propose(0, cycle, rows)

    return Seat(order.controller, guest.image, order.actuators, propose, guest.publish, guest.rehearse)


def _turns(guest: CycleGuest, seat: Seat, period_s: float, reporter: _Reporter) -> None:
    after, parent = guest.number, os.getppid()
    while not guest.stopped and os.getppid() == parent:
        if guest.vigil(after, WAIT_S):
            seat.rehearse()
        snapshot = _next(guest, after)
        if snapshot is not None:
            after = snapshot.cycle
            _told(seat.turn(snapshot, period_s), reporter)


def _next(guest: CycleGuest, after: int) -> Snapshot | None:
    """What the controller let go in circles may still be held: it is collected before this process gives up."""
    try:
        return guest.wait(after, WAIT_S)
    except CoreError:
        gc.collect()
    return guest.wait(after, WAIT_S)


def _told(failure: Failure | None, reporter: _Reporter) -> None:
    if failure is None:
        reporter.well()
        return
    reporter.failed(failure, time.monotonic())
    if failure.out_of_memory:
        # What it leaked is not given back: only a new process is sound.
        os._exit(OUT_OF_MEMORY)


def _keep_only(order: Order) -> None:
    """Closes what is not its own. What gives it birth ends with the edge, but not while this process holds its pipe."""
    own = {end.number for end in (order.board, order.desk, order.bell, order.post)}
    for number in map(int, os.listdir("/proc/self/fd")):
        if number > 2 and number not in own:
            with suppress(OSError):
                os.close(number)


def _limit_memory(megabytes: int) -> None:
    """Private memory of the process, from what it has now."""
    with open("/proc/self/statm", encoding="ascii") as pages:
        now = int(pages.read().split()[5]) * resource.getpagesize()
    limit = now + megabytes * MEGABYTE
    resource.setrlimit(resource.RLIMIT_DATA, (limit, limit))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


class _Reporter:
    """Never waits: a report that finds the post full is left out."""

    def __init__(self, box: socket.socket) -> None:
        self._box = box
        box.setblocking(False)
        self._lost = 0
        self._sent_s = float("-inf")
        self._known: set[str] = set()
        self._failing = False

    def ready(self) -> None:
        send(self._box, Ready())

    def well(self) -> None:
        if self._failing and send(self._box, Turns()):
            self._failing, self._lost = False, 0

    def failed(self, failure: Failure, now_s: float) -> None:
        self._failing = True
        self._lost += 1
        known = failure.kind in self._known
        if known and now_s - self._sent_s < REPORT_S:
            return
        if send(self._box, Failed(self._lost, failure.text, "" if known else failure.trace)):
            self._known.add(failure.kind)
            self._sent_s, self._lost = now_s, 0

"""Tells systemd how the edge is (sd_notify(3)); nothing when not started by it.

Ready and alive are told by the core, from completed cycles alone and without the GIL (:class:`simems_core.Watchdog`): a
cycle that hangs or dies is restarted by systemd, and a hung event loop or screen never costs a healthy cycle its life.
When no thread of the interpreter runs any more, bridges cannot write setpoints: then the kicks are withheld.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Mapping
from threading import Event as Flag
from threading import Thread

from simems_core import CoreError, Cycle, Watchdog

log = logging.getLogger(__name__)
UNWATCHED_S = 3.0
"""Patience to assume when systemd waits for READY but does not watch."""


INTERPRETER_S = 30.0
"""Longest time that no Python thread may run."""
PULSE_S = 1.0


class Beat:
    """What systemd is told of a cycle; :meth:`stop` ends it."""

    def __init__(self, watchdog: Watchdog) -> None:
        self._watchdog = watchdog
        self._ending = Flag()
        self._thread = Thread(target=self._pulse, name="pulse", daemon=True)
        self._thread.start()

    def _pulse(self) -> None:
        while not self._ending.wait(PULSE_S):
            self._watchdog.pulse()

    def stop(self) -> None:
        self._ending.set()
        self._thread.join()
        self._watchdog.stop()


class Notifier:
    """Sends datagrams to ``NOTIFY_SOCKET``; a failing one is ignored, systemd then restarts the service itself.

    None is waited for: a systemd that does not read holds up neither the beat nor an orderly end.
    """

    def __init__(self, environment: Mapping[str, str] = os.environ) -> None:
        self._socket = environment.get("NOTIFY_SOCKET", "")
        self.watchdog_s = _watchdog_s(environment) if self._socket else None
        """Seconds between kicks before systemd kills the service; None when it does not watch."""

    def watch(self, cycle: Cycle, period_s: float) -> Beat | None:
        """Ready with the first completed cycle, then three looks within systemd's patience (WatchdogSec)."""
        if not self._socket:
            return None
        if self.watchdog_s is not None and self.watchdog_s < 3 * period_s:
            log.warning(
                "WatchdogSec is shorter than three cycles: systemd may kill a healthy edge; set it longer in the unit",
                extra={"watchdog_s": self.watchdog_s, "period_s": period_s},
            )
        try:
            patience_s = max(INTERPRETER_S, self.watchdog_s or 0.0)
            return Beat(Watchdog(cycle, self._socket, (self.watchdog_s or UNWATCHED_S) / 3, patience_s=patience_s))
        except CoreError as error:
            log.warning("systemd is told nothing", extra={"reason": str(error)})
            return None

    def stopping(self) -> None:
        self._send("STOPPING=1")

    def _send(self, message: str) -> bool:
        if not self._socket:
            return False
        address = "\0" + self._socket[1:] if self._socket.startswith("@") else self._socket
        kind = socket.SOCK_DGRAM | socket.SOCK_CLOEXEC | socket.SOCK_NONBLOCK
        with socket.socket(socket.AF_UNIX, kind) as channel:
            try:
                channel.sendto(message.encode(), address)
            except OSError:
                return False
        return True


def _watchdog_s(environment: Mapping[str, str]) -> float | None:
    """None as well when the request is meant for another process (sd_watchdog_enabled(3))."""
    watched, patience_us = environment.get("WATCHDOG_PID", ""), environment.get("WATCHDOG_USEC", "")
    if not patience_us.isdigit() or int(patience_us) == 0 or watched not in {"", str(os.getpid())}:
        return None
    return int(patience_us) / 1e6

"""Which connections each key has, and how one is ended: libzmq keeps a connection although its key is revoked.

libzmq tells the file descriptor that a frame came through. By the time anybody ends that connection it may be closed
and the number may stand for another one: of the database, or of another device. So a connection is ended only while
its descriptor leads from our port to the very peer that it led to at first, and it is ended once.
"""

from __future__ import annotations

import logging
import os
import socket
from collections.abc import Iterator
from contextlib import contextmanager

log = logging.getLogger(__name__)
OF_A_KEY = 16
"""Connections remembered of each key, the newest ones."""
ENDED = 4096
"""Connections remembered as ended, the newest ones: what they sent before may still wait to be read."""
Line = tuple[bytes, int]
"""(route, descriptor)"""


class Lines:
    """``port``: ours."""

    def __init__(self, port: int) -> None:
        self._port = port
        self._of: dict[str, dict[Line, str]] = {}
        self._ended: dict[Line, None] = {}

    def note(self, key: str, line: Line, address: str) -> None:
        """A frame came through it. ``address``: of its sender, as libzmq knew it then."""
        known = self._of.setdefault(key, {})
        if line in known or line in self._ended:
            return
        peer = self._peer(line[1])
        if peer is not None and peer.startswith(f"('{address}',"):
            known[line] = peer
            _keep_newest(known, OF_A_KEY)

    def end(self, key: str) -> int:
        """Every connection of this key, whether or not it sends; how many there were."""
        return sum(self._end(line, peer) for line, peer in self._of.pop(key, {}).items())

    def end_one(self, key: str, line: Line) -> None:
        """This connection, unless it is ended or gone."""
        peer = self._of.get(key, {}).pop(line, None)
        if peer is not None:
            self._end(line, peer)

    def _end(self, line: Line, peer: str) -> bool:
        self._ended[line] = None
        _keep_newest(self._ended, ENDED)
        with _borrowed(line[1]) as connection:
            if connection is None or self._leads_to(connection) != peer:
                return False
            connection.shutdown(socket.SHUT_RDWR)
            return True

    def _peer(self, descriptor: int) -> str | None:
        with _borrowed(descriptor) as connection:
            return None if connection is None else self._leads_to(connection)

    def _leads_to(self, link: socket.socket) -> str | None:
        """The peer of a connection to our port; None for any other."""
        try:
            ours = link.getsockname()[1] == self._port
            return str(link.getpeername()) if ours else None
        except (OSError, IndexError):
            return None


@contextmanager
def _borrowed(descriptor: int) -> Iterator[socket.socket | None]:
    """A second handle of it, so that nothing else can take its place meanwhile; None when it is no socket."""
    try:
        own = os.dup(descriptor)
    except OSError:
        yield None
        return
    try:
        connection = socket.socket(fileno=own)
    except OSError:
        os.close(own)
        yield None
        return
    with connection:
        yield connection


def _keep_newest(known: dict[Line, str] | dict[Line, None], most: int) -> None:
    while len(known) > most:
        del known[next(iter(known))]

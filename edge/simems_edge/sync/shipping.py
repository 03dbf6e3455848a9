"""Which frame goes next: live ones at once, the backlog behind them in order, a window of unacknowledged frames.

Pure bookkeeping of sequences; no socket, no clock of its own.

    acked      backlog sent      backlog to send      live sent     not yet written
    ......|.....................|..................|.............|..................
               ^ acked + 1       ^ cursor           ^ live_from   ^ live_next
"""

from __future__ import annotations

from collections import deque

WINDOW = 256
BACKLOG_WINDOW = 128
BACKLOG_WINDOW_BYTES = 256 * 1024
"""What of the backlog may be on its way at once: enough to keep the cloud storing over a slow line, little enough
that a live frame never waits behind much of it."""


class Shipping:
    """State of one connection's sending. ``now_s`` is any monotonic time in seconds."""

    def __init__(
        self,
        window: int = WINDOW,
        backlog_window: int = BACKLOG_WINDOW,
        backlog_window_bytes: int = BACKLOG_WINDOW_BYTES,
    ) -> None:
        self._window = window
        self._backlog_window = min(window, backlog_window)
        self._backlog_window_bytes = backlog_window_bytes
        self._in_flight: deque[tuple[int, int]] = deque()
        self._in_flight_bytes = 0
        self.acked = 0
        """Everything up to here is committed in the cloud."""
        self._cursor = 1
        self._live_from = 1
        self._live_next = 1
        self._progress_s = 0.0

    def begin(self, acked: int, last: int, now_s: float) -> None:
        """(Re)start: what is above ``acked`` and not above ``last`` is backlog, what comes later is live."""
        self.acked = acked
        self._cursor = acked + 1
        self._live_from = self._live_next = max(last, acked) + 1
        self._in_flight.clear()
        self._in_flight_bytes = 0
        self._progress_s = now_s

    @property
    def backlog(self) -> int:
        """Frames still to be sent from before this start."""
        return max(0, self._live_from - self._cursor)

    @property
    def outstanding(self) -> bool:
        """Something was sent and is not acknowledged."""
        return self._live_next - 1 > max(self.acked, self._live_from - 1) or self._cursor - 1 > self.acked

    def next_live(self, last: int) -> tuple[int, int]:
        """(after, count) of live frames that may go now."""
        room = last if self.backlog else self.acked + self._window
        return self._live_next - 1, max(0, min(last, room) - self._live_next + 1)

    def next_backlog(self, most: int) -> tuple[int, int]:
        """(after, count) of backlog frames that may go now."""
        room = self.acked + self._backlog_window - self._cursor + 1
        return self._cursor - 1, max(0, min(most, room, self.backlog)) if self.backlog_room(0) else 0

    def backlog_room(self, size: int) -> bool:
        """A backlog frame of ``size`` bytes may go now; one always may when none is on its way."""
        return not self._in_flight or self._in_flight_bytes + size < self._backlog_window_bytes

    def sent_backlog(self, sequence: int, size: int, now_s: float) -> None:
        """As :meth:`sent`, for one frame of the backlog of ``size`` bytes; its acknowledgement may be here already."""
        if sequence > self.acked:
            self._in_flight.append((sequence, size))
            self._in_flight_bytes += size
        self.sent(sequence - 1, 1, now_s)

    def sent(self, after: int, count: int, now_s: float) -> None:
        """Frames ``after + 1 .. after + count`` left, as :meth:`next_live` said."""
        if not self.outstanding:
            self._progress_s = now_s
        if after + 1 == self._live_next:
            self._live_next += count
        if after + 1 == self._cursor and self.backlog:
            self._cursor += count

    def acknowledged(self, sequence: int, now_s: float) -> bool:
        """True when it is news; a late or doubled acknowledgement is not."""
        if sequence <= self.acked:
            return False
        self.acked = sequence
        while self._in_flight and self._in_flight[0][0] <= sequence:
            self._in_flight_bytes -= self._in_flight.popleft()[1]
        self._cursor = max(self._cursor, min(sequence + 1, self._live_from))
        if sequence >= self._live_from:
            self._live_next = max(self._live_next, sequence + 1)
        self._progress_s = now_s
        return True

    def stalled(self, now_s: float, timeout_s: float) -> bool:
        """Nothing was acknowledged for ``timeout_s`` although something is outstanding: send it again."""
        return self.outstanding and now_s - self._progress_s > timeout_s

"""Which frame goes next: live ones at once, the backlog behind them in order, a window of unacknowledged frames.

Pure bookkeeping of sequences; no socket, no clock of its own.

    acked      backlog sent      backlog to send      live sent     not yet written
    ......|.....................|..................|.............|..................
               ^ acked + 1       ^ cursor           ^ live_from   ^ live_next
"""

from __future__ import annotations

WINDOW = 256


class Shipping:
    """State of one connection's sending. ``now_s`` is any monotonic time in seconds."""

    def __init__(self, window: int = WINDOW) -> None:
        self._window = window
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
        room = self.acked + self._window - self._cursor + 1
        return self._cursor - 1, max(0, min(most, room, self.backlog))

    def sent(self, after: int, count: int, now_s: float) -> None:
        """Frames ``after + 1 .. after + count`` left, as :meth:`next_live` or :meth:`next_backlog` said."""
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
        self._cursor = max(self._cursor, min(sequence + 1, self._live_from))
        if sequence >= self._live_from:
            self._live_next = max(self._live_next, sequence + 1)
        self._progress_s = now_s
        return True

    def stalled(self, now_s: float, timeout_s: float) -> bool:
        """Nothing was acknowledged for ``timeout_s`` although something is outstanding: send it again."""
        return self.outstanding and now_s - self._progress_s > timeout_s

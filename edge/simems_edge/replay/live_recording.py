"""Records a live runtime cycle by cycle, as the INPUT of a replay that decides the same."""

from __future__ import annotations

import logging
from pathlib import Path
from threading import Event as Flag
from threading import Thread
from typing import Final

from simems_edge.replay.input_writer import InputWriter
from simems_edge.runtime import Runtime

log = logging.getLogger(__name__)
WAIT_S: Final = 0.2
STOP_S: Final = 5.0


class LiveRecording:
    """Start it before the runtime: a replay begins where the runtime began. The cycle never waits for it; what it
    could not keep up with is counted, and told at the end."""

    def __init__(self, runtime: Runtime, path: Path) -> None:
        """Raises OSError when the file cannot be written."""
        self._cycle = runtime.cycle
        self._path = path
        self._stream = path.open("w", encoding="utf-8", newline="")
        self.writer = InputWriter(runtime, self._stream, stamps=True, live=True)
        self._stopping = Flag()
        self._thread = Thread(target=self._main, name="recording", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def stop(self) -> None:
        """After the runtime's end. The file is whole."""
        self._stopping.set()
        self._thread.join(STOP_S)
        self._stream.close()
        late = self._cycle.statistics().late_proposals
        told = {"file": str(self._path), "rows": self.writer.rows, "missed": self.writer.missed, "late": late}
        if self.writer.missed or late:
            log.warning("recording has gaps: a replay of it may decide differently", extra=told)
        else:
            log.info("recorded", extra=told)

    def _main(self) -> None:
        after = 0
        while not self._stopping.is_set():
            snapshot = self._cycle.wait(after, WAIT_S)
            if snapshot is None:
                continue
            after = snapshot.cycle
            try:
                self.writer.write(snapshot)
            except OSError:
                log.exception("recording ends: its file cannot be written")
                return

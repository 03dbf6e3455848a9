"""`replay`: recorded inputs through the runtime; what would it have decided? One row is one cycle."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TextIO

from simems_core import BAD, GOOD, Clock, Decision

from simems_edge.config import Site
from simems_edge.contracts.context import UTC_OFFSET
from simems_edge.replay.actions import Action, perform, read_actions
from simems_edge.replay.inputs import input_addresses
from simems_edge.replay.recording import InputRow, Recording
from simems_edge.replay.table import RowWriter, decision_cells, decision_columns, numbers
from simems_edge.runtime import Runtime
from simems_edge.schedule import Schedule

_NS = 1e9


def replay(
    site: Site,
    recording_path: Path,
    stream: TextIO,
    *,
    actions_path: Path | None = None,
    schedule: Schedule | None = None,
    progress: Callable[[int], None] | None = None,
) -> int:
    """The number of cycles. Same input, same bytes out. Raises ReplayError for an input that cannot be used."""
    actions = [] if actions_path is None else read_actions(actions_path)
    player = Player(site, actions, actions_path, schedule)
    recording = Recording(recording_path, player.inputs)
    player.take(recording.columns)
    columns = ["time_s", *decision_columns(player.runtime.assembly.actuators), "state", "control_mode", "faults"]
    writer = RowWriter(stream, columns)
    number = 0
    for number, row in enumerate(recording, start=1):
        writer.write(*player.cycle(row))
        if progress is not None and number % 1000 == 0:
            progress(number)
    return number


class Player:
    """Rows in, what was decided out: one row is one cycle."""

    def __init__(
        self,
        site: Site,
        actions: list[Action],
        actions_path: Path | None = None,
        schedule: Schedule | None = None,
    ) -> None:
        """``actions``: sorted by time, done as their time comes (more may be added); ``actions_path``: the file that
        messages name."""
        self._clock = Clock.simulated(0)
        self.runtime = Runtime(site, clock=self._clock, schedule=schedule)
        self.runtime.tells_alarms = False
        self._handles: list[int] = []
        self._actions_path = Path("ACTIONS") if actions_path is None else actions_path
        self._actions = actions

    @property
    def inputs(self) -> frozenset[str]:
        """Channels that rows may hold."""
        return input_addresses(self.runtime)

    def take(self, columns: Sequence[str]) -> None:
        """The channels of the rows' columns."""
        self._handles = [self.runtime.image.handle(address) for address in columns]
        self.runtime.wall_clock.recorded = UTC_OFFSET in columns

    def decide(self, row: InputRow) -> list[Decision]:
        """One cycle. Raises ReplayError for an action that this site cannot do."""
        time_ns = round(row.time_s * _NS)
        self._clock.advance_to(time_ns)
        self._publish(row, time_ns)
        while self._actions and self._actions[0].time_s <= row.time_s:
            self._act(self._actions.pop(0))
        return self.runtime.step(time_ns)

    def cycle(self, row: InputRow) -> list[str]:
        """As :meth:`decide`: the cells of the row's output."""
        decisions = self.decide(row)
        cells, faults = decision_cells(decisions), ";".join(self.runtime.faults.codes())
        return [numbers((row.time_s,)), *cells, self.runtime.state, self.runtime.control_mode, faults]

    def _publish(self, row: InputRow, time_ns: int) -> None:
        for column, value in row.values:
            quality = GOOD if value == value else BAD  # noqa: PLR0124 - NaN differs from itself
            taken_ns = time_ns if column not in row.taken_s else round(row.taken_s[column] * _NS)
            self.runtime.image.publish(self._handles[column], value, taken_ns, quality)

    def _act(self, action: Action) -> None:
        perform(self.runtime, action, self._actions_path)

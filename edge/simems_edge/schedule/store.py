"""The schedule in the data folder: one whole file, replaced at once, noticed by a running edge."""

from __future__ import annotations

from pathlib import Path
from typing import Final

from pydantic import ValidationError

from simems_edge.buffer.durable import replace_durably
from simems_edge.schedule.model import Schedule

FILE: Final = "schedule.json"
MOST_BYTES: Final = 1_000_000
Stamp = tuple[int, int, int]


class StoredScheduleError(ValueError):
    """The stored file is damaged or cannot be read."""


class ScheduleStore:
    """Of one data folder. Writing and reading processes may be different ones."""

    def __init__(self, folder: Path) -> None:
        self._path = folder / FILE

    def save(self, schedule: Schedule) -> None:
        """Durable when it returns. Raises OSError; the old schedule then stands."""
        replace_durably(self._path, schedule.model_dump_json().encode())

    def remove(self) -> None:
        """No schedule from now on."""
        self._path.unlink(missing_ok=True)

    def stamp(self) -> Stamp | None:
        """Differs whenever the file was replaced; None: there is none, or the folder cannot be read."""
        try:
            found = self._path.stat()
        except OSError:
            return None
        return found.st_ino, found.st_mtime_ns, found.st_size

    def load(self) -> Schedule | None:
        """None when there is none. Raises StoredScheduleError."""
        try:
            with self._path.open("rb") as stream:
                content = stream.read(MOST_BYTES)
        except FileNotFoundError:
            return None
        except OSError as error:
            raise StoredScheduleError(f"{FILE} cannot be read ({error.strerror}); load the schedule again") from error
        try:
            return Schedule.model_validate_json(content)
        except ValidationError as error:
            raise StoredScheduleError(f"{FILE} is damaged; load the schedule again") from error

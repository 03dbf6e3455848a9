"""The clock that the virtual plant and the edge share when simulated time runs at another speed than the host's.

A small JSON file: origin on CLOCK_MONOTONIC (equal in every process of this host), the UTC instant it stands for,
and the speed. The plant writes it, the edge reads it. It is good for one boot of one host only.
"""

from __future__ import annotations

import json
import os
import time
from dataclasses import asdict, dataclass
from pathlib import Path

from simems_core import Clock


class ClockFileError(ValueError):
    """The clock file is missing, damaged, or from before this boot; the message says what to do."""


@dataclass(frozen=True, slots=True)
class SharedClock:
    origin_ns: int
    """CLOCK_MONOTONIC of this host."""
    origin_utc_us: int
    speed: float

    def clock(self) -> Clock:
        return Clock.scaled(self.origin_ns, self.origin_utc_us, self.speed)


def write_clock(path: Path, shared: SharedClock) -> None:
    """Atomic: readers see the old file or the new one."""
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(asdict(shared)) + "\n", "utf-8")
    temporary.replace(path)


def read_clock(path: Path) -> SharedClock:
    """Raises :class:`ClockFileError`."""
    try:
        data = json.loads(path.read_text("utf-8"))
        shared = SharedClock(int(data["origin_ns"]), int(data["origin_utc_us"]), float(data["speed"]))
    except OSError as error:
        raise ClockFileError(
            f"{path}: cannot be read ({error.strerror}); start simems-edge sim --clock-file"
        ) from error
    except (ValueError, KeyError, TypeError, RecursionError) as error:
        raise ClockFileError(
            f"{path}: is no clock file of simems-edge sim ({error}); let the plant write it"
        ) from error
    if shared.origin_ns > time.monotonic_ns():
        raise ClockFileError(f"{path}: is from before this start of the computer; delete it and start the plant again")
    if not 0.0 < shared.speed < 1e6:
        raise ClockFileError(f"{path}: speed {shared.speed} is out of range; start the plant again")
    return shared

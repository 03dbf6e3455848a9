"""What a restarted plant must not forget, in one small file written atomically.

The counter counts plant seconds since ``origin_s``; the origin outlives the process, so the counter never goes back.
"""

from __future__ import annotations

import json
import logging
import os
from dataclasses import asdict, dataclass, field
from pathlib import Path

_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class PlantState:
    origin_s: float
    """Plant's UTC second at which its counter was 0."""
    utc_s: float
    """Plant's UTC second of this state."""
    energies: dict[str, float] = field(default_factory=dict)


def save_state(path: Path, state: PlantState) -> None:
    temporary = path.with_name(f".{path.name}.{os.getpid()}")
    temporary.write_text(json.dumps(asdict(state)), "utf-8")
    temporary.replace(path)


def load_state(path: Path) -> PlantState | None:
    """None when there is none yet; a damaged one is set aside, said, and begun anew."""
    try:
        data = json.loads(path.read_text("utf-8"))
        energies = {str(address): float(value) for address, value in data["energies"].items()}
        return PlantState(float(data["origin_s"]), float(data["utc_s"]), energies)
    except FileNotFoundError:
        return None
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        aside = path.with_name(f"{path.name}.damaged")
        path.replace(aside)
        _LOG.warning("%s is damaged (%s); it is kept as %s and the plant starts anew", path, error, aside.name)
        return None

"""Parameter sets of grid codes, as data: one file a code, one section a controller type. Not certified.

A section names its clause, where its numbers were checked, whether that was possible (``verified``), and which of its
settings were found nowhere all the same (``unverified``).
"""

from __future__ import annotations

from functools import lru_cache
from importlib.resources import files
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict


class _Strict(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ParameterSet(_Strict):
    """Settings of one controller type by one code."""

    clause: str
    source: str
    """Where the numbers were checked."""
    verified: bool
    """Against ``source``, which is public. False: against nothing; ask the grid operator before use."""
    unverified: tuple[str, ...] = ()
    """Settings of a verified section that no public source was found for."""
    note: str = ""
    settings: dict[str, Any]
    """As in a site file, in base units."""


class GridCode(_Strict):
    """One edition of a code."""

    title: str
    certified: Literal[False]
    sets: dict[str, ParameterSet]
    """By controller type."""


@lru_cache(maxsize=1)
def grid_codes() -> dict[str, GridCode]:
    """Every code that is shipped, by name. Raises pydantic's ValidationError for a file that is wrong."""
    found = sorted(one.name for one in files(__name__).iterdir() if one.name.endswith(".yaml"))
    texts = {name.removesuffix(".yaml"): (files(__name__) / name).read_text("utf-8") for name in found}
    return {name: GridCode.model_validate(yaml.safe_load(text)) for name, text in texts.items()}


def parameters(code: str, controller_type: str) -> dict[str, Any]:
    """What the code says for this type. ValueError, saying what there is, when it says nothing."""
    offering = sorted(name for name, one in grid_codes().items() if controller_type in one.sets)
    if code not in offering:
        known = "unknown" if code not in grid_codes() else f"without a parameter set for {controller_type}"
        raise ValueError(f"code {code!r} is {known}; use one of {', '.join(offering) or '(none)'}, or leave it out")
    return dict(grid_codes()[code].sets[controller_type].settings)

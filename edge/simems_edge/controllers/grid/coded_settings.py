"""Settings that a grid code may fill in."""

from __future__ import annotations

from typing import Any, ClassVar

from pydantic import model_validator

from simems_edge.contracts import ControllerSettings
from simems_edge.controllers.grid.codes import parameters


class CodedSettings(ControllerSettings):
    """What ``code`` says stands where the site file says nothing; what the site file says goes before."""

    controller_type: ClassVar[str]
    """Section of the code's file."""
    code: str | None = None
    """A shipped parameter set, e.g. ``en_50549_1_2019`` (docs/grid-codes.md), not certified. None: the defaults."""

    @model_validator(mode="before")
    @classmethod
    def _fill_in(cls, given: Any) -> Any:  # noqa: ANN401 - whatever was written
        code = given.get("code") if isinstance(given, dict) else None
        return {**parameters(code, cls.controller_type), **given} if isinstance(code, str) else given

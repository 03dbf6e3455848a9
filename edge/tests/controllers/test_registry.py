"""Controllers are found by entry point and built from the site file's entries."""

from __future__ import annotations

from typing import Any

import pytest
from simems_edge.config import Site
from simems_edge.controllers.optimisation import PeakShaving
from simems_edge.controllers.registry import ControllerError, build_controllers

CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
ENTRY = {"id": "peak0", "type": "peak_shaving", "grid": "grid0", "ess": "ess0", "threshold_w": "60 kW"}


def site_of(entry: dict[str, Any]) -> Site:
    grid = {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0}
    return Site.model_validate(
        {
            "site": {"id": "registry-1", "time_zone": "Europe/Stockholm", "currency": "SEK", "grid": grid},
            "components": (
                {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION},
                {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION},
            ),
            "controllers": (entry,),
        }
    )


def test_quantities_may_carry_their_unit() -> None:
    (controller,) = build_controllers(site_of(ENTRY))
    assert isinstance(controller, PeakShaving)
    assert controller.settings.threshold_w == 60_000.0


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"type": "peek_shaving"}, "is no controller type"),
        ({"threshold_w": "60 s"}, "threshold_w"),
        ({"threshold_w": -1.0}, "threshold_w"),
        ({"tresh": 1.0}, "tresh"),
        ({"grid": "ess0"}, "name a meter"),
        ({"ess": "ess9"}, "no component of this site"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused(change: dict[str, Any], part: str) -> None:
    with pytest.raises(ControllerError, match=part):
        build_controllers(site_of(ENTRY | change))

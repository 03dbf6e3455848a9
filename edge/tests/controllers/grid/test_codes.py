"""Every shipped parameter set fits its controller, says its clause and its source, and is not certified."""

from __future__ import annotations

import pytest
from simems_edge.controllers.grid.codes import grid_codes, parameters
from simems_edge.controllers.registry import load_type

SETS = [(code, kind) for code, one in grid_codes().items() for kind in one.sets]
REST = {"grid": "grid0", "ess": "ess0", "rated_va": 1e4, "reference_w": 1e4, "capacity_w": 1e4, "ess_rated_w": 1e4}


@pytest.mark.parametrize(("code", "kind"), SETS)
def test_it_fits_its_controller(code: str, kind: str) -> None:
    settings = load_type(kind).Settings
    rest = {name: value for name, value in REST.items() if name in settings.model_fields}
    known = settings.model_validate(rest | {"code": code})
    written = settings.model_validate(rest | parameters(code, kind))
    assert known.model_copy(update={"code": None}) == written


@pytest.mark.parametrize(("code", "kind"), SETS)
def test_it_says_where_it_is_from(code: str, kind: str) -> None:
    one = grid_codes()[code].sets[kind]
    assert one.clause
    assert one.source
    assert one.verified or "not at hand" in one.source, "what could not be checked says so"


def test_the_codes_that_were_promised_are_there() -> None:
    assert {"en_50549_1_2019", "vde_ar_n_4105_2018", "ieee_1547_2018_a", "ieee_1547_2018_b"} <= set(grid_codes())

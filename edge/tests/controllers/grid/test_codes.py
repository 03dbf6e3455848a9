"""Every shipped parameter set fits its controller, says its clause and its source, and is not certified."""

from __future__ import annotations

import math

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


@pytest.mark.parametrize(("code", "kind"), SETS)
def test_what_was_found_nowhere_is_named(code: str, kind: str) -> None:
    one = grid_codes()[code].sets[kind]
    assert set(one.unverified) < set(one.settings), "each of them is a setting, and something was found"
    assert one.verified or not one.unverified, "of a section that was checked against nothing, nothing is exempt"


@pytest.mark.parametrize(
    ("code", "kind", "published"),
    [
        # Hoymiles, DE_VDE4105_2018: volts of 230 V, % of rated power a second, s
        ("vde_ar_n_4105_2018", "reconnection_ramp", (195.5, 253.0, 47.5, 50.1, 60.0, 0.16)),
        # Hoymiles, NF_EN_50549-1:2019
        ("en_50549_1_2019", "reconnection_ramp", (195.5, 253.0, 49.5, 50.2, 60.0, 0.16)),
    ],
)
def test_reconnection_is_that_of_the_published_profile(code: str, kind: str, published: tuple[float, ...]) -> None:
    low_v, high_v, low_hz, high_hz, wait_s, pct_per_s = published
    found = parameters(code, kind)
    volts = [found["nominal_v"] * found[f"{end}_voltage_pct"] / 100.0 for end in ("lowest", "highest")]
    assert volts == pytest.approx([low_v, high_v])
    assert [found["lowest_hz"], found["highest_hz"], found["observation_s"]] == [low_hz, high_hz, wait_s]
    assert found["gradient_pct_per_min"] / 60.0 == pytest.approx(pct_per_s, abs=0.01), "the profile's steps"


@pytest.mark.parametrize("code", ["vde_ar_n_4105_2018", "en_50549_1_2019"])
def test_droop_is_that_of_the_published_profiles(code: str) -> None:
    """From 50.2 Hz 40 % of the rated power per Hz, and back at 0.16 % of it a second."""
    found = parameters(code, "frequency_droop")
    assert found["nominal_hz"] + found["over_deadband_hz"] == pytest.approx(50.2)
    assert 100.0 / (found["over_droop_pct"] / 100.0 * found["nominal_hz"]) == pytest.approx(40.0)
    assert found["release_pct_per_min"] / 60.0 == pytest.approx(0.16, abs=0.01)


def test_the_german_voltages_are_those_of_the_published_profile() -> None:
    found = parameters("vde_ar_n_4105_2018", "volt_var")
    volts = [found["nominal_v"] * pct / 100.0 for pct, _ in found["points"]]
    assert volts == pytest.approx([213.9, 223.1, 236.9, 246.1])
    ends = [found["points"][0][1], -found["points"][-1][1]]
    assert ends == pytest.approx([100.0 * math.sin(math.acos(0.9))] * 2, abs=0.05), "cos phi 0.90"


def test_the_codes_that_were_promised_are_there() -> None:
    assert {"en_50549_1_2019", "vde_ar_n_4105_2018", "ieee_1547_2018_a", "ieee_1547_2018_b"} <= set(grid_codes())

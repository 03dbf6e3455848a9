"""What controllable devices keep in any case: BNetzA BK6-22-300, annex 1, 4.5.2."""

from __future__ import annotations

import pytest
from simems_edge.config.outside import Dimming, least_power_w


@pytest.mark.parametrize(
    ("count", "expected_w"),
    [
        (1, 4_200.0),
        (2, 7_560.0),  # 4.2 + 1 x 0.80 x 4.2
        (3, 10_500.0),  # 4.2 + 2 x 0.75 x 4.2
        (4, 13_020.0),
        (5, 15_120.0),
        (6, 16_800.0),
        (7, 18_060.0),
        (8, 18_900.0),
        (9, 19_320.0),  # 4.2 + 8 x 0.45 x 4.2
        (10, 21_210.0),  # 4.2 + 9 x 0.45 x 4.2
    ],
)
def test_the_formula(count: int, expected_w: float) -> None:
    assert least_power_w(count) == pytest.approx(expected_w)


def test_heat_pumps_and_cooling_above_11_kw_keep_a_share() -> None:
    assert least_power_w(2, [15e3]) == pytest.approx(0.4 * 15e3 + 0.8 * 4_200.0)
    assert least_power_w(3, [12e3], [20e3]) == pytest.approx(0.4 * 20e3 + 2 * 0.75 * 4_200.0)
    assert least_power_w(3, [12e3, 6e3], []) == pytest.approx(0.4 * 18e3 + 2 * 0.75 * 4_200.0)
    assert least_power_w(2, [11e3]) == least_power_w(2), "not above 11 kW"
    assert least_power_w(1, [20e3]) == pytest.approx(8_000.0)


def test_nothing_to_dim_is_refused() -> None:
    with pytest.raises(ValueError, match="one controllable device"):
        least_power_w(0)
    with pytest.raises(ValueError, match="devices or consumers"):
        Dimming.model_validate({})


def test_the_section_counts_its_devices() -> None:
    pump = {"component": "hp0", "rated_w": 15_000.0, "kind": "heat_pump"}
    section = Dimming.model_validate({"devices": ["ess0", "evcs0"], "consumers": [pump]})
    assert section.limit_w == pytest.approx(0.4 * 15e3 + 2 * 0.75 * 4_200.0)
    assert Dimming.model_validate({"devices": ["ess0"], "least_limit_w": 5_000.0}).limit_w == 5_000.0

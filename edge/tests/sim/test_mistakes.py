"""The plant's declared mistakes do what they say, at the transformers and in the registers."""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from itertools import pairwise
from typing import Any

import pytest
from simems_edge.config import Site
from simems_edge.sim import Plant

START = datetime(2026, 6, 9, 10, 0, tzinfo=UTC)
Make = Callable[..., Site]


def plants(make_plant_site: Make, **mistakes: Mapping[str, Any]) -> tuple[Plant, Plant]:
    """The plant with these mistakes, and the same without any."""
    wrong = make_plant_site(**{name: {"mistakes": dict(one)} for name, one in mistakes.items()})
    return Plant.from_site(wrong, start_utc=START), Plant.from_site(make_plant_site(), start_utc=START)


def shown(plant: Plant, component: str) -> dict[str, float]:
    reading = plant.readings(component)
    assert reading is not None
    return dict(reading.values)


def test_transformers(make_plant_site: Make) -> None:
    wrong, right = plants(make_plant_site, grid0={"ct_reversed": [2], "ct_missing": [3], "ct_ratio": 2.0})
    seen, true = shown(wrong, "grid0"), shown(right, "grid0")
    assert seen["active_power_w_l1"] == pytest.approx(2.0 * true["active_power_w_l1"])
    assert seen["active_power_w_l2"] == pytest.approx(-2.0 * true["active_power_w_l2"])
    assert seen["active_power_w_l3"] == seen["current_a_l3"] == 0.0
    assert seen["voltage_v_l3"] == true["voltage_v_l3"]
    assert seen["active_power_w"] == pytest.approx(sum(seen[f"active_power_w_l{n}"] for n in (1, 2, 3)))
    assert seen["current_a_l1"] == pytest.approx(2.0 * true["current_a_l1"])


@pytest.mark.parametrize(("first", "second"), [(1, 2), (2, 3), (1, 3)])
def test_swapped_transformers_see_the_other_current_at_their_own_voltage(
    make_plant_site: Make, first: int, second: int
) -> None:
    """Against complex phasors of the three voltages, 120 degrees apart."""
    wrong, right = plants(make_plant_site, grid0={"ct_swapped": [first, second]})
    seen, true = shown(wrong, "grid0"), shown(right, "grid0")
    angles = {1: 0.0, 2: -120.0, 3: 120.0}
    for here, there in ((first, second), (second, first)):
        power = complex(true[f"active_power_w_l{there}"], true[f"reactive_power_var_l{there}"])
        turned = power * cmath.exp(1j * math.radians(angles[here] - angles[there]))
        assert seen[f"active_power_w_l{here}"] == pytest.approx(turned.real)
        assert seen[f"reactive_power_var_l{here}"] == pytest.approx(turned.imag)


def test_scales_and_signs(make_plant_site: Make) -> None:
    wrong, right = plants(
        make_plant_site,
        grid0={"power_scale": 0.001, "frequency_scale": 0.1},
        pv0={"sign_inverted": "readings"},
        ess0={"soc_scale": 0.01},
    )
    assert shown(wrong, "grid0")["active_power_w"] == pytest.approx(shown(right, "grid0")["active_power_w"] / 1000.0)
    assert shown(wrong, "grid0")["current_a"] == shown(right, "grid0")["current_a"]
    assert shown(wrong, "grid0")["frequency_hz"] == pytest.approx(5.0)
    assert shown(wrong, "pv0")["active_power_w"] == -shown(right, "pv0")["active_power_w"] != 0.0
    assert shown(wrong, "ess0")["soc_pct"] == pytest.approx(0.6)


def test_words_and_signs_of_registers(make_plant_site: Make) -> None:
    wrong, right = plants(make_plant_site, grid0={"numbers": "int32_words_swapped"}, ess0={"numbers": "int16_unsigned"})
    true = round(shown(right, "grid0")["active_power_w"])
    assert shown(wrong, "grid0")["active_power_w"] == ((true & 0xFFFF) << 16 | true >> 16) - (
        0x100000000 if true & 0x8000 else 0
    )
    wrong.command("ess0/active_power_w", -5_000.0)
    for _ in range(50):
        wrong.step(0.1)
    assert shown(wrong, "ess0")["active_power_w"] == pytest.approx(655_360.0 - 5_000.0, abs=20.0)
    assert shown(wrong, "ess0")["soc_pct"] == pytest.approx(60.0, abs=0.1)


def test_what_stands_still_and_what_runs_back(make_plant_site: Make) -> None:
    wrong, _ = plants(make_plant_site, grid0={"energy": "resets"}, pv0={"frozen": "all"}, ess0={"energy": "backwards"})
    first, counted = shown(wrong, "pv0"), []
    wrong.command("ess0/active_power_w", -30_000.0)
    charged = shown(wrong, "ess0")["charge_energy_wh"]
    for second in range(400):
        wrong.command("ess0/active_power_w", -30_000.0)
        wrong.step(1.0)
        if second % 10 == 0:
            counted.append(shown(wrong, "grid0")["import_energy_wh"])
    assert shown(wrong, "pv0") == first
    assert min(later - earlier for earlier, later in pairwise(counted)) < 0.0
    assert shown(wrong, "ess0")["charge_energy_wh"] < charged


def test_setpoints_go_astray(make_plant_site: Make) -> None:
    for mistake, expected_w in (({"ignores_setpoints": True}, 0.0), ({"sign_inverted": "setpoints"}, -4_000.0)):
        wrong, _ = plants(make_plant_site, ess0=mistake)
        for _ in range(50):
            wrong.command("ess0/active_power_w", 4_000.0)
            wrong.step(0.1)
        assert wrong.truth()["ess0/active_power_w"] == pytest.approx(expected_w, abs=20.0)


def test_a_loop_of_its_own_holds_the_grid_at_0_whatever_is_asked(make_plant_site: Make) -> None:
    wrong, right = plants(make_plant_site, ess0={"own_loop": "self_consumption"})
    for plant in (wrong, right):
        for _ in range(300):
            plant.command("ess0/active_power_w", 1_000.0)
            plant.step(0.1)
    assert abs(wrong.truth()["site/grid_power_w"]) < 0.1 * abs(right.truth()["site/grid_power_w"])


def test_less_than_it_says(make_plant_site: Make) -> None:
    wrong, _ = plants(make_plant_site, ess0={"true_share": 0.5})
    for _ in range(100):
        wrong.command("ess0/active_power_w", 60_000.0)
        wrong.step(0.1)
    assert shown(wrong, "ess0")["max_discharge_power_w"] == 60_000.0
    assert wrong.truth()["ess0/active_power_w"] == pytest.approx(30_000.0)

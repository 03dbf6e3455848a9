"""Quantities: numbers, units, prefixes, and what is refused."""

import contextlib
import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.config.quantities import SUFFIXES, UNITS, dimension_of, parse_quantity


@pytest.mark.parametrize(
    ("text", "dimension", "expected"),
    [
        ("60 kW", "W", 60_000.0),
        ("60kW", "W", 60_000.0),
        ("-1.5 MW", "W", -1_500_000.0),
        ("100 ms", "s", 0.1),
        ("1.5 s", "s", 1.5),
        ("2 min", "s", 120.0),
        ("20 kW/s", "W/s", 20_000.0),
        ("60 kW/min", "W/s", 1000.0),
        ("120 kWh", "Wh", 120_000.0),
        ("1e3 W", "W", 1000.0),
        ("60 %", "%", 60.0),
        (7, "W", 7.0),
        (0.25, "s", 0.25),
    ],
)
def test_right_quantities(text: object, dimension: str, expected: float) -> None:
    assert parse_quantity(text, dimension) == pytest.approx(expected, rel=1e-12)


@pytest.mark.parametrize(
    "value",
    [
        "60",
        "60 kWh",
        "kW",
        "60 kw",
        "60 KW",
        "6 0 kW",
        "0x10 W",
        "nan W",
        "1e999 W",
        "",
        None,
        True,
        [1],
        math.nan,
        math.inf,
    ],
)
def test_wrong_quantities(value: object) -> None:
    with pytest.raises(ValueError, match=r"\w"):
        parse_quantity(value, "W")


def test_the_longest_suffix_wins() -> None:
    assert [dimension_of(n) for n in ("ramp_w_per_s", "threshold_w", "capacity_wh", "soc_pct", "name", "delay_s")] == [
        "W/s", "W", "Wh", "%", None, "s",
    ]  # fmt: skip
    assert set(SUFFIXES.values()) <= set(UNITS)


@given(st.floats(-1e9, 1e9), st.sampled_from([(d, u) for d, units in UNITS.items() for u in units]))
def test_every_unit_of_every_dimension(number: float, unit: tuple[str, str]) -> None:
    dimension, name = unit
    assert parse_quantity(f"{number!r} {name}", dimension) == pytest.approx(number * UNITS[dimension][name])


@given(st.text(max_size=40), st.sampled_from(sorted(UNITS)))
def test_any_text_is_a_number_or_refused(text: str, dimension: str) -> None:
    with contextlib.suppress(ValueError):
        assert math.isfinite(parse_quantity(text, dimension))

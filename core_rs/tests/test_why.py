"""The why-line: one sentence per decision, from the reason and what was known."""
# ruff: noqa: E501 - a table of sentences, one decision a line

from __future__ import annotations

from math import nan
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_core.why import Reason, Why, explain, parse_reason

SOURCES = {"peak0": "peak_shaving", "self0": "self_consumption", "manual": "manual"}
SETTINGS = {"peak0/threshold_w": 60_000.0, "ess0/minimum_soc_pct": 10.0, "ess0/maximum_soc_pct": 95.0}
STALE = {"grid0/active_power_w#age_s": 12.4}


def why_of(reason: str, power_w: float, soc_pct: float = 55.0, **values: float) -> Why:
    every = {"ess0/active_power_w_setpoint": power_w, "ess0/soc_pct": soc_pct} | values
    return explain(reason, sources=SOURCES, values=every, settings=SETTINGS, actuator="ess0/active_power_w")


@pytest.mark.parametrize(
    ("reason", "power_w", "soc_pct", "values", "code", "text"),
    [
        ("peak0", 38e3, 55, {}, "peak_shaving.discharging", "Discharging 38 kW: grid would pass the 60 kW peak limit."),
        ("peak0; bound: ramp", 4.2e3, 55, {}, "peak_shaving.discharging", "Discharging 4.2 kW: grid would pass the 60 kW peak limit."),
        ("peak0", -5e3, 55, {}, "peak_shaving.recharging", "Charging 5 kW: load is low and the next peak needs energy."),
        ("self0; bound: peak0", -9e3, 55, {}, "peak_shaving.limiting_charge", "Charging only 9 kW: more would pass the 60 kW peak limit."),
        ("self0; bound: peak0", 0, 50, {}, "idle", "Holding 50 %: energy is kept for the 60 kW peak limit."),
        ("self0", -9e3, 55, {}, "self_consumption.charging", "Charging 9 kW: the site has more solar power than it uses."),
        ("self0", 9e3, 55, {}, "self_consumption.discharging", "Discharging 9 kW: stored energy covers the load."),
        ("self0", 0, 55, {}, "idle", "Standing by: there is no surplus to store and none to give."),
        ("manual", 5e3, 55, {}, "manual.override", "Discharging 5 kW: a person has set it by hand."),
        ("fallback", 0, 55, {}, "idle", "Standing by: no controller needs the battery now."),
        ("fallback", 0, 55, STALE, "fallback.stale_meter", "Standing still: grid0 has given no data for 12 s."),
        ("fallback", 0, 55, {"grid0/active_power_w": nan}, "fallback.stale_meter", "Standing still: grid0 has given no data yet."),
        ("peak0; bound: soc:ess0", 0, 10, {}, "bound.soc_min", "Not discharging: the battery is at its lowest allowed charge (10 %)."),
        ("self0; bound: soc:ess0", 0, 95, {}, "bound.soc_max", "Not charging: the battery is at its highest allowed charge (95 %)."),
        ("peak0; bound: device:ess0", 60e3, 50, {}, "bound.device", "Discharging 60 kW: the battery's own limits allow no more."),
        ("self0; bound: grid:grid0", -3e3, 50, {}, "bound.grid", "Charging 3 kW: the grid connection's limit allows no other power."),
        ("self0; bound: phase:grid0", 3e3, 50, {}, "bound.phase", "Discharging 3 kW: the current of a phase of the grid connection allows no other power."),
        ("self0; bound: external:grid0", 3e3, 50, {}, "bound.external", "Discharging 3 kW: a limit from outside (grid operator) allows no other power."),
        ("self0; bound: cap:ess", 3e3, 50, {}, "bound.cap", "Discharging 3 kW: it shares a limit with others, which is used up."),
        ("self0; bound: circle:ess0", 3e3, 50, {}, "bound.circle", "Discharging 3 kW: active and reactive power share the device's apparent power."),
        ("self0; bound: cluster:ess", 3e3, 50, {}, "bound.cluster", "Discharging 3 kW: its share of what is asked of the cluster."),
        ("peak0; bound: fault", 0, 50, {}, "bound.fault", "Standing still: a fault or a stop allows no other power."),
        ("self0; bound: stop:ess0", 0, 50, {}, "bound.stop", "Stopped: the emergency stop is pressed or its line is broken."),
    ],
)  # fmt: skip
def test_sentences(reason: str, power_w: float, soc_pct: float, values: dict[str, float], code: str, text: str) -> None:
    why = why_of(reason, power_w, soc_pct, **values)
    assert (why.code, why.text) == (code, text)
    assert why.source == parse_reason(reason).source


@pytest.mark.parametrize(
    ("actuator", "reason", "setpoint", "code", "text"),
    [
        ("pv0/active_power_limit_w", "fallback; bound: grid:grid0", 7e3, "bound.grid", "Solar power held at 7 kW or below: the grid connection's limit allows no other power."),
        ("pv0/active_power_limit_w", "fallback; bound: fault", 0, "bound.fault", "Solar power held at 0: a fault or a stop allows no other power."),
        ("pv0/active_power_limit_w", "fallback", 9e3, "fallback.no_proposal", "Solar power held at 9 kW or below: no controller has spoken; the fallback holds."),
        ("evcs0/current_limit_a", "fallback; bound: phase:grid0", 0, "bound.phase", "Charger off: the current of a phase of the grid connection allows no other power."),
        ("evcs0/current_limit_a", "fallback; bound: dimming:site", 0, "bound.dimming", "Charger off: the grid operator dims controllable devices."),
        ("evcs0/current_limit_a", "manual", 16, "manual.override", "Charger at 16 A or below: a person has set it by hand."),
        ("evcs0/current_limit_a", "peak0", 16, "idle", "Charger at 16 A or below: peak0 asks for it."),
        ("ess0/reactive_power_var", "manual; bound: circle:ess0", -2e3, "bound.circle", "Taking 2 kvar: active and reactive power share the device's apparent power."),
        ("ess0/reactive_power_var", "manual; bound: rating", 4e3, "bound.device", "Giving 4 kvar: the device's own limits allow no other value."),
    ],
)  # fmt: skip
def test_other_actuators_have_words_of_their_own(
    actuator: str, reason: str, setpoint: float, code: str, text: str
) -> None:
    why = explain(
        reason, sources=SOURCES, values={f"{actuator}_setpoint": setpoint}, settings=SETTINGS, actuator=actuator
    )
    assert (why.code, why.text) == (code, text)


def test_params_carry_the_numbers_and_leave_out_what_is_unknown() -> None:
    assert why_of("peak0", 38_000.0, nan).params == {"component": "ess0", "power_w": 38_000.0, "threshold_w": 60_000.0}


def test_reasons_are_split() -> None:
    assert parse_reason("peak0; bound: soc:ess0") == Reason("peak0", "soc:ess0")
    assert parse_reason("fallback") == Reason("fallback", None)
    assert parse_reason("self0; bound: peak0 (collapsed)") == Reason("self0", "peak0")


def test_collapsed_bounds_get_the_sentence_of_whoever_set_them() -> None:
    plain, collapsed = (why_of(f"self0; bound: peak0{mark}", -9e3) for mark in ("", " (collapsed)"))
    assert collapsed == plain
    assert collapsed.bound == "peak0"


@given(
    reason=st.sampled_from(
        [f"{s}{b}" for s in ("peak0", "self0", "manual", "fallback", "other_controller_name_x")
         for b in ("", "; bound: ramp", "; bound: rating", "; bound: soc:ess0", "; bound: device:ess0",
                   "; bound: grid:grid0", "; bound: stop:ess0", "; bound: peak0", "; bound: self0")]
    ),
    power_w=st.floats(-1e8, 1e8) | st.just(nan),
    soc_pct=st.floats(0, 100) | st.just(nan),
    stale=st.booleans(),
)  # fmt: skip
def test_every_decision_gets_a_short_sentence_and_a_known_code(
    reason: str, power_w: float, soc_pct: float, stale: bool
) -> None:
    why = why_of(reason, power_w, soc_pct, **(STALE if stale else {}))
    assert 10 < len(why.text) <= 90
    assert why.text.endswith(".")
    architecture = (Path(__file__).parents[2] / "docs" / "architecture.md").read_text()
    assert f"`{why.code}`" in architecture

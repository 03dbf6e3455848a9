"""Every model declares what the governance rules ask for, its ranges are true, its page is up to date."""

from __future__ import annotations

import ast
import re
from collections.abc import Callable
from math import inf, isfinite
from pathlib import Path
from typing import Any

import pytest
from pydantic import ValidationError
from simems_core import Cell, CoreError, CoulombCounter, DemandWindow, Rocof, SitePowerEstimate
from simems_edge.config import Estimator
from simems_edge.controllers.closed_loop import LoopSettings
from simems_edge.controllers.optimisation.peak_shaving import PeakShavingSettings
from simems_edge.estimation import read_cell
from simems_edge.estimation.model_page import MODELS, NO_MODELS, page
from simems_edge.estimation.model_spec import ModelSetting, ModelSpec

ROOT = Path(__file__).parents[3]
CELL = read_cell(ROOT / "demo" / "cell.yaml")
ROOMS = ("core_rs/src/estimate/mod.rs", "core_rs/src/blocks/mod.rs")
IN_PYTHON = ("runtime/derived.py", "controllers/optimisation/holdable.py")
every_model = pytest.mark.parametrize("spec", MODELS, ids=lambda spec: spec.type)


@every_model
def test_nothing_is_left_open_and_what_it_names_is_there(spec: ModelSpec) -> None:
    assert spec.gaps() == []
    assert (ROOT / spec.owner).is_dir()
    assert (ROOT / "docs" / spec.picture).is_file(), "run `make model-pages`"
    assert [path for path in spec.test_plan if not (ROOT / path).is_file()] == []


def test_a_gap_is_told() -> None:
    fields = {**vars(MODELS[0]), "fallback": "", "settings": ()}
    assert ModelSpec(**fields).gaps() == ["fallback", "without_settings"]


def test_everything_in_the_rooms_of_models_is_one_or_says_why_not() -> None:
    declared = [name for spec in MODELS for name in spec.classes]
    assert sorted(declared) == sorted(set(declared))
    assert set(declared).isdisjoint(NO_MODELS)
    there = {name for path in ROOMS for name in _exported((ROOT / path).read_text("utf-8"))}
    for path in IN_PYTHON:
        tree = ast.parse((ROOT / "edge" / "simems_edge" / path).read_text("utf-8"))
        there |= {node.name for node in tree.body if isinstance(node, ast.ClassDef)}
    assert there == {*declared, *NO_MODELS}


def _exported(source: str) -> set[str]:
    found = re.findall(r"^pub use [\w:]+::(?:\{([^}]+)\}|(\w+));", source, re.MULTILINE)
    return {name.strip() for many, one in found for name in (many or one).split(",")}


@every_model
def test_the_settings_ranges_are_true(spec: ModelSpec) -> None:
    build = BUILDERS[spec.type]
    for setting in spec.settings:
        if setting.choice:
            continue
        for value in _inside(setting):
            build(setting.name, value)
        for value in _outside(setting):
            with pytest.raises((CoreError, ValidationError)):
                build(setting.name, value)


def _inside(setting: ModelSetting) -> list[float]:
    low = max(setting.low, -1.0)
    ends = [low + 1e-3 if setting.above else low, min(setting.high, low + 1e3)]
    whole = setting.name in {"series", "parallel"}
    return [int(end) for end in ends] if whole else ends


def _outside(setting: ModelSetting) -> list[float]:
    step = 1 if setting.name in {"series", "parallel"} else 1e-3
    beyond = [setting.low if setting.above else setting.low - step, setting.high + step]
    return [value for value in beyond if isfinite(value)] + [inf, float("nan")]


def _estimator(name: str, value: float) -> object:
    if "." not in name:
        return Estimator.model_validate({"cell": "cell.yaml", name: value})
    sections: dict[str, Any] = CELL.as_dict()
    section, field = name.split(".")
    return Cell(**{**sections, section: {**sections[section], field: value}})


def _capacity(_name: str, value: float) -> object:
    return Cell(**{**CELL.as_dict(), "capacity_ah": value})


def _site_power(name: str, value: float) -> object:
    LoopSettings.model_validate({name: value})
    core = {"meter_delay_max_s": "delay_max_s", "meter_repeat_max_s": "repeat_max_s", "battery_settle_s": "settle_s"}
    bounds = {"delay_max_s": 4.0, "repeat_max_s": 6.0, "settle_s": 8.0}
    return SitePowerEstimate(**{**bounds, core[name]: value})


def _demand(name: str, value: float) -> object:
    settings: dict[str, Any] = {"window_s": 900.0, "maximum_power_w": 1e5, name: value}
    return DemandWindow(**settings)


def _peak_shaving(name: str, value: float) -> object:
    needed = {"grid": "grid0", "ess": "ess0", "threshold_w": 60e3}
    return PeakShavingSettings.model_validate({**needed, name: value})


BUILDERS: dict[str, Callable[[str, float], object]] = {
    "soc_filter": _estimator,
    "coulomb_counter": lambda _, value: CoulombCounter(CELL, value),
    "cell_identification": _capacity,
    "site_power": _site_power,
    "load_balance": lambda name, _: pytest.fail(f"{name} can be set"),
    "rocof": lambda name, value: Rocof(**{"window_s": 0.5, name: value}),
    "demand": _demand,
    "holdable_threshold": _peak_shaving,
}


@pytest.mark.parametrize("setting", ["meter_delay_max_s", "meter_repeat_max_s", "battery_settle_s"])
def test_a_loop_that_no_estimate_can_serve_is_refused_with_the_site_file(setting: str) -> None:
    with pytest.raises(ValidationError, match="3600"):
        LoopSettings.model_validate({setting: 3600.5})


def test_defaults_that_are_declared_are_those_of_the_code() -> None:
    declared = {one.name: one.default for spec in MODELS for one in spec.settings}
    for kind in (LoopSettings, PeakShavingSettings, Estimator):
        for name, field in kind.model_fields.items():
            if declared.get(name, "").replace(".", "").isdigit():
                assert float(declared[name]) == field.default, name


def test_counting_ignores_what_is_no_reading() -> None:
    counter = CoulombCounter(CELL, 50.0)
    before = counter.step(1.0, 3.3, 10.0)
    for current, voltage, dt_s in (
        (float("nan"), 3.3, 1.0),
        (inf, 3.3, 1.0),
        (1.0, 3.3, -5.0),
        (1.0, 3.3, float("nan")),
    ):
        assert counter.step(current, voltage, dt_s) == before


def test_the_page_is_up_to_date() -> None:
    assert (ROOT / "docs" / "models.md").read_text("utf-8") == page(), "run `make model-pages`"

"""Controllers that propose rubbish, in every class: what guards must hold against whatever anybody proposes."""

from __future__ import annotations

from importlib.metadata import EntryPoint
from math import inf
from random import Random
from typing import Any

from simems_edge.contracts import (
    Binding,
    Context,
    Controller,
    ControllerSettings,
    Input,
    Metric,
    Output,
    Priority,
    Spec,
)


class AdversarySettings(ControllerSettings):
    seed: int = 0
    calm: float = 0.5
    """Share of turns in which it says again what it said."""


def _spec(name: str, priority: Priority, mode: str) -> Spec:
    return Spec(
        type=name,
        owner="edge/tests",
        priority=priority,
        control_mode=mode,
        safety_impact="As bad as can be.",
        fallback="None.",
        inputs=(Input("site", "estop", "nothing"),),
        outputs=(Output("site", "every actuator"),),
        metrics=(Metric("turns", "", "Turns"),),
        acceptance=("Nothing it says crosses a guard.",),
        test_plan=("edge/tests/safety_proof/test_safety_wins.py",),
    )


class _Adversary(Controller):
    Settings = AdversarySettings
    settings: AdversarySettings

    def bind(self, binding: Binding) -> None:
        self._handles = sorted(binding.actuators)
        self._random = Random(self.settings.seed)

    def execute(self, ctx: Context) -> None:
        random = self._random
        if random.random() < self.settings.calm:
            ctx.keep()
            return
        if random.random() < 0.02:
            raise RuntimeError("it fails when it likes")
        for handle in self._handles:
            if random.random() < 0.7:
                ctx.propose(handle, **self._terms())

    def _terms(self) -> dict[str, float]:
        random = self._random
        names = ("preferred", "lower", "upper", "offset", "reserve_up", "reserve_down")
        terms = {name: self._number() for name in names if random.random() < 0.35}
        for name in ("reserve_up", "reserve_down"):
            if name in terms:
                terms[name] = abs(terms[name])
        return terms

    def _number(self) -> float:
        random = self._random
        kind = random.random()
        if kind < 0.04:
            return random.choice([inf, -inf, 1e308, -1e308, 5e-324, -0.0])
        scale = random.choice([1.0, 10.0, 32.0, 1e3, 1e4, 5e4, 2e5, 1e9])
        return random.uniform(-scale, scale)


def _kind(name: str, priority: Priority, mode: str) -> type[Controller]:
    return type(name, (_Adversary,), {"spec": _spec(name, priority, mode), "__module__": __name__})


AdversaryManual = _kind("adversary_manual", Priority.MANUAL, "DROOP")
AdversarySafety = _kind("adversary_safety", Priority.SAFETY, "BACKUP")
AdversaryGrid = _kind("adversary_grid", Priority.GRID, "DROOP")
AdversaryOptimisation = _kind("adversary_optimisation", Priority.OPTIMISATION, "PEAK_SHAVING")
AdversaryAuxiliary = _kind("adversary_auxiliary", Priority.AUXILIARY, "SCHEDULE")

TYPES = {
    "adversary_manual": "AdversaryManual",
    "adversary_safety": "AdversarySafety",
    "adversary_grid": "AdversaryGrid",
    "adversary_optimisation": "AdversaryOptimisation",
    "adversary_auxiliary": "AdversaryAuxiliary",
}
MODES = {"adversary_manual": "DROOP", "adversary_safety": "BACKUP", "adversary_grid": "DROOP",
         "adversary_optimisation": "PEAK_SHAVING", "adversary_auxiliary": "SCHEDULE"}  # fmt: skip


def entry_points() -> dict[str, EntryPoint]:
    """As an installed package would bring them."""
    group: Any = "simems.controllers"
    return {name: EntryPoint(name, f"{__name__}:{kind}", group) for name, kind in TYPES.items()}

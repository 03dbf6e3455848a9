"""Loops on late meters and slow batteries: one step of the load in closed loop, and what the loop makes of it."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import product
from typing import Any, Final

from simems_edge.config import Site
from simems_edge.replay import Scenario
from simems_edge.replay.closed_loop import ClosedLoop

START: Final = datetime.fromisoformat("2026-06-02T00:00:00+02:00")
CONNECTION: Final = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
BAND: Final = 0.05
"""Overshoot and settling, as a share of the step."""
LOOP: Final = {"grid": "grid0", "ess": "ess0"}


@dataclass(frozen=True)
class Kind:
    """One controller and the step that it must answer."""

    name: str
    settings: dict[str, Any]
    before: float
    """Load before and after the step: W, or var for a reactive one."""
    after: float
    truth: str
    """What it holds ..."""
    target: float
    """... here."""
    actuator: str
    reactive: bool = False

    @property
    def step(self) -> float:
        """How much it has to move."""
        return abs(self.after - max(self.target, self.before))


PEAK = Kind(
    "peak shaving", {"id": "peak0", "type": "peak_shaving", "threshold_w": 60e3, **LOOP},
    40e3, 80e3, "site/grid_power_w", 60e3, "ess0/active_power_w",
)  # fmt: skip
SELF = Kind(
    "self-consumption", {"id": "self0", "type": "self_consumption", **LOOP},
    10e3, 30e3, "site/grid_power_w", 0.0, "ess0/active_power_w",
)  # fmt: skip
FACTOR = Kind(
    "power factor",
    {"id": "pf0", "type": "power_factor", "rated_va": 60e3, "inductive_cos_phi": 1.0, **LOOP},
    5e3, 15e3, "site/grid_reactive_power_var", 0.0, "ess0/reactive_power_var", reactive=True,
)  # fmt: skip
KINDS: Final = (PEAK, SELF, FACTOR)


@dataclass(frozen=True)
class Case:
    """Seconds. ``error_s``: the meter's clock is off by it."""

    kind: Kind
    delay_s: float
    update_s: float
    error_s: float
    tau_s: float
    cycle_s: float

    @property
    def sum_s(self) -> float:
        return self.tau_s + self.delay_s + self.update_s + self.cycle_s

    @property
    def step_at_s(self) -> float:
        """When the load steps: the battery rests by then (a change while it moves may hide behind its movement until
        it has rested, which the estimate does not promise to see sooner)."""
        return 10.0 + 6.0 * self.tau_s + 2.0 * (self.delay_s + self.update_s)

    @property
    def label(self) -> str:
        return (
            f"{self.kind.name}: delay {self.delay_s:g}, update {self.update_s:g}, error {self.error_s:+g}, "
            f"tau {self.tau_s:g}, cycle {self.cycle_s:g} s"
        )


@dataclass(frozen=True)
class Answer:
    """``overshoot``: beyond the target, as a share of the step. ``settle_s``: from the step until it stays within 5 %.
    ``restless``: how far the setpoint still moves after that (whole swing, share of the step)."""

    case: Case
    overshoot: float
    settle_s: float
    restless: float
    ramp_s: float
    """Part of the settling that the loop's own ramp takes by its setting."""

    @property
    def settles(self) -> bool:
        return self.settle_s <= 5.0 * self.case.sum_s + self.ramp_s

    @property
    def good(self) -> bool:
        return self.overshoot <= BAND and self.settles and self.restless <= BAND


def cases(
    kinds: tuple[Kind, ...],
    delays_s: tuple[float, ...],
    updates_s: tuple[float, ...],
    errors_s: tuple[float, ...],
    taus_s: tuple[float, ...],
    cycles_s: tuple[float, ...],
) -> Iterator[Case]:
    for kind, cycle_s in product(kinds, cycles_s):
        for delay_s, update_s, error_s, tau_s in product(delays_s, updates_s, errors_s, taus_s):
            yield Case(kind, delay_s, update_s, error_s, tau_s, cycle_s)


def site_of(case: Case) -> Site:
    battery: dict[str, Any] = {"id": "ess0", "profile": "virtual_storage", "connection": CONNECTION}
    if case.kind.reactive:
        battery["control"] = {"reactive_rating_var": 60e3}
    return Site.model_validate(
        {
            "site": {
                "id": "stability-1",
                "time_zone": "Europe/Stockholm",
                "currency": "SEK",
                "grid": {"import_limit_w": 200e3, "export_limit_w": 200e3},
            },
            "cycle": {"period": case.cycle_s},
            "components": ({"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION}, battery),
            "controllers": (case.kind.settings,),
        }
    )


def scenario_of(case: Case) -> Scenario:
    kind = case.kind
    end_s = case.step_at_s + 7.5 * case.sum_s + 8.0
    grid = {"delay": case.delay_s, "interval": case.update_s, "timestamp_error": case.error_s}
    ess = {"capacity_wh": 400e3, "initial_soc_pct": 80.0, "time_constant": case.tau_s, "standby_loss_w": 0.0}
    events: tuple[dict[str, Any], ...] = ()
    load: dict[str, Any] = {
        "steps": [{"at": 0.0, "power_w": kind.before}, {"at": case.step_at_s, "power_w": kind.after}]
    }
    if kind.reactive:
        load = {"constant_w": 20e3}
        steps = ((0.0, kind.before), (case.step_at_s, kind.after))
        events = tuple({"at": at_s, "set": "site/load_tan_phi", "value": var / 20e3} for at_s, var in steps)
    plant = {"load": load, "no_pv": True, "devices": {"grid0": grid, "ess0": ess}}
    return Scenario.model_validate(
        {"start": START, "duration": end_s, "step": case.cycle_s, "plant": plant, "events": events}
    )


def answer(case: Case) -> Answer:
    """Plays the case."""
    kind = case.kind
    loop = ClosedLoop(site_of(case), scenario_of(case))
    loop.runtime.tells_alarms = False
    number = loop.runtime.assembly.actuators.index(kind.actuator)
    times, held, setpoints = [], [], []
    for step in loop.steps():
        if step.time_s >= case.step_at_s - 1e-9:
            times.append(step.time_s - case.step_at_s)
            held.append(step.truth[kind.truth])
            setpoints.append(step.decisions[number].setpoint)
    beyond = max(*(kind.target - value for value in held), 0.0)
    settle_s = _settled_s(times, [abs(value - kind.target) / kind.step for value in held], case.cycle_s)
    tail = [value for t, value in zip(times, setpoints, strict=True) if t > 5.0 * case.sum_s + 3.0]
    restless = (max(tail) - min(tail)) / kind.step if tail else math.inf
    ramp = kind.step / (10e3 if kind.reactive else 20e3)
    return Answer(case, beyond / kind.step, settle_s, restless, ramp)


def _settled_s(times: list[float], apart: list[float], cycle_s: float) -> float:
    """When ``apart`` (share of the step) is below :data:`BAND` for good. The truth is known once a cycle: between the
    last one outside and the first one inside a straight line is taken, so that the cycle does not count twice."""
    outside = [number for number, value in enumerate(apart) if value > BAND]
    if not outside:
        return 0.0
    last = outside[-1]
    if last + 1 == len(apart):
        return times[last] + cycle_s
    return times[last] + cycle_s * (apart[last] - BAND) / (apart[last] - apart[last + 1])

"""Whatever devices show, and whatever is missing from a site, a verdict comes of it and no exception."""

from __future__ import annotations

import math
import warnings
from collections.abc import Sequence

import numpy as np
import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from simems_edge.cli.doctor import Asking
from simems_edge.commissioning.conductor import equipment_of
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.handover import handover
from simems_edge.commissioning.judge import faults, judge
from simems_edge.commissioning.live import Gate, GatedBridge
from simems_edge.commissioning.plan import Allowed
from simems_edge.commissioning.record import SETPOINT, Floats, Record, Stage
from simems_edge.commissioning.simulated import Outcome
from simems_edge.commissioning.tuning import suggested
from simems_edge.config import Site

from bench.doctor_cases import DAY, NIGHT, run, site

PLANT = equipment_of(site())
ODD = [math.nan, math.inf, -math.inf, 0.0, -0.0, 1e-42, 1e300, -1e300, 65_535.0, 2.0**32, 50.0, 231.0, -5_000.0]


def column(random: np.random.Generator, length: int) -> Floats:
    kind = random.integers(0, 5)
    if kind == 0:
        return np.full(length, random.choice(ODD))
    if kind == 1:
        return random.choice(ODD, length)
    values = random.normal(random.choice([0.0, 25_000.0, 50.0]), random.choice([0.1, 300.0, 1e5]), length)
    if kind == 2:
        values[random.random(length) < 0.3] = math.nan
    return values if kind < 4 else np.cumsum(values)


@settings(max_examples=60, deadline=None)
@given(seed=st.integers(0, 2**32 - 1), length=st.sampled_from([0, 1, 2, 7, 60, 400]))
def test_garbage_is_judged_without_an_exception(seed: int, length: int) -> None:
    random = np.random.default_rng(seed)
    addresses = [f"{d.id}/{name}" for d in PLANT.devices.values() for name in d.channels]
    addresses += [battery.power + SETPOINT for battery in PLANT.batteries]
    time_s = np.arange(length, dtype=np.float64) * 0.5
    ends = np.sort(random.uniform(0.0, 0.5 * max(length, 1), 7))
    names = [("read", ""), *((n, b) for b in ("ess0", "ess1") for n in ("pulses", "limited", "full"))]
    stages = tuple(
        Stage(name, battery, float(begin), float(end), 1_000.0, random.choice(["", "stopped"]))
        for (name, battery), begin, end in zip(names, [0.0, *ends[:-1]], ends, strict=True)
    )
    values = {address: column(random, length) for address in addresses}
    taken = {address: column(random, length) for address in addresses}
    record = Record(time_s, values, taken, stages[: random.integers(0, 8)])
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RuntimeWarning)  # numpy tells that infinity was calculated with
        evidence = Evidence(record, PLANT, frozenset(PLANT.devices))
        verdicts = judge(evidence)
        suggested(evidence)
    assert all(verdict.result in {"ok", "fault", "not_tested"} and verdict.evidence for verdict in verdicts)
    assert all(0.0 <= verdict.confidence <= 1.0 for verdict in verdicts)


def without(names: Sequence[str]) -> Site:
    whole = site()
    assert whole.simulation is not None
    devices = {name: one for name, one in whole.simulation.devices.items() if name not in names and name != "cold0"}
    kept = [one for one in whole.components if one.id not in names and one.id != "cold0"]
    simulation = whole.simulation.model_copy(update={"devices": devices})
    return whole.model_copy(update={"components": tuple(kept), "controllers": (), "simulation": simulation})


@pytest.mark.parametrize("missing", [["ess0", "ess1"], ["grid0"], ["pv0", "ess1"], ["grid0", "ess0", "ess1"]])
def test_a_site_that_lacks_something_is_examined_as_far_as_it_goes(missing: list[str]) -> None:
    seen: Outcome = run(without(missing), NIGHT)
    assert not faults(seen.verdicts)
    assert seen.rest_w < 100.0
    assert {name for name in missing if name.startswith("ess")}.isdisjoint({v.component for v in seen.verdicts})
    document = handover("site.yaml", "", seen, Evidence(seen.record, seen.equipment), "")
    assert document.summary.startswith("No fault was found.")


def test_nothing_allowed_means_nothing_asked() -> None:
    from simems_edge.commissioning.simulated import commission
    from simems_edge.replay import Scenario

    scenario = Scenario.model_validate({"start": DAY, "duration": 200.0, "step": 0.2})
    seen = commission(site(), scenario, Allowed())
    assert [stage.name for stage in seen.record.stages] == ["read"]
    assert all(not seen.record.values[b.power].any() for b in seen.equipment.batteries)


def test_a_person_is_asked_for_each_stage_and_no_is_the_default() -> None:
    asking = Asking(Allowed())
    with CliRunner().isolation(input="y\n\nn\n"):
        assert asking.allowed_w("pulses", "ess0", 2_000.0) == 2_000.0
        assert asking.allowed_w("limited", "ess0", 30_000.0) == 0.0
        assert asking.allowed_w("pulses", "ess1", 2_000.0) == 0.0
    assert Asking(Allowed(500.0)).allowed_w("pulses", "ess0", 2_000.0) == 500.0


def test_behind_a_closed_gate_nothing_is_written() -> None:
    class Written(list[tuple[str, float]]):
        addresses: frozenset[str] = frozenset({"ess0/active_power_w"})

        async def run(self) -> None: ...

        def write(self, address: str, setpoint: float) -> None:
            self.append((address, setpoint))

    bridge, gate = Written(), Gate()
    gated = GatedBridge(bridge, gate)
    gated.write("ess0/active_power_w", 5_000.0)
    assert not bridge
    gate.open = True
    gated.write("ess0/active_power_w", 0.0)
    assert bridge == [("ess0/active_power_w", 0.0)]

"""What the experiment does when something goes wrong: it stops, and the battery goes to 0 W."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from simems_edge.commissioning.conductor import equipment_of
from simems_edge.commissioning.experiment import Experiment
from simems_edge.commissioning.observation import Observation
from simems_edge.commissioning.plan import READ_S, Allowed, Permission
from simems_edge.commissioning.record import SETPOINT, Recorder

from bench.doctor_cases import site

CYCLE_S = 0.5
Change = Callable[[Observation], Observation]
BOTH = Allowed(5_000.0, full=True)


class Bench:
    """An ideal site: batteries do at once what is asked, the meter sees it."""

    def __init__(self, permission: Permission = BOTH) -> None:
        self.plant = equipment_of(site())
        values = [f"{one.id}/{name}" for one in self.plant.devices.values() for name in one.channels]
        self.addresses = values
        self.powers = [battery.power for battery in self.plant.batteries]
        self.recorder = Recorder([*values, *(power + SETPOINT for power in self.powers)])
        self.experiment = Experiment(self.plant, self.recorder, permission)
        self.asked: dict[str, float] = dict.fromkeys(self.powers, 0.0)
        self.time_s = 0.0
        self.wishes: list[tuple[float, dict[str, float]]] = []

    def seen(self) -> Observation:
        wander_w = 200.0 * ((self.time_s * 0.37) % 1.0)
        power_w = sum(self.asked.values())
        valid = {
            "grid0/active_power_w": 30_000.0 + wander_w - power_w, "grid0/frequency_hz": 50.0,
            "cold0/active_power_w": 5_000.0 + 0.3 * wander_w, "cold0/frequency_hz": 50.0, "pv0/active_power_w": 8_000.0,
            "load0/active_power_w": 5_000.0,
        }  # fmt: skip
        for battery in self.plant.batteries:
            valid |= {
                battery.power: self.asked[battery.power], battery.address("soc_pct"): 50.0,
                battery.address("max_charge_power_w"): 20_000.0, battery.address("max_discharge_power_w"): 20_000.0,
            }  # fmt: skip
        return Observation(self.time_s, valid, dict.fromkeys(self.powers), running=True)

    def run(self, change: Change = lambda seen: seen, until_s: float = 700.0) -> None:
        while not self.experiment.done and self.time_s < until_s:
            seen = change(self.seen())
            row = [seen.valid.get(address, float("nan")) for address in self.addresses]
            row += [self.asked[power] for power in self.powers]
            self.recorder.add(seen.time_s, row, [seen.time_s] * len(row))
            wish = dict(self.experiment.step(seen))
            self.wishes.append((seen.time_s, wish))
            self.asked.update(wish)
            self.time_s += CYCLE_S

    def asked_of(self, battery: str) -> list[float]:
        return [wish[f"{battery}/active_power_w"] for _, wish in self.wishes if f"{battery}/active_power_w" in wish]

    def stopped(self) -> Iterator[tuple[str, str, str]]:
        for stage in self.recorder.stages:
            if stage.stopped:
                yield stage.name, stage.battery, stage.stopped


def test_it_reads_first_then_asks_small_half_and_full_power_of_one_after_the_other() -> None:
    bench = Bench()
    bench.run()
    names = [(stage.name, stage.battery) for stage in bench.recorder.stages]
    each = [("pulses", "ess0"), ("limited", "ess0"), ("full", "ess0")]
    assert names == [("read", ""), *each, *((name, "ess1") for name, _ in each)]
    assert all(not wish for time_s, wish in bench.wishes if time_s < READ_S), "nothing is asked while it reads"
    assert max(bench.asked_of("ess0")) == 20_000.0
    assert bench.asked_of("ess0")[-1] == bench.asked_of("ess1")[-1] == 0.0
    both = [wish for _, wish in bench.wishes if len([w for w in wish.values() if w]) > 1]
    assert not both, "never two at once"
    assert not list(bench.stopped())


@pytest.mark.parametrize(
    ("permission", "stages"),
    [(Allowed(), {"read"}), (Allowed(1_000.0), {"read", "pulses"}), (BOTH, {"read", "pulses", "limited", "full"})],
)
def test_no_more_than_is_allowed(permission: Allowed, stages: set[str]) -> None:
    bench = Bench(permission)
    bench.run()
    assert {stage.name for stage in bench.recorder.stages} == stages
    largest_w = max((abs(power_w) for name in ("ess0", "ess1") for power_w in bench.asked_of(name)), default=0.0)
    assert largest_w <= (20_000.0 if permission.full else permission.pulses_w)


def after(begin_s: float, change: Change, until_s: float = 1e9) -> Change:
    return lambda seen: change(seen) if begin_s <= seen.time_s < until_s else seen


def without(*addresses: str) -> Change:
    return lambda seen: replace(seen, valid={k: v for k, v in seen.valid.items() if k not in addresses})


def bound(name: str) -> Change:
    def change(seen: Observation) -> Observation:
        return replace(seen, bounds={"ess0/active_power_w": name})

    return change


def test_a_guard_that_takes_hold_ends_the_stage_at_0_w() -> None:
    bench = Bench()
    bench.run(after(75.0, bound("soc:ess0"), 76.0))
    (name, battery, why), *_ = bench.stopped()
    assert (name, battery) == ("pulses", "ess0")
    assert "soc:ess0" in why
    first_zero = next(t for t, wish in bench.wishes if t >= 75.0 and wish.get("ess0/active_power_w") == 0.0)
    assert first_zero <= 76.0
    assert ("limited", "ess0") not in [(s.name, s.battery) for s in bench.recorder.stages], "no larger power after it"
    assert ("full", "ess1") in [(s.name, s.battery) for s in bench.recorder.stages], "the other battery is examined"


def test_a_guard_that_moves_a_battery_at_rest_ends_everything() -> None:
    bench = Bench()
    bench.run(after(75.0, bound("grid:grid0")))
    assert bench.experiment.done
    assert bench.time_s < 90.0
    assert any("grid:grid0" in line for line in bench.experiment.skipped)
    assert bench.recorder.stages[-1].stopped


def test_a_short_loss_of_the_meter_costs_a_pulse_and_no_stage() -> None:
    bench = Bench()
    bench.run(after(75.0, without("grid0/active_power_w"), 78.0))
    lost = [wish.get("ess0/active_power_w") for time_s, wish in bench.wishes if 75.5 <= time_s < 78.0]
    assert set(lost) == {0.0}, "0 W while nothing can be seen"
    assert not list(bench.stopped())


@pytest.mark.parametrize("lost", ["grid0/active_power_w", "ess0/active_power_w"])
def test_a_long_loss_ends_the_stage(lost: str) -> None:
    bench = Bench()
    bench.run(after(75.0, without(lost), 140.0))
    assert any("lost" in why for _, _, why in bench.stopped())


def test_a_battery_that_does_far_more_than_asked_is_stopped() -> None:
    def wild(seen: Observation) -> Observation:
        power_w = seen.valid["ess0/active_power_w"]
        return replace(seen, valid={**seen.valid, "ess0/active_power_w": 40.0 * power_w})

    bench = Bench()
    bench.run(after(60.0, wild))
    name, battery, why = next(iter(bench.stopped()))
    assert (name, battery) == ("pulses", "ess0")
    assert "was asked for at most" in why
    assert len([one for one in bench.asked_of("ess0") if one]) < 2.5 / CYCLE_S, "within two seconds"


def test_a_site_that_leaves_run_is_not_asked_for_more() -> None:
    bench = Bench()
    bench.run(after(75.0, lambda seen: replace(seen, running=False, why_not="FAULT cell_overvoltage")))
    assert all("FAULT cell_overvoltage" in why for _, _, why in bench.stopped())
    assert all(not any(wish.values()) for time_s, wish in bench.wishes if time_s > 76.0)


def test_a_person_ends_it_at_any_time() -> None:
    bench = Bench()
    bench.run(until_s=80.0)
    bench.experiment.abandon()
    assert bench.experiment.done
    assert bench.recorder.stages[-1].stopped == "ended by a person"
    assert dict(bench.experiment.step(bench.seen())) == {}


def test_a_meter_beyond_the_connection_leaves_the_batteries_alone() -> None:
    def beyond(seen: Observation) -> Observation:
        return replace(seen, valid={**seen.valid, "grid0/active_power_w": 200_000.0 + 50.0 * seen.time_s})

    bench = Bench()
    bench.run(beyond)
    assert [stage.name for stage in bench.recorder.stages] == ["read"]
    assert "the connection allows" in bench.experiment.skipped[0]
    assert not bench.experiment.armed


def test_pulses_stay_inside_the_connection_and_the_battery() -> None:
    def narrow(seen: Observation) -> Observation:
        limits = {"ess0/max_charge_power_w": 0.0, "ess0/max_discharge_power_w": 900.0, "ess1/soc_pct": 10.5}
        return replace(seen, valid={**seen.valid, **limits})

    bench = Bench()
    bench.run(narrow)
    assert min(bench.asked_of("ess0")) == 0.0
    assert max(bench.asked_of("ess0")) == 900.0
    assert max(bench.asked_of("ess1")) == 0.0, "at the lower end of its window it is only charged"
    assert min(bench.asked_of("ess1")) < 0.0

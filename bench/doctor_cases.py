"""Sites and what is wrong with them: faults that the doctor must name, healthy sites that it must leave alone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from simems_edge.commissioning.judge import faults
from simems_edge.commissioning.plan import Allowed
from simems_edge.commissioning.simulated import Outcome, commission
from simems_edge.config import Site
from simems_edge.replay import Scenario

DAY = "2026-06-09T12:00:00+02:00"
NIGHT = "2026-06-09T23:30:00+02:00"
LONGEST_S = 600.0
STEP_S = 0.2


def component(name: str, profile: str, host: str, unit: int = 1, **more: object) -> dict[str, Any]:
    return {"id": name, "profile": profile, "connection": {"modbus_tcp": {"host": host, "unit": unit}}, **more}


def site(
    *,
    second_battery: str = "10.0.0.4",
    second_unit: int = 1,
    meter_delay_max_s: float = 2.0,
    phases: tuple[int, ...] | None = None,
    devices: Mapping[str, Mapping[str, Any]] | None = None,
    components: Sequence[Mapping[str, Any]] = (),
    limits: Mapping[str, float] | None = None,
    **more: object,
) -> Site:
    """A supermarket with PV, two batteries and a submeter of its cold store behind the grid meter's gateway."""
    simulated: dict[str, dict[str, Any]] = {
        "grid0": {"delay": 0.4, "interval": 0.2, "noise_w": 20.0, "resolution_w": 1.0},
        "cold0": {"measures": ["load0"], "noise_w": 5.0, "resolution_w": 1.0, "interval": 0.4},
        "load0": {"load": {"profile": "supermarket", "scale": 0.2}},
        "pv0": {"noise_w": 5.0},
        "ess0": {"capacity_wh": 120_000.0, "max_charge_w": 40_000.0, "max_discharge_w": 40_000.0, "noise_w": 10.0},
        "ess1": {
            "capacity_wh": 60_000.0, "max_charge_w": 30_000.0, "max_discharge_w": 30_000.0, "noise_w": 10.0,
            "time_constant": 0.8, "dead_time": 0.4, "initial_soc_pct": 55.0,
        },
    }  # fmt: skip
    for name, settings in (devices or {}).items():
        simulated[name] = simulated.get(name, {}) | dict(settings)
    control: dict[str, Any] = {} if phases is None else {"control": {"phases": phases}}
    guards = {"soc_pct": [10.0, 95.0], "ramp_w_per_s": 20_000.0}
    loop = {"type": "self_consumption", "grid": "grid0", "ess": "ess0", "meter_delay_max_s": meter_delay_max_s}
    return Site.model_validate(
        {
            "site": {
                "id": "doctor-1", "time_zone": "Europe/Stockholm", "currency": "SEK",
                "grid": dict(limits or {"import_limit_w": 150_000.0, "export_limit_w": 100_000.0}),
            },
            "components": (
                component("grid0", "sunspec_meter", "10.0.0.1", 1),
                component("cold0", "sunspec_meter", "10.0.0.1", 2),
                component("load0", "virtual_load", "10.0.0.5"),
                component("pv0", "sunspec_pv", "10.0.0.2"),
                component("ess0", "sunspec_storage", "10.0.0.3", guards=guards, **control),
                component("ess1", "sunspec_storage", second_battery, second_unit, guards=guards),
                *components,
            ),
            "controllers": ({"id": "self0", **loop},),
            "simulation": {
                "load": {"profile": "supermarket", "scale": 0.8},
                "pv": {"profile": "rooftop", "peak_w": 60_000.0},
                "devices": simulated,
                **more,
            },
        }
    )  # fmt: skip


@dataclass(frozen=True)
class Case:
    """``code``: the fault to be named, on one of ``on``; ``by_night``: it can be seen without sun."""

    name: str
    code: str
    on: tuple[str, ...]
    mistakes: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    devices: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    more: Mapping[str, Any] = field(default_factory=dict)
    by_night: bool = True

    def site(self) -> Site:
        return site(devices=self.wrong_devices(), **self.more)

    def wrong_devices(self) -> dict[str, dict[str, Any]]:
        """Settings of the plant's devices."""
        found: dict[str, dict[str, Any]] = {name: {"mistakes": dict(wrong)} for name, wrong in self.mistakes.items()}
        for name, settings in self.devices.items():
            found[name] = found.get(name, {}) | dict(settings)
        return found


def wrong(name: str, code: str, on: str, *, by_night: bool = True, **mistakes: object) -> Case:
    return Case(name, code, (on,), {on: mistakes}, by_night=by_night)


FAULTS: tuple[Case, ...] = (
    wrong("grid CT reversed, total", "grid_ct_reversed", "grid0", ct_reversed=[1, 2, 3]),
    wrong("grid CT reversed, one phase", "grid_ct_reversed_one_phase", "grid0", ct_reversed=[2]),
    wrong("phases swapped", "phases_swapped", "grid0", ct_swapped=[1, 2]),
    wrong("PV meter reversed", "pv_meter_reversed", "pv0", by_night=False, sign_inverted="readings"),
    wrong("battery sign inverted", "battery_sign_inverted", "ess0", sign_inverted="both"),
    wrong("battery ignores setpoints", "battery_ignores_setpoints", "ess1", ignores_setpoints=True),
    wrong("battery follows another's setpoint", "battery_follows_another", "ess1", follows="ess0"),
    wrong("own self-consumption loop active", "own_control_loop", "ess0", own_loop="self_consumption"),
    wrong("rating lower than stated", "rating_lower", "ess0", true_share=0.7),
    wrong("kW taken for W", "kw_taken_for_w", "grid0", power_scale=0.001),
    wrong("W taken for kW", "w_taken_for_kw", "grid0", power_scale=1000.0),
    wrong("scale factor ignored", "scale_factor_ignored", "grid0", power_scale=0.1),
    wrong("CT ratio wrong", "ct_ratio_wrong", "grid0", ct_ratio=0.5),
    wrong("SOC 0..1 taken for percent", "soc_as_fraction", "ess0", soc_scale=0.01),
    wrong("SOC frozen", "soc_frozen", "ess0", frozen="soc"),
    wrong("meter frozen", "meter_frozen", "grid0", frozen="all"),
    Case("meter later than stated", "meter_late", ("grid0",), devices={"grid0": {"delay": 5.0, "interval": 1.0}}),
    wrong("one phase missing", "phase_missing", "grid0", ct_missing=[3]),
    Case(
        "unit answered by the wrong device",
        "unit_answered_by_another",
        ("grid0", "cold0"),
        {"grid0": {"answers_as": "cold0"}},
    ),
    Case(
        "one device entered twice",
        "device_entered_twice",
        ("ess0", "ess1"),
        {"ess1": {"answers_as": "ess0"}},
        more={"second_battery": "10.0.0.33"},
    ),
    wrong("word order wrong", "word_order_wrong", "grid0", numbers="float32_words_swapped"),
    wrong("signed read as unsigned", "signed_read_as_unsigned", "ess0", numbers="int16_unsigned"),
    wrong("frequency scaled wrong", "frequency_scale_wrong", "grid0", frequency_scale=0.1),
    wrong("energy register resets", "energy_runs_back", "grid0", energy="resets"),
    Case("device clock off", "device_clock_off", ("grid0",), devices={"grid0": {"timestamp_error": 12.0}}),
)
"""The 24 faults of the specification; the first stands twice: total and one phase."""

VARIANTS: tuple[Case, ...] = (
    wrong("battery sign inverted, readings only", "battery_sign_inverted", "ess1", sign_inverted="readings"),
    wrong("battery sign inverted, setpoints only", "battery_sign_inverted", "ess1", sign_inverted="setpoints"),
    wrong("own zero-export loop active", "own_control_loop", "ess0", own_loop="zero_export"),
    wrong("phases swapped, 1 and 3", "phases_swapped", "grid0", ct_swapped=[1, 3]),
    wrong("phase without voltage", "phase_missing", "grid0", voltage_missing=[1]),
    wrong("battery in kW", "kw_taken_for_w", "ess0", power_scale=0.001),
    wrong("battery ten times too large", "scale_factor_ignored", "ess1", power_scale=10.0),
    wrong("scale factor ignored, 100", "scale_factor_ignored", "grid0", power_scale=100.0),
    wrong("CT ratio 1.5 times", "ct_ratio_wrong", "grid0", ct_ratio=1.5),
    wrong("CT ratio ten times", "ct_ratio_wrong", "grid0", ct_ratio=10.0),
    wrong("word order of integers", "word_order_wrong", "grid0", numbers="int32_words_swapped"),
    wrong("word order of a battery", "word_order_wrong", "ess0", numbers="float32_words_swapped"),
    wrong("energy register runs backwards", "energy_runs_back", "grid0", energy="backwards"),
    wrong("frequency of a battery 100 times", "frequency_scale_wrong", "ess0", frequency_scale=100.0),
    Case("device clock 30 s behind", "device_clock_off", ("ess0",), devices={"ess0": {"timestamp_error": -30.0}}),
    Case(
        "battery's unit answered by the other",
        "unit_answered_by_another",
        ("ess0", "ess1"),
        {"ess1": {"answers_as": "ess0"}},
        more={"second_battery": "10.0.0.3", "second_unit": 2},
    ),
    wrong("rating much lower", "rating_lower", "ess1", true_share=0.4),
)
"""Other forms of the same faults."""


def cars(count: int) -> list[dict[str, Any]]:
    """Chargers of 22 kW; cars come by scenario events."""
    control = {"maximum_current_a": 32.0}
    return [component(f"evcs{n}", "virtual_charger", f"10.0.1.{n}", control=control) for n in range(1, count + 1)]


HEALTHY: tuple[tuple[str, str, Site, Mapping[str, Any]], ...] = (
    ("supermarket by day", DAY, site(), {}),
    ("supermarket by night", NIGHT, site(), {}),
    (
        "clouds and noise",
        "2026-04-14T13:00:00+02:00",
        site(devices={"grid0": {"noise_w": 150.0, "resolution_w": 10.0}}),
        {},
    ),
    (
        "late meter, as stated",
        DAY,
        site(meter_delay_max_s=4.0, devices={"grid0": {"delay": 3.0, "interval": 1.0}}),
        {},
    ),
    (
        "slow batteries",
        NIGHT,
        site(
            devices={
                "ess0": {"time_constant": 2.0, "dead_time": 1.0, "ramp_w_per_s": 8_000.0},
                "ess1": {"dead_time": 2.0},
            }
        ),
        {},
    ),
    (
        "battery on one phase",
        DAY,
        site(phases=(2,), devices={"ess0": {"max_charge_w": 10_000.0, "max_discharge_w": 10_000.0}}),
        {},
    ),
    (
        "cars come and load steps",
        DAY,
        site(components=cars(2)),
        {
            "events": [
                {"at": 90.0, "ev": "evcs1", "energy_wh": 20_000.0, "phases": 3, "duration": 200.0},
                {"at": 140.0, "ev": "evcs2", "energy_wh": 20_000.0, "phases": 1, "duration": 3600.0},
                {"at": 100.0, "set": "load0/power_w", "value": 2_000.0},
                {"at": 111.0, "set": "load0/power_w", "value": 14_000.0},
                {"at": 131.0, "set": "load0/power_w", "value": 3_000.0},
                {"at": 300.0, "set": "load0/power_w", "value": 12_000.0},
                {"at": 345.0, "set": "load0/power_w", "value": 4_000.0},
            ]
        },
    ),
    (
        "meter drops out now and then",
        NIGHT,
        site(devices={"grid0": {"dropouts": {"mean_interval": 60.0, "duration": 3.0, "show": "nothing"}}}),
        {},
    ),
    (
        "weak grid, another season",
        "2026-01-20T08:00:00+01:00",
        site(grid={"resistance_ohm": 0.08, "reactance_ohm": 0.05, "frequency_hz": 49.97}),
        {},
    ),
    (
        "battery nearly full, small site",
        "2026-09-05T15:00:00+02:00",
        site(devices={"ess0": {"initial_soc_pct": 94.5}, "load0": {"load": {"power_w": 1_000.0}}}),
        {},
    ),
)
"""Name, start, site, more of the scenario."""


def run(one: Site, start: str, seed: int = 1, **more: object) -> Outcome:
    scenario = Scenario.model_validate({"start": start, "duration": LONGEST_S, "step": STEP_S, "seed": seed, **more})
    return commission(one, scenario, Allowed(pulses_w=20_000.0, full=True))


@dataclass(frozen=True)
class Named:
    """What the doctor said of one case. ``case``: None for a healthy site."""

    name: str
    start: str
    seed: int
    expected: str
    found: tuple[tuple[str, str, float], ...]
    """Code, component, confidence of each fault."""
    skipped: tuple[str, ...]
    seconds: float
    """Simulated."""
    rest_w: float
    """True power of the batteries at the end."""
    on: tuple[str, ...] = ()
    not_tested: frozenset[str] = frozenset()

    @property
    def right(self) -> bool:
        """This fault, on a component that it concerns, no other, in time, and the batteries stand."""
        wanted = [(self.expected, True)] if self.expected else []
        said = [(code, component in self.on) for code, component, _ in self.found]
        return said == wanted and self.seconds <= LONGEST_S


def name_fault(case: Case, start: str, seed: int) -> Named:
    return named(case.name, start, seed, case.code, run(case.site(), start, seed), case.on)


def look_at_healthy(number: int, seed: int) -> Named:
    name, start, one, more = HEALTHY[number]
    return named(name, start, seed, "", run(one, start, seed, **more), ())


def named(name: str, start: str, seed: int, expected: str, outcome: Outcome, on: tuple[str, ...]) -> Named:
    """What came of it."""
    found = tuple((v.check, v.component, v.confidence) for v in faults(outcome.verdicts))
    untested = frozenset(v.check for v in outcome.verdicts if v.result == "not_tested")
    skipped = tuple(outcome.skipped)
    return Named(name, start, seed, expected, found, skipped, outcome.seconds, outcome.rest_w, on, untested)

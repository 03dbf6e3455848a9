"""Random sites for the doctor, so that it is not made for one: sizes, delays, noise, weather, hours, phases."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any, Final

from simems_edge.config import Site

from bench.doctor_cases import FAULTS, STEP_S, VARIANTS, Named, named, run, site

BEGIN: Final = datetime(2026, 1, 1, tzinfo=UTC)
NEEDS_SUN: Final = frozenset({"pv_meter_reversed"})
NOON_H: Final = (10, 14)


def random_site(random: Random, mistakes: Mapping[str, Mapping[str, Any]], more: Mapping[str, Any]) -> Site:
    """A supermarket of any size with two batteries; ``mistakes``: settings of its devices laid over."""
    size = random.choice([0.25, 0.5, 1.0, 2.0, 4.0])
    delay_s = random.choice([0.0, 0.2, 0.6, 1.0, 1.5])
    devices: dict[str, dict[str, Any]] = {
        "grid0": {
            "delay": delay_s, "interval": random.choice([0.0, STEP_S, 0.6, 1.0]),
            "noise_w": random.choice([0.0, 20.0, 60.0]) * size, "resolution_w": random.choice([1.0, 10.0]),
        },
        "load0": {"load": {"profile": "supermarket", "scale": 0.2 * size}},
        "ess0": _battery(random, 40_000.0 * size),
        "ess1": _battery(random, 30_000.0 * size),
    }  # fmt: skip
    for name, settings in mistakes.items():
        devices[name] = devices.get(name, {}) | dict(settings)
    simulation: dict[str, Any] = {
        "load": {"profile": "supermarket", "scale": 0.8 * size},
        "pv": {"profile": "rooftop", "peak_w": random.choice([20_000.0, 60_000.0, 90_000.0]) * size},
        "grid": {"resistance_ohm": random.choice([0.0, 0.02 / size]), "frequency_hz": random.uniform(49.95, 50.05)},
    }  # fmt: skip
    limits = {"import_limit_w": 180_000.0 * size, "export_limit_w": 150_000.0 * size}
    return site(devices=devices, limits=limits, **simulation, **more)


def _battery(random: Random, power_w: float) -> dict[str, Any]:
    return {
        "max_charge_w": power_w, "max_discharge_w": power_w, "capacity_wh": power_w * random.choice([0.5, 1.0, 2.0]),
        "time_constant": random.choice([0.2, 0.5, 1.0, 1.5]), "dead_time": random.choice([0.0, 0.4, 1.0]),
        "initial_soc_pct": random.uniform(30.0, 80.0), "noise_w": random.choice([0.0, 0.001 * power_w]),
        "gain": random.choice([0.98, 1.0, 1.02]),
    }  # fmt: skip


def random_healthy(seed: int) -> Named:
    random = Random(f"healthy {seed}")
    start = _start(random, by_day=False)
    return named(f"healthy {seed}", start, seed, "", run(random_site(random, {}, {}), start, seed), ())


def random_fault(number: int, seed: int) -> Named:
    """``number``: in the list of all faults and their other forms."""
    case = (*FAULTS, *VARIANTS)[number]
    random = Random(f"{case.name} {seed}")
    start = _start(random, by_day=case.code in NEEDS_SUN)
    outcome = run(random_site(random, case.wrong_devices(), case.more), start, seed)
    return named(case.name, start, seed, case.code, outcome, case.on)


def _start(random: Random, *, by_day: bool) -> str:
    """Any minute of the year; ``by_day``: around noon in summer."""
    day = random.randrange(120, 240) if by_day else random.randrange(365)
    hour = random.randrange(*NOON_H) if by_day else random.randrange(24)
    return (BEGIN + timedelta(days=day, hours=hour, minutes=random.randrange(60))).isoformat()

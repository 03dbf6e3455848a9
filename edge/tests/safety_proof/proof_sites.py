"""Random sites: batteries, inverters, chargers, contacts, clusters, guards, limits, phases."""

from __future__ import annotations

from collections.abc import Iterator
from random import Random
from typing import Any

from proof_adversary import MODES

Site = dict[str, Any]
CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}


def random_site(random: Random) -> Site:
    """As a site file holds it, in base units."""
    batteries = [_battery(random, f"ess{n}") for n in range(random.choice([1, 1, 1, 2, 2, 3]))]
    inverters = [_inverter(random, f"pv{n}") for n in range(random.choice([0, 0, 1, 1, 2]))]
    chargers = [_charger(random, f"evcs{n}") for n in range(random.choice([0, 0, 0, 1, 2, 3]))]
    grid: dict[str, Any] = {
        "import_limit_w": float(random.randrange(5_000, 200_000)),
        "export_limit_w": float(random.choice([0, random.randrange(0, 100_000)])),
    }
    if random.random() < 0.3:
        grid["phase_limit_a"] = float(random.choice([25, 63, 100, 250]))
    head: dict[str, Any] = {"id": "proof-1", "time_zone": "Europe/Stockholm", "currency": "SEK", "grid": grid}
    if random.random() < 0.1:
        head["estop"] = "ess0/grid_forming"
    meter = {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION}
    site: Site = {
        "site": head,
        "components": (meter, *batteries, *inverters, *chargers, *_contacts(random)),
        "controllers": tuple(_controllers(random)),
    }
    clusters = list(_clusters(random, batteries, chargers))
    if clusters:
        site["clusters"] = tuple(clusters)
    return site


def _contacts(random: Random) -> Iterator[dict[str, Any]]:
    for name, kind in (("relay0", "virtual_relay"), ("breaker0", "virtual_breaker")):
        if random.random() < 0.1:
            yield {"id": name, "profile": kind, "connection": CONNECTION, "control": {}}


def _phases(random: Random) -> tuple[int, ...]:
    return random.choice([(1, 2, 3), (1, 2, 3), (2, 3, 1), (1,), (2,), (3,), (1, 2)])


def _battery(random: Random, name: str) -> dict[str, Any]:
    profile = random.choice(["sunspec_storage", "virtual_storage", "virtual_storage"])
    guards: dict[str, Any] = {}
    if random.random() < 0.7:
        guards["soc_pct"] = [random.choice([0.0, 5.0, 10.0]), random.choice([90.0, 95.0, 100.0])]
    if random.random() < 0.3:
        guards["ramp_w_per_s"] = random.choice([500.0, 5_000.0, 50_000.0])
    if random.random() < 0.3:
        guards["cell_voltage_v"] = [2.5, 3.65]
    if random.random() < 0.3:
        guards["charge_temperature_degc"] = [0.0, 45.0]
    if random.random() < 0.2:
        guards["cell_temperature_degc"] = [-20.0, 55.0]
    if random.random() < 0.1:
        guards["voltage_v"] = [200.0, 260.0]
    control: dict[str, Any] = {"phases": _phases(random)}
    if profile == "virtual_storage" and random.random() < 0.2:
        control["operating_mode"] = 0
    if profile == "virtual_storage" and random.random() < 0.35:
        control |= {"reactive_rating_var": 20_000.0, "reactive_first": random.random() < 0.5}
    battery = {"id": name, "profile": profile, "connection": CONNECTION, "guards": guards}
    return battery | ({"control": control} if random.random() < 0.5 else {})


def _inverter(random: Random, name: str) -> dict[str, Any]:
    inverter = {"id": name, "profile": "sunspec_pv", "connection": CONNECTION}
    if random.random() < 0.3:
        return inverter
    rating_w = float(random.randrange(3_000, 60_000))
    guards = {"ramp_w_per_s": 2_000.0} if random.random() < 0.2 else {}
    return inverter | {"control": {"rating_w": rating_w, "phases": _phases(random)}, "guards": guards}


def _charger(random: Random, name: str) -> dict[str, Any]:
    control = {
        "phases": _phases(random),
        "safe_current_a": random.choice([0.0, 6.0, 16.0]),
        "maximum_current_a": random.choice([16.0, 32.0]),
        "dwell": random.choice([0.0, 10.0, 300.0]),
    }
    return {"id": name, "profile": "virtual_charger", "connection": CONNECTION, "control": control}


def _clusters(random: Random, batteries: list[Any], chargers: list[Any]) -> Any:
    if random.random() < 0.35:
        entry: dict[str, Any] = {"id": "store", "members": tuple(b["id"] for b in batteries)}
        entry["share"] = random.choice(["soc", "equal"])
        if random.random() < 0.6:
            entry["limit_w"] = float(random.randrange(1_000, 80_000))
        yield entry
    if chargers and random.random() < 0.4:
        entry = {"id": "garage", "members": tuple(c["id"] for c in chargers)}
        if random.random() < 0.6:
            entry["limit_a"] = float(random.randrange(6, 60))
        yield entry


def _controllers(random: Random) -> Any:
    for number in range(random.choice([1, 1, 2, 3])):
        kind = random.choice(sorted(MODES))
        calm = random.choice([0.0, 0.5, 0.9, 0.99])
        yield {"id": f"adversary{number}", "type": kind, "seed": random.randrange(2**31), "calm": calm}
    ends = {"grid": "grid0", "ess": "ess0"}
    if random.random() < 0.3:
        yield {"id": "peak0", "type": "peak_shaving", "threshold_w": 4_000.0} | ends
    if random.random() < 0.3:
        yield {"id": "self0", "type": "self_consumption"} | ends
    for name in ("soc_limits", "temperature_derating", "cell_voltage_derating"):
        if random.random() < 0.1:
            yield {"id": f"{name}0", "type": name, "ess": "ess0"}
    if random.random() < 0.1:
        yield {"id": "edge0", "type": "grid_connection"} | ends
    if random.random() < 0.1:
        yield {"id": "loss0", "type": "communication_loss", "watch": "grid0/communication",
               "ess": "ess0", "hold_s": 5.0, "value": 3_000.0}  # fmt: skip

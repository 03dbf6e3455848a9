"""The guards of a site: device limits and SOC of batteries, the grid connection, its phases, caps, apparent power."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from simems_core import Guard

from simems_edge.config import Component, Site
from simems_edge.contracts import Controller
from simems_edge.controllers.closed_loop import LoopSettings
from simems_edge.devices import Profile
from simems_edge.devices.estimator_inputs import estimate_addresses
from simems_edge.devices.phases import phase_channels
from simems_edge.runtime.commanded import POWERS, Commanded, Group, caps
from simems_edge.runtime.outside import dimming_guard, external_guard

Edge = tuple[str, float, str, str]
"""(channel, limit, low or high, direction that it closes)"""


def guards(
    site: Site,
    profiles: Mapping[str, Profile],
    every: Sequence[Commanded],
    groups: Sequence[Group],
    grid: str | None,
    controllers: Sequence[Controller],
) -> list[Guard]:
    """In an order that does not depend on what a site does not have."""
    found: list[Guard] = []
    for one in every:
        if one.role == "storage":
            found.extend(_battery(one, profiles))
    if grid is not None:
        found.extend(_connection(site, profiles, [one for one in every if one.role in POWERS], grid, controllers))
    dimming = dimming_guard(site, profiles, every)
    if dimming is not None:
        found.append(dimming)
    return [*found, *caps(groups), *_circles(profiles, every)]


def _battery(one: Commanded, profiles: Mapping[str, Profile]) -> list[Guard]:
    """Of the inverter, and of a BMS apart from it: the stricter of both holds, and the silence of either closes."""
    battery, soc_pct = one.component, one.component.guards.soc_pct
    found = []
    for source in (battery.id, *([] if battery.bms is None else [battery.bms])):
        limits = (f"{source}/max_charge_power_w", f"{source}/max_discharge_power_w")
        found.append(Guard.device_limits(one.address, charge_limit=limits[0], discharge_limit=limits[1]))
        if soc_pct is not None:
            estimate = estimate_addresses(battery) if source == battery.id else None
            guard = Guard.soc(
                one.address,
                soc=f"{source}/soc_pct",
                minimum_pct=soc_pct[0],
                maximum_pct=soc_pct[1],
                estimate=estimate,
            )
            found.append(guard)
    return [*found, *windows(battery, profiles)]


def windows(battery: Component, profiles: Mapping[str, Profile]) -> list[Guard]:
    """Of what the site file declares; `simems-edge check` refuses what the device does not read. Undeclared limits are
    watched by faults alone, which say nothing of a value that is missing."""
    declared, read = battery.guards, partial(_read, battery, profiles)
    cold, hot = (read(f"cell_temperature_{end}_degc", "temperature_degc") for end in ("min", "max"))
    ends: dict[str, list[Edge]] = {"temperature": [], "voltage": []}
    if declared.charge_temperature_degc is not None:
        ends["temperature"] += _ends(declared.charge_temperature_degc, cold, hot, ("charge", "charge"))
    if declared.cell_temperature_degc is not None:
        ends["temperature"] += _ends(declared.cell_temperature_degc, cold, hot, ("both", "both"))
    if declared.cell_voltage_v is not None:
        lowest, highest = (read(f"cell_voltage_{end}_v") for end in ("min", "max"))
        ends["voltage"] += _ends(declared.cell_voltage_v, lowest, highest, ("discharge", "charge"))
    if declared.voltage_v is not None:
        own = read("voltage_v")
        ends["voltage"] += _ends(declared.voltage_v, own, own, ("discharge", "charge"))
    address = f"{battery.id}/active_power_w"
    kept = {name: [edge for edge in found if edge[0]] for name, found in ends.items()}
    return [Guard.window(address, name=name, edges=found) for name, found in kept.items() if found]


def _read(battery: Component, profiles: Mapping[str, Profile], *names: str) -> str:
    """Address of the first of ``names`` that the BMS reads, else that the battery reads; empty when neither does."""
    for source in (battery.bms, battery.id):
        rows = () if source is None else profiles[source].channels
        readable = {row.name for row in rows if row.readable}
        name = next((name for name in names if name in readable), None)
        if name is not None:
            return f"{source}/{name}"
    return ""


def _ends(limits: tuple[float, float], low: str, high: str, closes: tuple[str, str]) -> list[Edge]:
    return [(low, limits[0], "low", closes[0]), (high, limits[1], "high", closes[1])]


def loops_on(grid: str, controllers: Sequence[Controller]) -> list[LoopSettings]:
    """What the loops on one meter know of its delay; the defaults when there is none."""
    loops = [controller.settings for controller in controllers if isinstance(controller.settings, LoopSettings)]
    return [loop for loop in loops if loop.references().get("grid") == grid] or [LoopSettings()]


def _connection(
    site: Site,
    profiles: Mapping[str, Profile],
    every: Sequence[Commanded],
    grid: str,
    controllers: Sequence[Controller],
) -> list[Guard]:
    """A meter is one meter for all: the guards allow for the slowest that any loop on it allows for."""
    if not every:
        return []
    loops, limits = loops_on(grid, controllers), site.site.grid
    delay_s, repeat_s, settle_s = (
        max(loop.meter_delay_max_s for loop in loops),
        max(loop.meter_repeat_max_s for loop in loops),
        max(loop.battery_settle_s for loop in loops),
    )
    actuators, measured = [one.address for one in every], [one.measured for one in every]
    gains = [one.gain for one in every]
    found = [
        Guard.grid(
            actuators,
            grid=f"{grid}/active_power_w",
            measured=measured,
            import_limit_w=limits.import_limit_w,
            export_limit_w=limits.export_limit_w,
            gains=gains,
            meter_delay_max_s=delay_s,
            meter_repeat_max_s=repeat_s,
            battery_settle_s=settle_s,
        ),
        external_guard(site, grid),
    ]
    channels = phase_channels(grid, profiles[grid])
    if limits.phase_limit_a is not None and channels is not None:
        guard = Guard.phases(
            actuators,
            power=channels.power,
            voltage=channels.voltage,
            reactive=channels.reactive,
            current=channels.current,
            measured=measured,
            gains=gains,
            phases=[list(one.phases) for one in every],
            limit_a=limits.phase_limit_a,
            meter_delay_max_s=delay_s,
            meter_repeat_max_s=repeat_s,
            battery_settle_s=settle_s,
        )
        found.append(guard)
    return found


def _circles(profiles: Mapping[str, Profile], every: Sequence[Commanded]) -> list[Guard]:
    """A device whose active and reactive power are both commanded; its apparent power as read, else as rated."""
    active = {one.component.id: one for one in reversed(every) if one.role in {"storage", "generation"}}
    found = []
    for one in every:
        control = one.component.control
        pair = active.get(one.component.id)
        if one.role != "reactive" or pair is None or control is None:
            continue
        rows = profiles[one.component.id].channels
        reads = any(row.name == "max_apparent_power_va" and row.readable for row in rows)
        if reads:
            channel = f"{one.component.id}/max_apparent_power_va"
            circle = Guard.circle(pair.address, one.address, channel=channel, reactive_first=control.reactive_first)
        elif control.apparent_rating_va is not None:
            rating_va = control.apparent_rating_va
            circle = Guard.circle(pair.address, one.address, rating_va=rating_va, reactive_first=control.reactive_first)
        else:
            continue
        found.append(circle)
    return found

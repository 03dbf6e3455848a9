"""The guards of a site: device limits and SOC of batteries, the grid connection, its phases, caps, apparent power."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

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
            found.extend(_battery(one, profiles[one.component.id]))
    if grid is not None:
        found.extend(_connection(site, profiles, [one for one in every if one.role in POWERS], grid, controllers))
    dimming = dimming_guard(site, profiles, every)
    if dimming is not None:
        found.append(dimming)
    return [*found, *caps(groups), *_circles(profiles, every)]


def _battery(one: Commanded, profile: Profile) -> list[Guard]:
    battery = one.component
    found = [
        Guard.device_limits(
            one.address,
            charge_limit=f"{battery.id}/max_charge_power_w",
            discharge_limit=f"{battery.id}/max_discharge_power_w",
        )
    ]
    if battery.guards.soc_pct is not None:
        minimum_pct, maximum_pct = battery.guards.soc_pct
        soc = f"{battery.id}/soc_pct"
        estimate = estimate_addresses(battery)
        found.append(
            Guard.soc(one.address, soc=soc, minimum_pct=minimum_pct, maximum_pct=maximum_pct, estimate=estimate)
        )
    return [*found, *windows(battery, profile)]


def windows(battery: Component, profile: Profile) -> list[Guard]:
    """Of what the site file declares; `simems-edge check` refuses what the device does not read. Undeclared limits are
    watched by faults alone, which say nothing of a value that is missing."""
    declared, readable = battery.guards, {row.name for row in profile.channels if row.readable}
    cold, hot = (
        next((name for name in (f"cell_temperature_{end}_degc", "temperature_degc") if name in readable), "")
        for end in ("min", "max")
    )
    ends: dict[str, list[Edge]] = {"temperature": [], "voltage": []}
    if declared.charge_temperature_degc is not None:
        ends["temperature"] += _ends(declared.charge_temperature_degc, cold, hot, ("charge", "charge"))
    if declared.cell_temperature_degc is not None:
        ends["temperature"] += _ends(declared.cell_temperature_degc, cold, hot, ("both", "both"))
    if declared.cell_voltage_v is not None:
        pair = ("discharge", "charge")
        ends["voltage"] += _ends(declared.cell_voltage_v, "cell_voltage_min_v", "cell_voltage_max_v", pair)
    if declared.voltage_v is not None:
        ends["voltage"] += _ends(declared.voltage_v, "voltage_v", "voltage_v", ("discharge", "charge"))
    address = f"{battery.id}/active_power_w"
    kept = {name: [(f"{battery.id}/{edge[0]}", *edge[1:]) for edge in found if edge[0] in readable]
            for name, found in ends.items()}  # fmt: skip
    return [Guard.window(address, name=name, edges=found) for name, found in kept.items() if found]


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

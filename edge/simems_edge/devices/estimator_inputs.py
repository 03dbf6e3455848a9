"""Which channels of a battery its estimator reads, and whether its profile has them. Pure."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final

from simems_edge.config import Component, Estimator, Problem, Site
from simems_edge.config.document import Document
from simems_edge.config.problem import Path
from simems_edge.devices.profile import Profile, ProfileError, load_profile

OUTPUTS: Final = ("soc_est_pct", "soc_sigma_pct", "soc_valid")
"""What an estimator writes."""
CURRENTS: Final = ("dc_current_a", "current_a")
VOLTAGES: Final = ("dc_voltage_v", "voltage_v")
"""In this order. On the side of the cells: the alternating side's tell nothing of a cell."""
CELL_TEMPERATURES: Final[tuple[str, ...]] = ("cell_temperature_min_degc", "cell_temperature_max_degc")
TEMPERATURE: Final = "temperature_degc"
ALTERNATING: Final = "voltage_v_l1", "current_a_l1", "active_power_w_l1"
"""A profile with one of these shows its alternating side under ``voltage_v`` and ``current_a``."""


@dataclass(frozen=True)
class EstimatorInputs:
    """Names of channels; ``temperatures`` may be none where one is assumed."""

    current: str
    voltage: str
    temperatures: tuple[str, ...]


def estimate_addresses(battery: Component) -> tuple[str, str, str] | None:
    """Of SOC, its standard deviation and its validity; None for a battery without an estimator."""
    if battery.estimator is None:
        return None
    soc, sigma, valid = (f"{battery.id}/{name}" for name in OUTPUTS)
    return soc, sigma, valid


def estimator_inputs(settings: Estimator, profile: Profile) -> EstimatorInputs:
    """Raises ValueError, ``field: message; what to do``, when the profile lacks one."""
    names = {row.name for row in profile.channels if row.readable}
    current = _one("current", settings.current, CURRENTS, names)
    voltage = _one("voltage", settings.voltage, VOLTAGES, names)
    return EstimatorInputs(current, voltage, _temperatures(settings, names))


def _one(field: str, given: str | None, usual: tuple[str, ...], names: set[str]) -> str:
    direct, other = usual
    if given is not None:
        if given not in names:
            raise ValueError(f"{field}: is no channel of this battery that can be read; use {_shown(names, field)}")
        return given
    if direct in names:
        return direct
    if other in names and not names.intersection(ALTERNATING):
        return other
    message = f"{field}: is not measured at the cells: the profile has no {direct}"
    raise ValueError(f"{message}; name the channel on the side of the cells, or use a profile that has {direct}")


def _temperatures(settings: Estimator, names: set[str]) -> tuple[str, ...]:
    if settings.temperature is not None:
        if settings.temperature not in names:
            remedy = f"use {_shown(names, 'temperature')}"
            raise ValueError(f"temperature: is no channel of this battery that can be read; {remedy}")
        return (settings.temperature,)
    found = tuple(name for name in CELL_TEMPERATURES if name in names)
    found = found or tuple(name for name in (TEMPERATURE,) if name in names)
    if not found and settings.assumed_temperature_degc is None:
        raise ValueError("temperature: is not measured by this battery; give assumed_temperature_degc")
    return found


def _shown(names: set[str], like: str) -> str:
    return " or ".join(sorted(name for name in names if like in name)) or "another profile"


def estimator_problems(site: Site, document: Document) -> Iterator[Problem]:
    """Estimators that do not fit the device they are of."""
    for position, component in enumerate(site.components):
        if component.estimator is None:
            continue
        path: Path = ("components", position, "estimator")
        try:
            profile = load_profile(component.profile)
        except ProfileError:
            continue  # said where the profile is named
        if profile.kind != "ess":
            message = f"estimates a battery, but {component.id!r} is of kind {profile.kind}"
            yield document.problem(path, message, "remove it", value="(section)")
            continue
        yield from _fits(document, path, component.estimator, profile)


def _fits(document: Document, path: Path, settings: Estimator, profile: Profile) -> Iterator[Problem]:
    own = [row.name for row in profile.channels if row.name in OUTPUTS]
    if own:
        message = f"would write {own[0]}, which the device tells itself"
        yield document.problem(path, message, "remove it, or use a profile without that channel", value="(section)")
    try:
        estimator_inputs(settings, profile)
    except ValueError as error:
        field, _, text = str(error).partition(": ")
        message, _, remedy = text.partition("; ")
        given = getattr(settings, field)
        yield document.problem((*path, field), message, remedy, value="(missing)" if given is None else repr(given))

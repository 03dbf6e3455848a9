"""Does a site file fit the devices it names, and its controllers' settings the components they refer to? Pure."""

import difflib
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Final, get_args

from pydantic import BaseModel

from simems_edge.config import Component, ControllerEntry, Problem, Site, SiteFile
from simems_edge.config.consistency import PAIRS
from simems_edge.config.document import Document
from simems_edge.config.problem import Path, path_text
from simems_edge.config.quantities import parse_quantity
from simems_edge.config.settings import settings_problems
from simems_edge.contracts.references import DeviceRef
from simems_edge.devices.bms_check import bms_problems, profile_of
from simems_edge.devices.bus_check import bus_problems
from simems_edge.devices.connection_check import connection_problems
from simems_edge.devices.dimming_check import dimming_problems
from simems_edge.devices.estimator_inputs import estimator_problems
from simems_edge.devices.phases import missing_for_phases
from simems_edge.devices.profile import Profile, ProfileError, load_profile, profile_names
from simems_edge.devices.shared_units import shared_unit_problems
from simems_edge.devices.simulation_check import simulation_problems

SettingsOf = Callable[[str], type[BaseModel]]
"""Controller type -> its settings class; raises ValueError, saying why, when it cannot be used."""


def site_problems(file: SiteFile, settings_of: SettingsOf) -> list[Problem]:
    """Every problem of the file: those found while reading it, and what does not fit devices and controllers."""
    problems = list(file.problems)
    if file.site is not None:
        kinds, found = _kinds(file.site, file.document)
        problems += found
        problems += connection_problems(file.site, file.document)
        problems += bus_problems(file.site, file.document)
        problems += bms_problems(file.site, file.document)
        problems += shared_unit_problems(file.site, file.document)
        problems += _guards(file.site, file.document)
        problems += _estop(file.site, file.document)
        problems += _phase_limit(file.site, file.document, kinds)
        problems += _control(file.site, file.document)
        problems += _clusters(file.site, file.document, kinds)
        problems += dimming_problems(file.site, file.document, kinds)
        problems += estimator_problems(file.site, file.document)
        problems += simulation_problems(file.site, file.document, kinds)
        for position, entry in enumerate(file.site.controllers):
            problems += _controller(file, position, entry, kinds, settings_of)
    return problems


def _kinds(site: Site, document: Document) -> tuple[dict[str, str], list[Problem]]:
    kinds: dict[str, str] = {}
    problems = []
    for position, component in enumerate(site.components):
        try:
            kinds.setdefault(component.id, load_profile(component.profile).kind)
        except ProfileError as error:
            problems.append(_bad_profile(document, position, component, error))
    return kinds, problems


def _bad_profile(document: Document, position: int, component: Component, error: ProfileError) -> Problem:
    path: Path = ("components", position, "profile")
    if component.profile in profile_names():
        return document.problem(path, f"cannot be used: {error}", "correct the profile's file")
    return document.problem(path, "is not a known profile", suggestion(component.profile, profile_names()))


def suggestion(given: str, known: Iterable[str]) -> str:
    """ "did you mean ...?" when something known is close, else the list."""
    names = sorted(known)
    close = difflib.get_close_matches(given, names, n=1, cutoff=0.6)
    return f"did you mean {close[0]!r}?" if close else f"use one of {', '.join(names) or '(none installed)'}"


def _estop(site: Site, document: Document) -> Iterator[Problem]:
    """The channel of the emergency stop must be a readable bool."""
    if site.site.estop is None:
        return
    component_id, _, name = site.site.estop.partition("/")
    component = next((component for component in site.components if component.id == component_id), None)
    if component is None or not _reads_bool(component, name):
        remedy = "name a bool channel that can be read, as component/channel (`simems-edge show SITE.yaml`)"
        yield document.problem(("site", "estop"), "is no such channel of this site", remedy)


def _reads_bool(component: Component, name: str) -> bool:
    try:
        rows = load_profile(component.profile).channels
    except ProfileError:
        return True  # said where the profile is named
    return any(row.name == name and row.kind == "bool" and row.readable for row in rows)


def _kind_of(component: Component) -> str | None:
    try:
        return load_profile(component.profile).kind
    except ProfileError:
        return None


def _guards(site: Site, document: Document) -> Iterator[Problem]:
    for position, component in enumerate(site.components):
        kind = _kind_of(component)
        path: Path = ("components", position, "guards")
        for name in PAIRS:
            if getattr(component.guards, name) is not None and kind not in {None, "ess"}:
                yield document.problem(
                    (*path, name), f"is a guard of a battery, but {component.id!r} is of kind {kind}", "remove it"
                )
        yield from _windows(document, path, component, _bms_reads(site, component))
        if component.guards.ramp_w_per_s is not None and kind not in {None, "ess", "pv"}:
            message = f"is a guard of what can be set, but {component.id!r} is of kind {kind}"
            yield document.problem((*path, "ramp_w_per_s"), message, "remove it")


_READS: Final[Mapping[str, tuple[tuple[str, ...], ...]]] = {
    "cell_voltage_v": (("cell_voltage_min_v",), ("cell_voltage_max_v",)),
    "voltage_v": (("voltage_v",),),
    "cell_temperature_degc": (
        ("cell_temperature_min_degc", "temperature_degc"),
        ("cell_temperature_max_degc", "temperature_degc"),
    ),
}
"""Guard -> what it needs, one channel of each tuple."""


def _bms_reads(site: Site, component: Component) -> frozenset[str]:
    """What a BMS apart from the inverter reads."""
    bms = next((one for one in site.components if one.id == component.bms), None)
    profile = None if bms is None else profile_of(bms)
    return frozenset() if profile is None else frozenset(row.name for row in profile.channels if row.readable)


def _windows(document: Document, path: Path, component: Component, beside: frozenset[str]) -> Iterator[Problem]:
    """A limit that nobody measures cannot be kept: it would hold the battery still for ever."""
    profile = _profile_of(component)
    readable = beside | (frozenset() if profile is None else {row.name for row in profile.channels if row.readable})
    needs = {**_READS, "charge_temperature_degc": _READS["cell_temperature_degc"]}
    for name, wanted in needs.items():
        if profile is None or profile.kind != "ess" or getattr(component.guards, name) is None:
            continue
        lacking = [" or ".join(names) for names in wanted if readable.isdisjoint(names)]
        if lacking:
            message = f"cannot be kept: profile {profile.id} does not read {', nor '.join(lacking)}"
            yield document.problem((*path, name), message, "use a profile that reads it, or remove the limit")


def _phase_limit(site: Site, document: Document, kinds: Mapping[str, str]) -> Iterator[Problem]:
    """The meter at the connection must read each phase: a limit that cannot be kept is not promised."""
    if site.site.grid.phase_limit_a is None:
        return
    path: Path = ("site", "grid", "phase_limit_a")
    meter = _connection_meter(site, kinds)
    if meter is None:
        yield document.problem(path, "cannot be kept without a meter", "add a meter at the connection, or remove it")
        return
    profile = _profile_of(meter)
    missing = [] if profile is None else missing_for_phases(profile)
    if missing:
        message = f"cannot be kept: the meter {meter.id!r} does not read {', '.join(missing)}"
        yield document.problem(path, message, "use a meter whose profile reads them, or remove the limit")


def _connection_meter(site: Site, kinds: Mapping[str, str]) -> Component | None:
    named = (entry.settings.get("grid") for entry in site.controllers)
    name = next((name for name in named if isinstance(name, str)), None)
    meters = [component for component in site.components if kinds.get(component.id) == "meter"]
    return next((meter for meter in meters if name in {None, meter.id}), None)


def _profile_of(component: Component) -> Profile | None:
    try:
        return load_profile(component.profile)
    except ProfileError:
        return None


_CONTROLLED: Final = {
    "pv": "active_power_limit_w",
    "evcs": "current_limit_a",
    "ess": "active_power_w",
    "relay": "state",
    "breaker": "closed",
}
_POWERED: Final = frozenset({"pv", "evcs", "ess"})


def _control(site: Site, document: Document) -> Iterator[Problem]:
    for position, component in enumerate(site.components):
        profile, control = _profile_of(component), component.control
        if profile is None or control is None:
            continue
        path: Path = ("components", position, "control")
        settable = {row.name: row for row in profile.channels if row.settable}
        wanted = _CONTROLLED.get(profile.kind)
        if wanted is None:
            yield document.problem(path, f"commands nothing: {component.id!r} is of kind {profile.kind}", "remove it")
        elif wanted not in settable:
            message = f"cannot be done: profile {profile.id} cannot set {wanted}"
            yield document.problem(path, message, "use a profile that can, or remove it")
        elif profile.kind == "pv" and control.rating_w is None and settable[wanted].maximum is None:
            message = "has no largest power: the profile names none"
            yield document.problem((*path, "rating_w"), message, "add the inverter's rated power, e.g. 20 kW")
        if control.reactive_rating_var is not None and "reactive_power_var" not in settable:
            message = f"cannot be commanded: profile {profile.id} cannot set reactive_power_var"
            yield document.problem((*path, "reactive_rating_var"), message, "remove it")
        if control.switch_phases and "phases" not in settable:
            message = f"cannot be done: profile {profile.id} cannot set phases"
            yield document.problem((*path, "switch_phases"), message, "use a profile that can, or remove it")
        elif control.switch_phases and len(control.phases) != 3:
            yield document.problem((*path, "switch_phases"), "needs a charger on three phases", "remove it")
        if control.operating_mode is not None:
            yield from _mode(document, (*path, "operating_mode"), profile, control.operating_mode)


def _mode(document: Document, path: Path, profile: Profile, code: int) -> Iterator[Problem]:
    row = next((row for row in profile.channels if row.name == "operating_mode" and row.settable), None)
    if row is None:
        yield document.problem(path, f"cannot be commanded: profile {profile.id} cannot set it", "remove it")
    elif code not in row.labels:
        known = ", ".join(f"{number} ({text})" for number, text in row.labels.items())
        yield document.problem(path, "is no mode of this device", f"use one of {known}")


def _clusters(site: Site, document: Document, kinds: Mapping[str, str]) -> Iterator[Problem]:
    commanded = {c.id for c in site.components if kinds.get(c.id) == "ess" or c.control is not None}
    for position, cluster in enumerate(site.clusters):
        path: Path = ("clusters", position)
        found = {kinds[member] for member in cluster.members if member in kinds}
        if len(found) > 1:
            yield document.problem((*path, "members"), "are of several kinds", "group devices of one kind")
        for place, member in enumerate(cluster.members):
            if member in kinds and (member not in commanded or kinds[member] not in _POWERED):
                message = "is not commanded"
                yield document.problem((*path, "members", place), message, "give it a control section, or leave it out")
        if cluster.share == "soc" and found and found != {"ess"}:
            yield document.problem((*path, "share"), "is for batteries", "use equal")
        if cluster.fuse_a is not None and found and found != {"evcs"}:
            yield document.problem((*path, "fuse_a"), "is for chargers", "remove it")
        wrong = "limit_w" if found == {"evcs"} else "limit_a"
        if getattr(cluster, wrong) is not None and found:
            message = f"is no limit of {' and '.join(sorted(found))}"
            yield document.problem((*path, wrong), message, f"use {'limit_a' if wrong == 'limit_w' else 'limit_w'}")


def _controller(
    file: SiteFile, position: int, entry: ControllerEntry, kinds: Mapping[str, str], settings_of: SettingsOf
) -> list[Problem]:
    path: Path = ("controllers", position)
    try:
        settings_class = settings_of(entry.type)
    except ValueError as error:
        message, _, remedy = str(error).partition("; ")
        return [file.document.problem((*path, "type"), message, remedy or "install it or remove this controller")]
    limits = list(_limits(file, path, entry))
    settings = settings_problems(file.document, position, entry, settings_class)
    if limits:
        settings = [problem for problem in settings if problem.path != path_text(path)]
    return limits + settings + list(_references(file.document, path, entry, settings_class, kinds))


def _references(
    document: Document, path: Path, entry: ControllerEntry, settings_class: type[BaseModel], kinds: Mapping[str, str]
) -> Iterator[Problem]:
    known = {component["id"] for component in document.data["components"]}
    for name, field in settings_class.model_fields.items():
        wanted, given = _wanted_kind(field.annotation), entry.settings.get(name)
        if wanted is None or not isinstance(given, str):
            continue
        if given not in known:
            yield document.problem((*path, name), "is no component of this site", suggestion(given, known))
        elif given in kinds and wanted != kinds[given]:
            fitting = sorted(component for component, kind in kinds.items() if kind == wanted)
            remedy = f"use {' or '.join(fitting)}" if fitting else f"add a component of kind {wanted}"
            yield document.problem((*path, name), f"is of kind {kinds[given]}, not {wanted}", remedy)


def _wanted_kind(annotation: object) -> str | None:
    """The interface that a settings field refers to; None when it is no reference."""
    if isinstance(annotation, type) and not get_args(annotation):
        return annotation.kind if issubclass(annotation, DeviceRef) else None
    return next((kind for part in get_args(annotation) if (kind := _wanted_kind(part)) is not None), None)


def _limits(file: SiteFile, path: Path, entry: ControllerEntry) -> Iterator[Problem]:
    """Rules that hold for every controller with settings of these names."""
    threshold_w, recharge_w = (_power_w(entry, name) for name in ("threshold_w", "recharge_below_w"))
    limit_w = file.site.site.grid.import_limit_w if file.site else None
    if threshold_w is not None and limit_w is not None and threshold_w > limit_w:
        message = f"is above the import limit of {limit_w:g} W"
        yield file.document.problem((*path, "threshold_w"), message, "lower it below site.grid.import_limit_w")
    if threshold_w is not None and recharge_w is not None and recharge_w >= threshold_w:
        message = f"is not below the threshold of {threshold_w:g} W"
        yield file.document.problem((*path, "recharge_below_w"), message, "lower it below threshold_w")


def _power_w(entry: ControllerEntry, name: str) -> float | None:
    try:
        return parse_quantity(entry.settings[name], "W")
    except (KeyError, ValueError):
        return None

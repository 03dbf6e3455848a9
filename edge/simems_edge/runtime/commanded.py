"""What the cycle commands: every battery's power, and what ``control`` of a component adds to it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from simems_core import Actuator, Cluster, Guard

from simems_edge.config import ClusterEntry, Component, Site
from simems_edge.devices import Profile, ProfileChannel

UNRATED_W = 1e9
"""Rating of an actuator whose profile names none: the device's own limits (a guard) bind long before."""
NOMINAL_V = 230.0
"""Voltage that a charger's current is taken at (EN 50160)."""
LARGEST_CURRENT_A = 32.0
COMMANDED = {
    "ess": "active_power_w",
    "pv": "active_power_limit_w",
    "evcs": "current_limit_a",
    "relay": "state",
    "breaker": "closed",
}
"""Device kind -> the channel that commands it, first of all its active power."""
ROLES = {"ess": "storage", "pv": "generation", "evcs": "load", "relay": "switch", "breaker": "request"}
POWERS = frozenset({"storage", "generation", "load"})
"""Roles whose setpoints are active power (or current) at the connection."""
CONTACTS = frozenset({"switch", "request"})
"""Roles that are on or off, or a mode: nothing to ramp."""
OPERATING_MODE = "operating_mode"
REACTIVE = "reactive_power_var"
OFFERED_PHASES = "phases"


@dataclass(frozen=True)
class Commanded:
    """One channel that the cycle commands."""

    component: Component
    row: ProfileChannel
    role: str
    """storage, generation, load, reactive, switch or request."""

    @property
    def address(self) -> str:
        return f"{self.component.id}/{self.row.name}"

    @property
    def measured(self) -> str:
        """What tells how much of it is used."""
        return f"{self.component.id}/active_power_w"

    @property
    def phases(self) -> tuple[int, ...]:
        return (1, 2, 3) if self.component.control is None else self.component.control.phases

    @property
    def gain(self) -> float:
        """W that a unit of the setpoint brings to the site."""
        return -NOMINAL_V * len(self.phases) if self.role == "load" else 1.0

    @property
    def unit(self) -> str:
        return self.row.unit


def commanded(site: Site, profiles: Mapping[str, Profile]) -> list[Commanded]:
    """Batteries first, then the rest, each in the site file's order."""
    batteries = [component for component in site.components if profiles[component.id].kind == "ess"]
    rest = [component for component in site.components if component.control is not None]
    found = [
        Commanded(component, _settable(component, profiles, "active_power_w"), "storage") for component in batteries
    ]
    for component in rest:
        found.extend(_controlled(component, profiles))
    return found


def _controlled(component: Component, profiles: Mapping[str, Profile]) -> Iterator[Commanded]:
    profile, control = profiles[component.id], component.control
    if profile.kind != "ess" and profile.kind in COMMANDED:
        yield Commanded(component, _settable(component, profiles, COMMANDED[profile.kind]), ROLES[profile.kind])
    if control is not None and control.reactive_rating_var is not None:
        yield Commanded(component, _settable(component, profiles, REACTIVE), "reactive")
    if control is not None and control.operating_mode is not None:
        yield Commanded(component, _settable(component, profiles, OPERATING_MODE), "request")
    if control is not None and control.switch_phases:
        yield Commanded(component, _settable(component, profiles, OFFERED_PHASES), "request")


def _settable(component: Component, profiles: Mapping[str, Profile], name: str) -> ProfileChannel:
    return profiles[component.id].channel(name)


def actuator(one: Commanded) -> Actuator:
    """Storage stands at 0 by itself, a generator's limit at its maximum, a charger's at its safe current."""
    control, ramp_w_per_s = one.component.control, one.component.guards.ramp_w_per_s
    if one.role == "generation":
        maximum = one.row.maximum if control is None or control.rating_w is None else control.rating_w
        maximum = UNRATED_W if maximum is None else maximum
        return Actuator(
            one.address, minimum=0.0, maximum=maximum, fallback=maximum, ramp_per_s=ramp_w_per_s, role="generation"
        )
    if one.role == "load" and control is not None:
        return _charger(one, control.maximum_current_a)
    if one.role == "reactive" and control is not None and control.reactive_rating_var is not None:
        most = control.reactive_rating_var
        return Actuator(one.address, minimum=-most, maximum=most, role="reactive")
    if one.role in {"switch", "request"}:
        return _contact(one)
    return Actuator(
        one.address,
        minimum=-UNRATED_W if one.row.minimum is None else one.row.minimum,
        maximum=UNRATED_W if one.row.maximum is None else one.row.maximum,
        ramp_per_s=ramp_w_per_s,
    )


def _contact(one: Commanded) -> Actuator:
    """A relay falls to its safe state when nobody speaks; what is asked of a breaker or of a battery's mode stays as
    the device shows it (before the first reading: closed, as on the grid)."""
    control = one.component.control
    if one.row.name == OPERATING_MODE:
        normal = 0.0 if control is None or control.operating_mode is None else float(control.operating_mode)
        codes = [float(code) for code in one.row.labels] or [normal]
        return Actuator(one.address, minimum=min(codes), maximum=max(codes), fallback=normal, role=one.role)
    if one.row.name == OFFERED_PHASES:
        return Actuator(one.address, minimum=1.0, maximum=3.0, fallback=3.0, role=one.role)
    safe = one.role == "request" or (control is not None and control.safe_state == 1)
    return Actuator(one.address, minimum=0.0, maximum=1.0, fallback=float(safe), role=one.role)


def _charger(one: Commanded, maximum_a: float | None) -> Actuator:
    control = one.component.control
    assert control is not None  # noqa: S101 - a charger without control is not commanded
    most = maximum_a or one.row.maximum or LARGEST_CURRENT_A
    return Actuator(
        one.address,
        minimum=0.0,
        maximum=most,
        fallback=min(control.safe_current_a, most),
        role="load",
        minimum_on=min(control.minimum_current_a, most),
        dwell_s=control.dwell_s,
    )


# ---- clusters


@dataclass(frozen=True)
class Group:
    """A cluster of the site file with its members and its target."""

    entry: ClusterEntry
    members: tuple[Commanded, ...]

    @property
    def target(self) -> str:
        return f"{self.entry.id}/{self.members[0].row.name}"

    @property
    def unit(self) -> str:
        return self.members[0].unit


def groups(site: Site, every: Sequence[Commanded]) -> list[Group]:
    """Members are commanded by their active power."""
    by_component = {one.component.id: one for one in reversed(every) if one.role in POWERS}
    return [Group(entry, tuple(by_component[name] for name in entry.members)) for entry in site.clusters]


def group_actuator(group: Group) -> Actuator:
    """Without a wish for it nothing is shared; how much it can bring is up to its members."""
    storage = group.members[0].role == "storage"
    most = UNRATED_W * len(group.members)
    return Actuator(group.target, minimum=-most if storage else 0.0, maximum=most, role="group")


def cluster(group: Group) -> Cluster:
    entry, names = group.entry, [one.address for one in group.members]
    weights = list(entry.weights) if entry.weights else [1.0] * len(names)
    if entry.share == "equal":
        return Cluster.weighted(entry.id, target=group.target, members=names, weights=weights)
    limits = [one.component.guards.soc_pct or (0.0, 100.0) for one in group.members]
    return Cluster.balanced(
        entry.id,
        target=group.target,
        members=names,
        soc=[f"{one.component.id}/soc_pct" for one in group.members],
        capacity_wh=weights,
        minimum_pct=min(low for low, _ in limits),
        maximum_pct=max(high for _, high in limits),
    )


def caps(every: Sequence[Group]) -> list[Guard]:
    """The limit of a cluster's sum, in both directions for batteries."""
    found = []
    for group in every:
        entry = group.entry
        limit = entry.limit_w if entry.limit_w is not None else entry.limit_a
        if limit is not None:
            lower = -limit if group.members[0].role == "storage" else 0.0
            names = [one.address for one in group.members]
            found.append(Guard.cap(entry.id, actuators=names, lower=lower, upper=limit))
        found.extend(_fuses(group))
    return found


def _fuses(group: Group) -> list[Guard]:
    """Of each phase that the cluster's chargers stand on."""
    fuse_a = group.entry.fuse_a
    if fuse_a is None:
        return []
    on = {phase: [one.address for one in group.members if phase in one.phases] for phase in (1, 2, 3)}
    named = ((f"{group.entry.id}_l{phase}", names) for phase, names in on.items() if names)
    return [Guard.cap(name, actuators=names, upper=fuse_a) for name, names in named]

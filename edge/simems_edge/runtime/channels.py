"""The rows of the tag table: what the devices offer, and the virtual channels beside them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from math import inf

from simems_core import CONTROL_MODES, CYCLE_CHANNELS, Channel

from simems_edge.config import Component, Site
from simems_edge.config.quantities import dimension_of
from simems_edge.contracts import Controller, Metric, control_settings
from simems_edge.contracts.context import UTC_OFFSET
from simems_edge.devices import Profile, ProfileChannel
from simems_edge.devices.estimator_inputs import OUTPUTS

STATES = {0: "INIT", 1: "STANDBY", 2: "RUN", 3: "FAULT", 4: "SHUTDOWN"}
FIXED_MODES = ("IDLE", "FALLBACK", "MANUAL")
LOAD_STALE_S = 5.0
FREQUENCY, VOLTAGE, ROCOF = "site/frequency_hz", "site/voltage_v", "site/rocof_hz_per_s"
ESTIMATE_STALE_S = 60.0
"""The cycle writes them at each latch; a cycle may be as long."""
BLOCKED = ("charge_blocked", "discharge_blocked")
"""Per commanded component: a fault or a state blocks that direction."""


def control_modes(controllers: Iterable[Controller]) -> dict[int, str]:
    """Labels of ``site/control_mode``: the fixed ones, those of the controllers in order, then the other modes."""
    own = (controller.spec.control_mode for controller in controllers)
    names = list(dict.fromkeys([*FIXED_MODES, *own, *CONTROL_MODES[1:]]))
    return dict(enumerate(names))


def device_channels(component: Component, profile: Profile) -> list[Channel]:
    """One row per readable channel of the profile."""
    return [_device_channel(component.id, row) for row in profile.channels if row.readable]


def written_channels(commanded: Iterable[tuple[str, ProfileChannel]]) -> list[Channel]:
    """Of what is commanded and cannot be read (``(component, row)``): an address to propose to, never a value."""
    return [_device_channel(component, row) for component, row in commanded if not row.readable]


def _device_channel(component: str, row: ProfileChannel) -> Channel:
    return Channel(
        f"{component}/{row.name}",
        unit=row.unit,
        kind=row.kind,
        access="write" if row.settable else "read",
        resolution=row.resolution,
        minimum=-inf if row.minimum is None else row.minimum,
        maximum=inf if row.maximum is None else row.maximum,
        stale_after_s=row.stale_after_s,
        labels=row.labels or None,
    )


def virtual_channels(controllers: Sequence[Controller]) -> list[Channel]:
    """Channels of the site, the cycle and the controllers; settings and counters are never stale."""
    rows = [
        Channel("site/load_power_w", unit="W", resolution=1.0, stale_after_s=LOAD_STALE_S),
        _steady("site/state", kind="enum", labels=STATES),
        _steady("site/control_mode", kind="enum", labels=control_modes(controllers)),
        _steady("site/estop", kind="bool"),
        _steady("site/island_blocked", kind="bool"),
        _steady(UTC_OFFSET, unit="s", resolution=0.001),
    ]
    rows.extend(_steady(address, unit=unit, resolution=_resolution(unit)) for address, unit in CYCLE_CHANNELS)
    for controller in controllers:
        rows.extend(_controller_channels(controller))
    return rows


def grid_value_channels() -> list[Channel]:
    """Of the connection, from its meter."""
    return [
        Channel(FREQUENCY, unit="Hz", resolution=0.001, stale_after_s=LOAD_STALE_S),
        Channel(VOLTAGE, unit="V", resolution=0.1, stale_after_s=LOAD_STALE_S),
        Channel(ROCOF, unit="Hz/s", resolution=0.001, stale_after_s=LOAD_STALE_S),
    ]


def setpoint_channels(actuators: Iterable[str], labels: Mapping[int, str]) -> list[Channel]:
    """``<address>_setpoint`` and ``<address>_reason`` of each actuator, and of each component that is commanded by its
    active power what faults and states block of it; ``labels``: of the reason codes."""
    rows = []
    for address in actuators:
        component, _, name = address.partition("/")
        unit = _unit(name)
        rows.append(_steady(f"{address}_setpoint", unit=unit, resolution=0.1 if unit == "A" else 1.0))
        rows.append(_steady(f"{address}_reason", kind="enum", labels=labels))
        if name == "active_power_w":
            rows.extend(_steady(f"{component}/{blocked}", kind="bool") for blocked in BLOCKED)
    return rows


def group_channels(targets: Mapping[str, str]) -> list[Channel]:
    """What a cluster's members do together; ``targets``: address -> unit."""
    return [
        Channel(address, unit=unit, resolution=0.1 if unit == "A" else 1.0, stale_after_s=LOAD_STALE_S)
        for address, unit in targets.items()
    ]


def made_channels(actuators: Iterable[str]) -> list[str]:
    """Addresses of :func:`setpoint_channels`."""
    return [channel.address for channel in setpoint_channels(actuators, {0: ""})]


def estimate_channels(site: Site) -> list[Channel]:
    """Written by the cycle itself, for each battery with an estimator."""
    rows = []
    for component in site.components:
        if component.estimator is not None:
            soc, sigma, valid = (f"{component.id}/{name}" for name in OUTPUTS)
            rows.append(Channel(soc, unit="%", resolution=0.01, stale_after_s=ESTIMATE_STALE_S))
            rows.append(Channel(sigma, unit="%", resolution=0.01, stale_after_s=ESTIMATE_STALE_S))
            rows.append(Channel(valid, kind="bool", resolution=1.0, stale_after_s=ESTIMATE_STALE_S))
    return rows


SHADOW_CHANNELS = (
    ("shadow_power_w", "W"),
    ("shadow_soc_pct", "%"),
    ("shadow_import_wh", "Wh"),
    ("shadow_export_wh", "Wh"),
    ("shadow_discharge_wh", "Wh"),
    ("shadow_peak_w", "W"),
    ("shadow_cost", ""),
    ("shadow_saving", ""),
)
"""What each shadow tells of its world, in the site's currency where it is money."""


def shadow_channels(site: Site) -> list[Channel]:
    """``<controller id>/<name>`` of each controller that runs as a shadow."""
    return [
        Channel(f"{entry.id}/{name}", unit=unit, resolution=_resolution(unit) if unit else 0.01, stale_after_s=10.0)
        for entry in site.controllers
        if entry.shadow is not None
        for name, unit in SHADOW_CHANNELS
    ]


def _controller_channels(controller: Controller) -> list[Channel]:
    settings = control_settings(controller.settings)
    rows = [_steady(f"{controller.id}/{name}", unit=_unit(name)) for name in settings]
    rows.extend(_metric_channel(controller.id, metric) for metric in controller.spec.metrics)
    rows.append(_steady(f"{controller.id}/failures", kind="int"))
    return rows


def _metric_channel(controller_id: str, metric: Metric) -> Channel:
    return Channel(
        f"{controller_id}/{metric.name}",
        unit=metric.unit,
        kind="enum" if metric.labels else "float",
        resolution=metric.resolution,
        stale_after_s=inf if metric.retained else LOAD_STALE_S,
        labels=dict(enumerate(metric.labels)) or None,
    )


def _unit(name: str) -> str:
    """Unit that the end of a setting's name promises."""
    return dimension_of(name) or ""


def _resolution(unit: str) -> float:
    return {"us": 0.1, "s": 0.001}.get(unit, 1.0)


def _steady(
    address: str,
    *,
    unit: str = "",
    kind: str = "float",
    resolution: float = 0.0,
    labels: Mapping[int, str] | None = None,
) -> Channel:
    return Channel(address, unit=unit, kind=kind, resolution=resolution, stale_after_s=inf, labels=labels)

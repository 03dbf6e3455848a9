"""What stands on the site and what is wrong, as answers of the HTTP interface and as the uplink's greeting."""

from __future__ import annotations

from datetime import UTC, datetime
from importlib.metadata import version
from math import isfinite, isnan

from simems_core import Channel, CycleStatistics, wire

from simems_edge.contracts.faults import Words
from simems_edge.hmi.record_schemas import Action
from simems_edge.hmi.schemas import (
    Alarm,
    ChannelDescription,
    ComponentDescription,
    ControllerDescription,
    CycleHealth,
    Fault,
    Quantiles,
    SiteDescription,
)
from simems_edge.runtime import Alarm as BookedAlarm
from simems_edge.runtime import Runtime, StandingFault


def describe(runtime: Runtime) -> SiteDescription:
    """The answer of ``GET /site``."""
    site, profiles = runtime.site, runtime.profiles
    by_component: dict[str, list[ChannelDescription]] = {component.id: [] for component in site.components}
    virtual: list[ChannelDescription] = []
    for channel in runtime.channels:
        by_component.get(channel.address.partition("/")[0], virtual).append(_channel(channel))
    return SiteDescription(
        id=site.site.id,
        name=site.site.name or site.site.id,
        time_zone=site.site.time_zone,
        currency=site.site.currency,
        import_limit_w=site.site.grid.import_limit_w,
        export_limit_w=site.site.grid.export_limit_w,
        components=[
            ComponentDescription(
                id=c.id,
                kind=profiles[c.id].kind,
                name=c.name or c.id,
                profile=c.profile,
                channels=by_component[c.id],
            )
            for c in site.components
        ],
        controllers=[ControllerDescription(id=c.id, type=c.type) for c in site.controllers],
        channels=virtual,
        settings=runtime.settings,
    )


PHASES = ("latch", "estimate", "propose_wait", "arbitrate", "guard", "publish")
NESTED = {"running", "period_s", "phases", "input_age_s_p50", "input_age_s_max"}


def cycle(statistics: CycleStatistics, *, running: bool, period_s: float) -> CycleHealth:
    """The answer of ``GET /cycle``."""
    return CycleHealth(
        running=running,
        period_s=period_s,
        phases={name: _quantiles(statistics, name) for name in PHASES},
        input_age_s_p50=_known(statistics.input_age_s_p50),
        input_age_s_max=_known(statistics.input_age_s_max),
        **{name: getattr(statistics, name) for name in CycleHealth.model_fields if name not in NESTED},
    )


def _quantiles(statistics: CycleStatistics, phase: str) -> Quantiles:
    p50, p99 = (getattr(statistics, f"{phase}_us_{name}") for name in ("p50", "p99"))
    return Quantiles(us_p50=p50, us_p99=p99)


def _known(value: float) -> float | None:
    return None if isnan(value) else value


def _channel(channel: Channel) -> ChannelDescription:
    return ChannelDescription.model_validate(
        {
            "address": channel.address,
            "unit": channel.unit,
            "kind": channel.kind,
            "resolution": channel.resolution,
            "labels": {str(code): text for code, text in channel.labels.items()},
        }
    )


def hello(runtime: Runtime, *, sequence: int, oldest: int, time_us: int, signing_key: str = "") -> wire.Hello:
    """The uplink's greeting."""
    site, profiles = runtime.site, runtime.profiles
    devices = [
        wire.ComponentInfo(
            id=c.id, kind=profiles[c.id].kind, profile=c.profile, name=c.name, protocol=profiles[c.id].protocol
        )
        for c in site.components
    ]
    controllers = [wire.ComponentInfo(id=c.id, kind="controller", profile=c.type) for c in site.controllers]
    return wire.Hello(
        site=site.site.id,
        site_name=site.site.name,
        time_zone=site.site.time_zone,
        currency=site.site.currency,
        software=version("simems-edge"),
        time_us=time_us,
        sequence=sequence,
        oldest=oldest,
        components=[*devices, *controllers],
        channels=[
            wire.ChannelInfo(
                address=c.address,
                unit=c.unit,
                kind=c.kind,
                resolution=c.resolution,
                labels=c.labels,
                access=c.access,
                minimum=_limit(c.minimum),
                maximum=_limit(c.maximum),
            )
            for c in runtime.channels
        ],
        settings=runtime.settings,
        features=["welcome", "commands"],
        signing_key=signing_key,
    )


def _limit(value: float) -> float | None:
    return value if isfinite(value) else None


def alarm(booked: BookedAlarm) -> Alarm:
    """One entry of ``GET /alarms``."""
    return Alarm.model_validate(
        {
            "id": booked.id,
            "code": booked.code,
            "severity": booked.severity,
            "component": booked.component,
            "text": booked.text,
            "cause": booked.cause,
            "effect": booked.effect,
            "remedy": booked.remedy,
            "raised_at": _time(booked.raised_us),
            "cleared_at": _time(booked.cleared_us),
            "acknowledged_at": _time(booked.acknowledged_us),
            "acknowledged_by": booked.acknowledged_by,
            "latched": booked.latched,
        }
    )


def fault(standing: StandingFault) -> Fault:
    """One entry of ``GET /faults``."""
    planned, definition = standing.planned, standing.planned.definition
    return Fault.model_validate(
        {
            "id": planned.id,
            "code": planned.code,
            "component": planned.component,
            "severity": definition.severity,
            "text": planned.text,
            "cause": definition.cause,
            "effect": definition.effect,
            "remedy": definition.remedy,
            "direction": definition.direction,
            "reaction": definition.reaction,
            "latched": definition.latch,
            "clearable": standing.clearable,
            "raised_at": _time(standing.raised_us),
            "translations": {"sv": _words(definition.sv, planned.component)},
        }
    )


def action(event: wire.Event) -> Action:
    """One entry of ``GET /actions``."""
    seen = event.kind == "acknowledged"
    return Action.model_validate(
        {
            "id": f"{event.id}:{event.kind}",
            "time": _time(event.time_us),
            "code": "alarm.acknowledged" if seen else event.code,
            "component": event.component,
            "text": event.text or event.code,
            "actor": event.actor,
            "severity": event.severity,
        }
    )


def _words(words: Words, component: str) -> dict[str, str]:
    return {name: text.replace("{component}", component) for name, text in words.model_dump().items()}


def _time(time_us: int | None) -> datetime | None:
    return None if time_us is None else datetime.fromtimestamp(time_us / 1e6, UTC)

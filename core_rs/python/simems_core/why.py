"""The why-line: one sentence on what the battery does and why, from the decision's reason, never guessed.

Edge and cloud both call :func:`explain`; screens translate by ``code`` and ``params``.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from math import isnan, nan

SEPARATOR = "; bound: "
COLLAPSED = " (collapsed)"
"""The core's mark on bounds that did not fit into what stood above them."""
NEAR_ZERO_W = 50.0
AGE_SUFFIX = "#age_s"
"""``<address>#age_s`` in ``values``: seconds since the last value of a stale channel.
A value that was never there is NaN."""


@dataclass(frozen=True)
class Reason:
    """Who set the base (a source's id, ``fallback``) and what moved it (or None)."""

    source: str
    bound: str | None


@dataclass(frozen=True)
class Why:
    code: str
    text: str
    params: Mapping[str, float | str] = field(default_factory=dict)
    source: str = ""
    bound: str | None = None


def parse_reason(reason: str) -> Reason:
    """Split a reason label (``peak0; bound: soc:ess0``) into its parts; a mark that bounds collapsed is left out."""
    source, _, bound = reason.partition(SEPARATOR)
    return Reason(source=source, bound=bound.removesuffix(COLLAPSED) or None)


@dataclass(frozen=True)
class _Situation:
    """What the sentences are made of. Powers in W, discharge > 0; NaN where not known."""

    reason: Reason
    component: str
    channel: str
    """Of the actuator: what its setpoint means."""
    power_w: float
    """The setpoint; in A or var for actuators of those units."""
    soc_pct: float
    values: Mapping[str, float]
    settings: Mapping[str, float]

    def setting(self, name: str) -> float:
        """Of the winning source, e.g. ``threshold_w`` of ``peak0``."""
        return self.settings.get(f"{self.reason.source}/{name}", nan)


def explain(
    reason: str,
    *,
    sources: Mapping[str, str],
    values: Mapping[str, float],
    settings: Mapping[str, float],
    actuator: str,
) -> Why:
    """Why ``actuator`` has its setpoint.

    ``reason``: the decision's label. ``sources``: source id -> controller type (``manual`` for a person). ``values``:
    address -> value of the same moment; a stale channel may bring ``<address>#age_s``. ``settings``: as announced,
    e.g. ``peak0/threshold_w``. Codes: docs/architecture.md.
    """
    parts = parse_reason(reason)
    component, _, channel = actuator.partition("/")
    situation = _Situation(
        reason=parts,
        component=component,
        channel=channel,
        power_w=values.get(f"{actuator}_setpoint", nan),
        soc_pct=values.get(f"{component}/soc_pct", nan),
        values=values,
        settings=settings,
    )
    bound = _by_bound(situation, sources)
    return bound if bound is not None else _by_source(situation, sources.get(parts.source, parts.source))


# ---- what bound it


def _by_bound(s: _Situation, sources: Mapping[str, str]) -> Why | None:
    """None when nothing bound it, or when the bound is no news (a ramp, a rating on the way)."""
    bound = s.reason.bound
    if bound is None or bound == "ramp":
        return None
    if sources.get(bound) == "peak_shaving":
        return _limited_by_peak_shaving(s, bound)
    for prefix, sentence in _GUARDS:
        if bound.startswith(prefix):
            return sentence(s)
    return None


def _limited_by_peak_shaving(s: _Situation, bound: str) -> Why | None:
    threshold_w = s.settings.get(f"{bound}/threshold_w", nan)
    if s.power_w < -NEAR_ZERO_W:
        text = f"Charging only {_kw(s.power_w)}: more would pass the {_kw(threshold_w)} peak limit."
        return _why(s, "peak_shaving.limiting_charge", text, threshold_w=threshold_w)
    if abs(s.power_w) <= NEAR_ZERO_W:
        text = f"Holding {_pct(s.soc_pct)}: energy is kept for the {_kw(threshold_w)} peak limit."
        return _why(s, "idle", text, threshold_w=threshold_w, soc_pct=s.soc_pct)
    return None


def _bound_soc(s: _Situation) -> Why:
    if s.power_w > NEAR_ZERO_W or (s.power_w >= -NEAR_ZERO_W and _nearer_the_bottom(s)):
        text = f"Not discharging: the battery is at its lowest allowed charge ({_pct(s.soc_pct)})."
        return _why(s, "bound.soc_min", text, soc_pct=s.soc_pct)
    text = f"Not charging: the battery is at its highest allowed charge ({_pct(s.soc_pct)})."
    return _why(s, "bound.soc_max", text, soc_pct=s.soc_pct)


def _nearer_the_bottom(s: _Situation) -> bool:
    low = s.settings.get(f"{s.component}/minimum_soc_pct", 0.0)
    high = s.settings.get(f"{s.component}/maximum_soc_pct", 100.0)
    return isnan(s.soc_pct) or s.soc_pct - low <= high - s.soc_pct


def _bound_device(s: _Situation) -> Why:
    if s.channel in _WORDS:
        return _why(s, "bound.device", f"{_doing(s)}: the device's own limits allow no other value.")
    if abs(s.power_w) <= NEAR_ZERO_W:
        return _why(s, "bound.device", "Standing still: the battery's own limits allow no power now.")
    return _why(s, "bound.device", f"{_doing(s)}: the battery's own limits allow no more.")


def _bound_grid(s: _Situation) -> Why:
    return _why(s, "bound.grid", f"{_doing(s)}: the grid connection's limit allows no other power.")


def _bound_external(s: _Situation) -> Why:
    return _why(s, "bound.external", f"{_doing(s)}: a limit from outside (grid operator) allows no other power.")


def _bound_dimming(s: _Situation) -> Why:
    return _why(s, "bound.dimming", f"{_doing(s)}: the grid operator dims controllable devices.")


def _bound_phase(s: _Situation) -> Why:
    return _why(s, "bound.phase", f"{_doing(s)}: the current of a phase of the grid connection allows no other power.")


def _bound_cap(s: _Situation) -> Why:
    return _why(s, "bound.cap", f"{_doing(s)}: it shares a limit with others, which is used up.")


def _bound_circle(s: _Situation) -> Why:
    return _why(s, "bound.circle", f"{_doing(s)}: active and reactive power share the device's apparent power.")


def _bound_cluster(s: _Situation) -> Why:
    return _why(s, "bound.cluster", f"{_doing(s)}: its share of what is asked of the cluster.")


def _bound_stop(s: _Situation) -> Why:
    return _why(s, "bound.stop", "Stopped: the emergency stop is pressed or its line is broken.")


def _bound_fault(s: _Situation) -> Why:
    return _why(s, "bound.fault", f"{_doing(s)}: a fault or a stop allows no other power.")


_GUARDS = (
    ("fault", _bound_fault),
    ("soc", _bound_soc),
    ("device", _bound_device),
    ("temperature:", _bound_device),
    ("voltage:", _bound_device),
    ("rating", _bound_device),
    ("grid:", _bound_grid),
    ("phase:", _bound_phase),
    ("external:", _bound_external),
    ("dimming:", _bound_dimming),
    ("cap:", _bound_cap),
    ("circle:", _bound_circle),
    ("cluster:", _bound_cluster),
    ("stop", _bound_stop),
)


# ---- who set it


def _by_source(s: _Situation, kind: str) -> Why:
    if kind == "fallback":
        return _fallback(s)
    if kind == "manual":
        return _why(s, "manual.override", f"{_doing(s)}: a person has set it by hand.")
    if s.channel in _WORDS:
        return _why(s, "idle", f"{_doing(s)}: {s.reason.source} asks for it.")
    if kind == "peak_shaving":
        return _peak_shaving(s)
    if kind == "self_consumption":
        return _self_consumption(s)
    return _why(s, "idle", f"{_doing(s)}: {s.reason.source} asks for it.")


def _peak_shaving(s: _Situation) -> Why:
    threshold_w = s.setting("threshold_w")
    if s.power_w > NEAR_ZERO_W:
        text = f"Discharging {_kw(s.power_w)}: grid would pass the {_kw(threshold_w)} peak limit."
        return _why(s, "peak_shaving.discharging", text, threshold_w=threshold_w, soc_pct=s.soc_pct)
    if s.power_w < -NEAR_ZERO_W:
        text = f"Charging {_kw(s.power_w)}: load is low and the next peak needs energy."
        return _why(s, "peak_shaving.recharging", text, threshold_w=threshold_w, soc_pct=s.soc_pct)
    return _why(s, "idle", f"Standing by: grid is at the {_kw(threshold_w)} peak limit.", threshold_w=threshold_w)


def _self_consumption(s: _Situation) -> Why:
    if s.power_w < -NEAR_ZERO_W:
        text = f"Charging {_kw(s.power_w)}: the site has more solar power than it uses."
        return _why(s, "self_consumption.charging", text, soc_pct=s.soc_pct)
    if s.power_w > NEAR_ZERO_W:
        text = f"Discharging {_kw(s.power_w)}: stored energy covers the load."
        return _why(s, "self_consumption.discharging", text, soc_pct=s.soc_pct)
    return _why(s, "idle", "Standing by: there is no surplus to store and none to give.", soc_pct=s.soc_pct)


def _fallback(s: _Situation) -> Why:
    if s.channel in _WORDS:
        return _why(s, "fallback.no_proposal", f"{_doing(s)}: no controller has spoken; the fallback holds.")
    stale = _oldest_stale(s.values)
    if stale is not None:
        component, age_s = stale
        since = "yet" if isnan(age_s) else f"for {_age(age_s)}"
        text = f"Standing still: {component} has given no data {since}."
        return _why(s, "fallback.stale_meter", text, component=component, age_s=age_s)
    if s.reason.bound is None and abs(s.power_w) > NEAR_ZERO_W:
        return _why(s, "fallback.no_proposal", f"{_doing(s)}: no controller has spoken; the fallback holds.")
    return _why(s, "idle", "Standing by: no controller needs the battery now.")


def _oldest_stale(values: Mapping[str, float]) -> tuple[str, float] | None:
    """The component whose active power was never there (age NaN), or is stale the longest."""
    never = next((a.partition("/")[0] for a, v in values.items() if a.endswith("/active_power_w") and isnan(v)), None)
    if never is not None:
        return never, nan
    suffix = f"/active_power_w{AGE_SUFFIX}"
    ages = [(age_s, address.partition("/")[0]) for address, age_s in values.items() if address.endswith(suffix)]
    return (max(ages)[1], max(ages)[0]) if ages else None


# ---- words


def _why(s: _Situation, code: str, text: str, **params: float | str) -> Why:
    """NaN is left out of the params: what is not known is not said."""
    every: dict[str, float | str] = {"component": s.component, "power_w": s.power_w, **params}
    known = {name: value for name, value in every.items() if isinstance(value, str) or not isnan(value)}
    return Why(code=code, text=text, params=known, source=s.reason.source, bound=s.reason.bound)


def _doing(s: _Situation) -> str:
    words = _WORDS.get(s.channel)
    if words is not None:
        return words(s.power_w)
    if s.power_w > NEAR_ZERO_W:
        return f"Discharging {_kw(s.power_w)}"
    if s.power_w < -NEAR_ZERO_W:
        return f"Charging {_kw(s.power_w)}"
    return "Standing still"


def _generating(limit_w: float) -> str:
    return f"Solar power held at {_kw(limit_w)} or below" if limit_w > 0.0 else "Solar power held at 0"


def _charging_car(limit_a: float) -> str:
    return f"Charger at {limit_a:.0f} A or below" if limit_a > 0.0 else "Charger off"


def _reactive(power_var: float) -> str:
    verb = "Giving" if power_var >= 0.0 else "Taking"
    return f"{verb} {_kw(power_var).replace('kW', 'kvar')}"


_WORDS: Mapping[str, Callable[[float], str]] = {
    "active_power_limit_w": _generating,
    "current_limit_a": _charging_car,
    "reactive_power_var": _reactive,
}
"""What a setpoint of these channels does; every other is a battery's power."""


def _kw(power_w: float) -> str:
    """``38 kW``, ``4.2 kW``; the sign is in the verb."""
    if isnan(power_w):
        return "unknown"
    power_kw = abs(power_w) / 1000.0
    return f"{power_kw:.0f} kW" if power_kw >= 10.0 else f"{power_kw:.1f} kW".replace(".0 kW", " kW")


def _pct(value: float) -> str:
    return "unknown" if isnan(value) else f"{value:.0f} %"


def _age(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 120.0 else f"{seconds / 60.0:.0f} min"

"""Whether figures of the last minutes can be true; pure. ``None`` is no verdict: there is too little to judge by."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simems_cloud.alarms.rules import Rule

LEAST_SHARE = 0.9
"""Of the minutes of a time that must have values before a figure counts as stuck."""
BALANCE_SHARE = 0.05
"""Of the largest power: what meters of ordinary accuracy and different sampling times may differ by."""
BACKWARDS_WH = 1.0
"""Registers are read in steps; less is jitter."""


@dataclass(frozen=True)
class Minutes:
    """One channel over the minutes a rule looks at."""

    minutes: int
    minimum: float
    maximum: float
    swing: float
    """Largest change within one minute."""
    backwards: float
    """Largest fall from the first to the last value of one minute, >= 0."""


@dataclass(frozen=True)
class Finding:
    """What is wrong, in words, with the figure that shows it."""

    text: str
    value: float


def find(rule: Rule, figures: Minutes, unit: str) -> Finding | None:
    """Of the kinds ``range``, ``jump`` and ``stuck``; None: nothing is wrong."""
    if rule.kind == "range":
        return _range(rule, figures, unit)
    if rule.kind == "jump":
        return _jump(rule, figures, unit)
    return _stuck(rule, figures, unit)


def _range(rule: Rule, figures: Minutes, unit: str) -> Finding | None:
    if rule.threshold is not None and figures.maximum > rule.threshold:
        return Finding(f"{figures.maximum:g} {unit} is above {rule.threshold:g} {unit}", figures.maximum)
    if rule.low is not None and figures.minimum < rule.low:
        return Finding(f"{figures.minimum:g} {unit} is below {rule.low:g} {unit}", figures.minimum)
    return None


def _jump(rule: Rule, figures: Minutes, unit: str) -> Finding | None:
    if unit in ("Wh", "varh") and figures.backwards > BACKWARDS_WH:
        return Finding(f"it counted {figures.backwards:g} {unit} backwards", -figures.backwards)
    if rule.threshold is not None and figures.swing > rule.threshold:
        return Finding(f"it moved by {figures.swing:g} {unit} within a minute", figures.swing)
    return None


def _stuck(rule: Rule, figures: Minutes, unit: str) -> Finding | None:
    """Zero is what an idle device measures."""
    wanted = rule.for_s / 60
    if figures.minutes < LEAST_SHARE * wanted or figures.minimum != figures.maximum or figures.maximum == 0:
        return None
    return Finding(f"exactly {figures.maximum:g} {unit} for {wanted:g} minutes", figures.maximum)


def residual_w(powers_w: Mapping[str, float | None]) -> float | None:
    """grid + pv + ess - evcs - load; None without grid or load. A plant without PV, battery or charger has none."""
    grid, load = powers_w.get("grid"), powers_w.get("load")
    if grid is None or load is None:
        return None
    pv, ess, evcs = (powers_w.get(name) or 0.0 for name in ("pv", "ess", "evcs"))
    return grid + pv + ess - evcs - load


def unbalanced(rule: Rule, powers_w: Mapping[str, float | None]) -> Finding | None:
    rest_w = residual_w(powers_w)
    if rest_w is None or rule.threshold is None:
        return None
    largest_w = max(abs(value) for value in powers_w.values() if value is not None)
    if abs(rest_w) <= max(rule.threshold, BALANCE_SHARE * largest_w):
        return None
    return Finding(f"the powers differ by {rest_w:.0f} W", rest_w)

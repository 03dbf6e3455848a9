"""Draws a simulated run: powers with the threshold, state of charge below."""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path

from simems_edge.config import Site
from simems_edge.config.quantities import parse_quantity
from simems_edge.replay.closed_loop import Step
from simems_edge.replay.scenario import Scenario

POINTS = 5_000


class PlotError(ValueError):
    """The drawing library is not installed."""


class PlotData:
    """True powers and SOC, thinned to about 5,000 points."""

    def __init__(self, site: Site, scenario: Scenario) -> None:
        self.title = f"{site.site.name or site.site.id}, {scenario.start:%Y-%m-%d}"
        self.thresholds_w = {c.id: _power(c.settings.get("threshold_w")) for c in site.controllers}
        self.times: list[object] = []
        self.powers_w: dict[str, list[float]] = {}
        self.soc_pct: dict[str, list[float]] = {}
        self._start = scenario.start
        self._every = max(scenario.steps // POINTS, 1)
        self._number = 0

    def add(self, step: Step) -> None:
        self._number += 1
        if (self._number - 1) % self._every:
            return
        self.times.append(self._start + timedelta(seconds=step.time_s))
        for address, value in step.truth.items():
            if address.endswith("/active_power_w") or address == "site/load_power_w":
                self.powers_w.setdefault(address, []).append(value / 1000.0)
            elif address.endswith("/soc_pct"):
                self.soc_pct.setdefault(address, []).append(value)


def draw(data: PlotData, path: Path) -> None:
    """Write a PNG. Raises PlotError without matplotlib."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise PlotError("--plot needs matplotlib; install simems-edge[plot]") from None
    figure = Figure(figsize=(12, 7), layout="constrained")
    power, soc = figure.subplots(2, 1, sharex=True, height_ratios=[3, 1])
    for address, values in data.powers_w.items():
        power.plot(data.times, values, linewidth=0.8, label=address)
    for controller, threshold_w in data.thresholds_w.items():
        if threshold_w is not None:
            power.axhline(threshold_w / 1000.0, color="black", linestyle="--", label=f"{controller} threshold")
    for address, values in data.soc_pct.items():
        soc.plot(data.times, values, label=address)
    power.set(ylabel="kW", title=data.title)
    soc.set(ylabel="%", ylim=(0, 100))
    power.legend(loc="upper left", fontsize="small")
    soc.legend(loc="upper left", fontsize="small")
    figure.savefig(path, dpi=110)


def _power(value: object) -> float | None:
    return None if value is None else parse_quantity(value, "W")

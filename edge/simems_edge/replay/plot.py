"""Draws a simulated run: powers, state of charge, and frequency and voltage where they moved."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

from simems_edge.config import Site
from simems_edge.config.quantities import parse_quantity
from simems_edge.replay.closed_loop import Step
from simems_edge.replay.scenario import Scenario, ScenarioEvent

if TYPE_CHECKING:
    from matplotlib.axes import Axes

POINTS: Final = 5_000
DYING_HZ: Final = 45.0
"""A bus below is dying, and out of the picture."""
EVENTS: Final = 12
"""More are not drawn."""
_COLOURS: Final = {"site/grid_power_w": "black", "site/load_power_w": "tab:gray"}


class PlotError(ValueError):
    """The drawing library is not installed."""


class PlotData:
    """True values, thinned to about 5,000 points."""

    def __init__(self, site: Site, scenario: Scenario) -> None:
        self.title = f"{site.site.name or site.site.id}, {scenario.start:%Y-%m-%d}"
        self.thresholds_w = {c.id: _power(c.settings.get("threshold_w")) for c in site.controllers}
        self.limits_w = (site.site.grid.import_limit_w, -site.site.grid.export_limit_w)
        self.events: list[tuple[Any, str]] = [
            (scenario.start + timedelta(seconds=e.at_s), _told(e)) for e in scenario.events
        ]
        self.times: list[Any] = []
        self.series: dict[str, list[float]] = {}
        self._start = scenario.start
        self._every = max(scenario.steps // POINTS, 1)
        self._number = 0

    def add(self, step: Step) -> None:
        self._number += 1
        if (self._number - 1) % self._every:
            return
        self.times.append(self._start + timedelta(seconds=step.time_s))
        for address, value in step.truth.items():
            self.series.setdefault(address, []).append(value)

    def ending(self, end: str) -> dict[str, list[float]]:
        return {address: values for address, values in self.series.items() if address.endswith(end)}

    @property
    def powers_kw(self) -> dict[str, list[float]]:
        """Grid, load and every device but meters, which show the grid again."""
        every = {a: v for a, v in self.ending("/active_power_w").items() if f"{a.split('/')[0]}/import_energy_wh"
                 not in self.series}  # fmt: skip
        own = {name: self.series[name] for name in _COLOURS}
        return {address: [value / 1000.0 for value in values] for address, values in (own | every).items()}

    @property
    def bus_moves(self) -> bool:
        return any(max(v) - min(v) > 1e-9 for v in (self.series["site/frequency_hz"], self.series["site/voltage_v"]))


def draw(data: PlotData, path: Path) -> None:
    """Write a PNG. Raises PlotError without matplotlib."""
    try:
        from matplotlib.figure import Figure  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise PlotError("--plot needs matplotlib; install simems-edge[plot]") from None
    heights = [3, 1, 1, 1] if data.bus_moves else [3, 1]
    figure = Figure(figsize=(12, 4 + 1.7 * (len(heights) - 1)), layout="constrained")
    axes: Sequence[Axes] = figure.subplots(len(heights), 1, sharex=True, height_ratios=heights)
    _powers(axes[0], data)
    _lines(axes[1], data, {a.removesuffix("/soc_pct"): v for a, v in data.ending("/soc_pct").items()}, "SOC, %")
    if data.bus_moves:
        _lines(axes[2], data, {"bus": data.series["site/frequency_hz"]}, "Hz")
        live = [hz for hz in data.series["site/frequency_hz"] if hz > DYING_HZ]
        axes[2].set_ylim(min(live, default=49.0) - 0.1, max(live, default=51.0) + 0.1)
        _lines(axes[3], data, {"bus": data.series["site/voltage_v"]}, "V")
    for moment, _ in data.events[:EVENTS]:
        for axis in axes:
            axis.axvline(moment, color="tab:purple", linewidth=0.6, alpha=0.6)
    figure.savefig(path, dpi=110)


def _powers(axis: Axes, data: PlotData) -> None:
    for address, values in data.powers_kw.items():
        name, colour = _name(address), _COLOURS.get(address)
        axis.plot(data.times, values, linewidth=1.0, label=name, color=colour, zorder=3 if colour == "black" else 2)
    for controller, threshold_w in data.thresholds_w.items():
        if threshold_w is not None:
            axis.axhline(
                threshold_w / 1000.0, color="tab:red", linestyle="--", linewidth=0.8, label=f"{controller} threshold"
            )
    low, high = axis.get_ylim()
    for limit_w in data.limits_w:
        if low < limit_w / 1000.0 < high:
            axis.axhline(limit_w / 1000.0, color="tab:red", linewidth=0.8, label="limit of the connection")
    for moment, text in data.events[:EVENTS]:
        axis.annotate(
            text,
            (moment, 1.0),
            xycoords=("data", "axes fraction"),
            rotation=90,
            fontsize=6,
            va="top",
            ha="right",
            color="tab:purple",
        )
    axis.axhline(0.0, color="black", linewidth=0.4)
    axis.set(ylabel="kW (sources > 0)", title=data.title)
    axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small")


def _lines(axis: Axes, data: PlotData, series: Mapping[str, list[float]], label: str) -> None:
    for name, values in series.items():
        axis.plot(data.times, values, linewidth=1.0, label=name)
    axis.set(ylabel=label)
    axis.grid(alpha=0.3)
    if series:
        axis.legend(loc="upper left", bbox_to_anchor=(1.0, 1.0), fontsize="small")


def _name(address: str) -> str:
    return {"site/grid_power_w": "grid (import)", "site/load_power_w": "load"}.get(address, address.partition("/")[0])


def _told(event: ScenarioEvent) -> str:
    return event.verb if event.target == "True" else f"{event.verb} {event.target}"


def _power(value: object) -> float | None:
    return None if value is None else parse_quantity(value, "W")

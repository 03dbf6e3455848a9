"""Plots of the report as SVG, by hand: a few lines, the same bytes everywhere. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

import numpy as np

from simems_edge.commissioning.equipment import Device
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.plan import CHIP_S
from simems_edge.commissioning.record import Floats
from simems_edge.commissioning.signals import filled, mean_step
from simems_edge.commissioning.tuning import measure

WIDTH, HEIGHT = 760.0, 200.0
LEFT, RIGHT, TOP, BOTTOM = 56.0, 8.0, 20.0, 24.0
GRID, INK = "#dfe3e8", "#3c4450"
ASKED, DID, SEEN = "#e8a317", "#1f7a5c", "#3566b8"
POINTS: Final = 900
Line = tuple[str, str, Floats]
"""Name, colour, values."""


def pulse_plot(evidence: Evidence, battery: Device) -> str:
    """Setpoint, measured power and the grid meter (its median taken off), through all stages of a battery, in kW."""
    record = evidence.record
    stages = [stage for stage in record.stages if stage.battery == battery.id]
    window = slice(record.during(stages[0]).start, record.during(stages[-1]).stop)
    lines: list[Line] = []
    meter = evidence.equipment.meter
    if meter is not None and record.has(meter.power):
        grid_w = filled(record.values[meter.power][window])
        lines.append(("grid meter, less its median", SEEN, (grid_w - np.median(grid_w)) / 1000.0))
    lines.append(("measured", DID, filled(record.values[battery.power][window]) / 1000.0))
    lines.append(("asked", ASKED, evidence.setpoint(battery, window) / 1000.0))
    return _svg(record.time_s[window], lines, "kW")


def step_plot(evidence: Evidence, battery: Device) -> str:
    """Mean answer to a step and the first order with dead time that was found; empty when there is none."""
    window = evidence.record.during(evidence.stage(battery))
    power_w = evidence.record.values[battery.power][window]
    mean = mean_step(evidence.setpoint(battery, window), power_w, evidence.cycle_s, CHIP_S[0])
    found = measure(evidence, battery)
    if mean is None or found is None:
        return ""
    time_s = np.arange(len(mean), dtype=np.float64) * evidence.cycle_s
    late_s = np.maximum(time_s - found.dead_time_s, 0.0)
    model = found.gain * (1.0 - np.exp(-late_s / max(found.time_constant_s, 1e-3)))
    return _svg(time_s, [("measured", DID, mean), ("first order with dead time", ASKED, model)], "W per W")


def _svg(time_s: Floats, lines: Sequence[Line], unit: str) -> str:
    every = max(len(time_s) // POINTS, 1)
    low, high = min(float(v.min()) for _, _, v in lines), max(float(v.max()) for _, _, v in lines)
    low, high = (low, high) if high > low else (low - 1.0, high + 1.0)
    begin, end = float(time_s[0]), max(float(time_s[-1]), float(time_s[0]) + 1e-6)

    def x(time: float) -> float:
        return LEFT + (time - begin) / (end - begin) * (WIDTH - LEFT - RIGHT)

    def y(value: float) -> float:
        return HEIGHT - BOTTOM - (value - low) / (high - low) * (HEIGHT - TOP - BOTTOM)

    parts = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}">']
    for value in _ticks(low, high):
        parts.append(
            f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y(value):.1f}" y2="{y(value):.1f}" stroke="{GRID}"/>'
        )
        parts.append(_text(LEFT - 6, y(value) + 3, f"{value:g}", "end"))
    for value in _ticks(begin, end):
        parts.append(_text(x(value), HEIGHT - 8, f"{value:g} s", "middle"))
    parts.append(_text(4, 12, unit, "start"))
    for number, (name, colour, values) in enumerate(lines):
        points = " ".join(f"{x(t):.1f},{y(v):.1f}" for t, v in zip(time_s[::every], values[::every], strict=True))
        parts.append(f'<polyline points="{points}" fill="none" stroke="{colour}" stroke-width="1.2"/>')
        parts.append(_text(LEFT + 200 * number, 12, name, "start", colour))
    return "".join([*parts, "</svg>"])


def _text(x: float, y: float, text: str, anchor: str, colour: str = INK) -> str:
    return f'<text x="{x:.1f}" y="{y:.1f}" font-size="10" fill="{colour}" text-anchor="{anchor}">{text}</text>'


def _ticks(low: float, high: float) -> list[float]:
    """Four to ten round numbers."""
    rough = (high - low) / 5.0
    size = 10.0 ** np.floor(np.log10(rough))
    step = float(next(size * m for m in (1.0, 2.0, 5.0, 10.0) if size * m >= rough))
    first = float(np.ceil(low / step))
    return [round((first + n) * step, 9) for n in range(int(np.floor(high / step) - first) + 1)]

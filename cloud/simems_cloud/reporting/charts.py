"""Drawings of a report as SVG, by hand: few shapes, every coordinate with one decimal, the same bytes everywhere."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape
from zoneinfo import ZoneInfo

from simems_cloud.reporting.figures import Interval, Report
from simems_cloud.reporting.numbers import fixed

WIDTH, HEIGHT = 760.0, 236.0
LEFT, RIGHT, TOP, BOTTOM = 50.0, 6.0, 22.0, 26.0
GRID, INK, FAINT = "#dfe3e8", "#3c4450", "#77808c"
FONT = "Inter, sans-serif"


@dataclass(frozen=True)
class Series:
    """``up``: drawn above the axis."""

    field: str
    title: str
    colour: str
    up: bool


SOURCES = (
    Series("produced", "Production", "#e8a317", up=True),
    Series("imported", "Import", "#3566b8", up=True),
    Series("discharged", "Discharge", "#2c9c77", up=True),
)
SINKS = (
    Series("consumed", "Consumption", "#8b5aa8", up=False),
    Series("exported", "Export", "#7fa6de", up=False),
    Series("charged", "Charge", "#8ccdb5", up=False),
)


def balance(report: Report) -> str:
    """Where the energy came from (up) and where it went (down), bar by bar; a red foot says that data are missing."""
    bars = report.bars
    high = max((_height(bar, SOURCES) for bar in bars), default=0.0)
    low = max((_height(bar, SINKS) for bar in bars), default=0.0)
    step = _nice(max(high, low, 1.0) / 3)
    top, bottom = step * max(1, math.ceil(high / step)), step * max(1, math.ceil(low / step))
    scale = (HEIGHT - TOP - BOTTOM) / (top + bottom)
    zero = TOP + top * scale
    parts = [_open(), _legend()]
    parts += _grid(step, top, bottom, scale, zero)
    parts += _bars(bars, scale, zero)
    parts += _labels(report)
    parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{zero:.1f}" y2="{zero:.1f}" stroke="{INK}"/>')
    return "".join([*parts, "</svg>"])


def _open() -> str:
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {WIDTH:.0f} {HEIGHT:.0f}" role="img" '
        f'font-family="{FONT}" font-size="10"><title>Energy balance</title>'
    )


def _legend() -> str:
    parts, x = [], LEFT
    for series in (*SOURCES, *SINKS):
        parts.append(f'<rect x="{x:.1f}" y="3" width="9" height="9" rx="2" fill="{series.colour}"/>')
        parts.append(f'<text x="{x + 13:.1f}" y="11" fill="{INK}">{escape(series.title)}</text>')
        x += 28 + 5.9 * len(series.title)
    return "".join(parts)


def _grid(step: float, top: float, bottom: float, scale: float, zero: float) -> list[str]:
    parts = []
    for number in range(-round(bottom / step), round(top / step) + 1):
        y = zero - number * step * scale
        label = fixed(abs(number) * step / 1e3, 0 if step >= 1e3 else 1)
        parts.append(f'<line x1="{LEFT}" x2="{WIDTH - RIGHT}" y1="{y:.1f}" y2="{y:.1f}" stroke="{GRID}"/>')
        parts.append(f'<text x="{LEFT - 6}" y="{y + 3.5:.1f}" text-anchor="end" fill="{FAINT}">{label}</text>')
    parts.append(f'<text x="{LEFT - 6}" y="11" text-anchor="end" fill="{FAINT}">kWh</text>')
    return parts


def _bars(bars: Sequence[Interval], scale: float, zero: float) -> list[str]:
    pitch = (WIDTH - LEFT - RIGHT) / max(len(bars), 1)
    width = max(2.0, pitch * 0.7)
    parts = []
    for place, bar in enumerate(bars):
        x = LEFT + pitch * place + (pitch - width) / 2
        for group in (SOURCES, SINKS):
            parts += _stack(bar, group, x, width, scale, zero)
        if bar.minutes_seen < bar.minutes:
            parts.append(_gap(x, width, 1 - bar.minutes_seen / bar.minutes))
    return parts


def _stack(bar: Interval, group: Sequence[Series], x: float, width: float, scale: float, zero: float) -> list[str]:
    parts, level = [], 0.0
    for series in group:
        value = getattr(bar, series.field) or 0.0
        if value <= 0:
            continue
        height = value * scale
        y = zero - level - height if series.up else zero + level
        level += height
        parts.append(
            f'<rect x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="{height:.1f}" fill="{series.colour}"/>'
        )
    return parts


def _gap(x: float, width: float, missing: float) -> str:
    """Data are missing here: a red foot, the darker the more."""
    y = HEIGHT - BOTTOM + 1
    place = f'x="{x:.1f}" y="{y:.1f}" width="{width:.1f}" height="3"'
    return f'<rect {place} fill="#c8372d" opacity="{0.3 + 0.7 * missing:.2f}"/>'


def _labels(report: Report) -> list[str]:
    """As many as fit."""
    bars, zone = report.bars, ZoneInfo(report.span.zone)
    pitch = (WIDTH - LEFT - RIGHT) / max(len(bars), 1)
    every = max(1, math.ceil(34 / pitch))
    form = "%H:%M" if report.span.period == "day" else "%a %d" if report.span.period == "week" else "%d"
    parts = []
    for place in range(0, len(bars), every):
        text = bars[place].start.astimezone(zone).strftime(form)
        x = LEFT + pitch * (place + 0.5)
        parts.append(f'<text x="{x:.1f}" y="{HEIGHT - 9:.1f}" text-anchor="middle" fill="{FAINT}">{text}</text>')
    return parts


def _height(bar: Interval, group: Sequence[Series]) -> float:
    return sum(max(0.0, getattr(bar, series.field) or 0.0) for series in group)


def _nice(value: float) -> float:
    """1, 2 or 5 times a power of ten, not below."""
    power = 10.0 ** math.floor(math.log10(value))
    return next(power * factor for factor in (1, 2, 5, 10) if power * factor >= value)

"""24 hours of current for one cell, as C-rate (1/h, discharge > 0) on a grid of seconds.

Each is drawn from a fixed seed and follows its own coulomb count, so that a profile is the same for every truth.
``PROFILES`` are those of the matrix; ``HELD_OUT`` are other days from other starts, and the four in another order in
one day: nothing was chosen while looking at them.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

DAY_S = 86_400
US06 = Path(__file__).parent.parent / "data" / "us06.csv"

Floats = NDArray[np.float64]


@dataclass(frozen=True)
class Profile:
    """``knots_s``: seconds between the corners of the current, between which it is linear."""

    name: str
    initial_soc: float
    knots_s: int
    draw: Callable[[float, int, int], Floats]
    seed: int = 0

    def c_rate(self, hours: float) -> Floats:
        """One value each second, both ends included."""
        seconds = round(hours * 3600)
        count = seconds // self.knots_s + 2
        corners = self.draw(self.initial_soc, count, self.seed)
        return np.interp(np.arange(seconds + 1), np.arange(count) * self.knots_s, corners)


def _automotive(soc: float, count: int, seed: int) -> Floats:
    """US06 scaled to 1.5C at its peak until 12 %, a rest, 0.4C up to 90 %, a rest, again; ``seed``: where it begins."""
    recorded = np.loadtxt(US06, delimiter=",", comments="#", skiprows=2)[:, 1]
    drive = np.interp(np.arange(0, recorded.size - 1, 2), np.arange(recorded.size), recorded) * 1.5 / recorded.max()
    drive = np.roll(drive, -seed)
    out: list[float] = []
    while len(out) < count:
        while soc > 0.12:
            soc -= float(drive.sum()) * 2 / 3600
            out.extend(drive)
        charge = round((0.9 - soc) / 0.4 * 3600 / 2)
        soc += charge * 0.4 * 2 / 3600
        out += [0.0] * 900 + [-0.4] * charge + [0.0] * 900
    return np.array(out[:count])


def _pv_day(soc: float, count: int, seed: int) -> Floats:
    """From midnight: the house discharges, sun with clouds charges; idle at 8 % and 96 %."""
    random, out = np.random.default_rng(seed), np.zeros(count)
    cloud = house = 0.0
    for number in range(count):
        hour = (number * 60 / 3600) % 24
        cloud = 0.9 * cloud + 0.1 * random.normal(0.0, 2.0)
        house = house if number % 10 else float(random.gamma(2.0, 0.035))
        sun = 0.34 * max(0.0, math.sin(math.pi * (hour - 6.5) / 12.0)) * min(1.0, max(0.15, 0.8 + 0.5 * cloud))
        wanted = house * (0.5 if hour < 6 else 1.0) - sun
        out[number] = 0.0 if (wanted > 0 and soc <= 0.08) or (wanted < 0 and soc >= 0.96) else wanted
        soc -= out[number] * 60 / 3600
    return out


def _peak_shaving(soc: float, count: int, seed: int) -> Floats:
    """Pulses of 0.4..0.9C for 5..20 minutes, recharge at 0.15C to 97 %, never below 20 %."""
    random, out, number = np.random.default_rng(seed), np.zeros(count), 0
    while number < count:
        idle = int(random.integers(60, 240))
        for _ in range(min(idle, count - number)):
            out[number] = -0.15 if soc < 0.97 else 0.0
            soc -= out[number] * 20 / 3600
            number += 1
        height, length = random.uniform(0.4, 0.9), int(random.integers(15, 60))
        for _ in range(min(length, count - number)):
            out[number] = height * random.uniform(0.85, 1.15) if soc > 0.2 else 0.0
            soc -= out[number] * 20 / 3600
            number += 1
    return out


def _regulation(soc: float, count: int, seed: int) -> Floats:
    """Noise of 0.3C with a memory of two minutes, held around half full."""
    random, out, noise = np.random.default_rng(seed), np.zeros(count), 0.0
    keep = math.exp(-4 / 120)
    for number in range(count):
        noise = keep * noise + math.sqrt(1 - keep * keep) * random.normal(0.0, 0.3)
        out[number] = min(1.0, max(-1.0, noise + 0.6 * (soc - 0.5)))
        soc -= out[number] * 4 / 3600
    return out


def _mixed(soc: float, count: int, seed: int) -> Floats:
    """A quarter of the time each: regulation, automotive, peak shaving, PV."""
    quarter, out = count // 4 + 1, np.zeros(0)
    for knots_s, draw in ((4, _regulation), (2, _automotive), (20, _peak_shaving), (60, _pv_day)):
        corners = draw(soc, quarter * 4 // knots_s + 2, seed)
        part = np.interp(np.arange(quarter) * 4, np.arange(corners.size) * knots_s, corners)
        soc -= float(part.sum()) * 4 / 3600
        out = np.concatenate([out, part])
    return out[:count]


PROFILES = (
    Profile("automotive", 0.80, 2, _automotive),
    Profile("PV day", 0.45, 60, _pv_day, 1),
    Profile("peak shaving", 0.85, 20, _peak_shaving, 2),
    Profile("regulation", 0.50, 4, _regulation, 3),
)
HELD_OUT = (
    Profile("other automotive", 0.50, 2, _automotive, 211),
    Profile("other PV day", 0.35, 60, _pv_day, 212),
    Profile("other peak shaving", 0.65, 20, _peak_shaving, 213),
    Profile("other regulation", 0.58, 4, _regulation, 214),
    Profile("mixed", 0.70, 4, _mixed, 215),
)

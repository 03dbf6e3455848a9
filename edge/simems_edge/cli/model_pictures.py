"""Draws how models behave, for docs/models.md: ``python -m simems_edge.cli.model_pictures FOLDER``."""

from __future__ import annotations

import math
import sys
from array import array
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path
from random import Random
from typing import TYPE_CHECKING, Final

from simems_edge.cli.site_file import checked_site
from simems_edge.controllers.optimisation.holdable import VirtualBatteries, VirtualLimits
from simems_edge.estimation import Ocv, Samples, identify_cell
from simems_edge.estimation.plot import draw_fit
from simems_edge.replay import load_scenario
from simems_edge.replay.closed_loop import ClosedLoop

if TYPE_CHECKING:
    from matplotlib.figure import Figure

DEMO: Final = Path(__file__).parents[3] / "demo"
CAPACITY_AH: Final = 2.0
R0, R1, R2, FAST_S, SLOW_S = 0.030, 0.015, 0.012, 30.0, 600.0
HOURS: Final = 2.0
FROM_HOUR: Final = 8.0


def identify(path: Path) -> None:
    """Two pulse tests of a circuit that is known, with a sensor's noise."""
    tests = [_pulse_test(degc, factor) for degc, factor in ((5.0, 2.0), (25.0, 1.0))]
    soc = [float(pct) for pct in range(0, 101, 2)]
    draw_fit(identify_cell(tests, Ocv(soc, [_ocv_v(pct / 100) for pct in soc], []), CAPACITY_AH), path)


def _ocv_v(soc: float) -> float:
    return 3.3 + 0.8 * soc + 0.05 * math.sin(4 * soc)


def _pulse_test(degc: float, factor: float) -> Samples:
    amps = [0.0] * 60
    for _ in range(9):
        amps += [2.0] * 20 + [0.0] * 60 + [-1.0] * 20 + [0.0] * 60 + [1.0] * 720 + [0.0] * 1200
    random = Random(7)  # noqa: S311 - a sensor's noise, the same each time
    soc, u1, u2, volts = 1.0, 0.0, 0.0, []
    for before, now in pairwise([0.0, *amps]):
        mean = 0.5 * (before + now)
        soc -= mean / 3600 / CAPACITY_AH
        u1 += (1 - math.exp(-1 / FAST_S)) * (factor * R1 * mean - u1)
        u2 += (1 - math.exp(-1 / SLOW_S)) * (factor * R2 * mean - u2)
        volts.append(_ocv_v(soc) - u1 - u2 - factor * R0 * now + random.gauss(0.0, 0.001))
    times = array("d", map(float, range(len(amps))))
    return Samples(Path("pulses.csv"), times, array("d", amps), array("d", volts), array("d", [degc] * len(amps)), None)


def load(path: Path) -> None:
    """Two hours of the demonstration's winter day: the true load, and the balance of what its meters say."""
    site, scenario = checked_site(str(DEMO / "site.yaml")), load_scenario(DEMO / "day.yaml")
    loop = ClosedLoop(site, scenario)
    image = loop.runtime.image
    shown, true, hours = [], [], []
    handle = image.handle("site/load_power_w")
    for step in loop.steps():
        hour = step.time_s / 3600
        if hour >= FROM_HOUR + HOURS:
            break
        if hour >= FROM_HOUR:
            hours.append(hour)
            true.append(step.truth["site/load_power_w"] / 1000)
            shown.append(step.snapshot.value(handle) / 1000)
    figure = _figure()
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    upper.plot(hours, true, color="black", linewidth=0.8, label="true load")
    upper.plot(hours, shown, color="tab:purple", linewidth=0.8, label="site/load_power_w")
    lower.plot(hours, [1000 * (a - b) for a, b in zip(shown, true, strict=True)], color="tab:red", linewidth=0.6)
    upper.set(ylabel="kW")
    lower.set(ylabel="difference, W", xlabel="hour of the day")
    upper.legend(fontsize="small")
    figure.savefig(path, dpi=80)


def holdable(path: Path) -> None:
    """A made-up month of quarter-hours, its highest days in the middle; battery of 40 kWh and 20 kW."""
    limits = VirtualLimits(energy_wh=0.42 * 40e3, charge_w=20e3, discharge_w=20e3)
    batteries = VirtualBatteries(10e3, 80e3)
    random = Random(3)  # noqa: S311 - a load, the same each time
    days, site, threshold = [], [], []
    for quarter in range(30 * 96):
        day = quarter / 96
        height = 1.0 + 0.25 * math.exp(-(((day - 17) / 4) ** 2))
        site_w = height * (22e3 + 20e3 * max(math.sin(2 * math.pi * (day - 0.25)), 0.0) ** 2 + random.gauss(0, 2.5e3))
        batteries.window(site_w, 900.0, limits)
        days.append(day)
        site.append(site_w / 1000)
        threshold.append(batteries.holdable_w / 1000)
    figure = _figure()
    axes = figure.subplots()
    axes.plot(days, site, color="tab:gray", linewidth=0.5, label="site without battery, quarter-hours")
    axes.plot(days, threshold, color="tab:red", label="threshold that has shown to be holdable")
    axes.set(ylabel="kW", xlabel="day of the month")
    axes.legend(fontsize="small", loc="lower right")
    figure.savefig(path, dpi=80)


def _figure() -> Figure:
    from matplotlib.figure import Figure as Drawn  # noqa: PLC0415 - an extra, and slow to import

    return Drawn(figsize=(10, 5), layout="constrained")


PICTURES: Final[dict[str, Callable[[Path], None]]] = {"identify": identify, "load": load, "holdable": holdable}


def main(arguments: Sequence[str]) -> int:
    """Writes ``NAME.png`` of each into the folder."""
    folder = Path(arguments[0])
    folder.mkdir(parents=True, exist_ok=True)
    for name, draw in PICTURES.items():
        draw(folder / f"{name}.png")
        sys.stdout.write(f"{folder / name}.png\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))

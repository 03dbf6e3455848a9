"""Pictures: how a circuit fits its pulse tests, and how an estimate runs (and errs, where a reference is known)."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from simems_edge.estimation.estimation import Estimated
from simems_edge.estimation.identification import Identified
from simems_edge.estimation.samples import Samples

if TYPE_CHECKING:
    from matplotlib.figure import Figure

HOUR_S = 3600.0


class PlotError(ValueError):
    """The drawing library is not installed."""


def draw_fit(found: Identified, path: Path) -> None:
    """Measured and fitted voltage above, what is left below, a column per test."""
    figure = _figure(4.5 * len(found.tests) + 1, 6)
    axes = figure.subplots(2, len(found.tests), sharex="col", squeeze=False, height_ratios=[3, 1])
    for (upper, lower), test, report in zip(axes.T, found.tests, found.reports, strict=True):
        hours = np.array(test.time_s) / HOUR_S
        measured, fitted = np.array(test.voltage_v), np.array(report.fitted_v)
        upper.plot(hours, measured, linewidth=0.8, label="measured")
        upper.plot(hours, fitted, linewidth=0.8, label="fitted")
        upper.set(title=f"{report.temperature_degc:.1f} degC, {1000 * report.rmse_v:.1f} mV RMS")
        lower.plot(hours, 1000 * (measured - fitted), linewidth=0.6, color="tab:red")
        lower.set(xlabel="h")
    axes[0, 0].set(ylabel="V")
    axes[1, 0].set(ylabel="left over, mV")
    axes[0, 0].legend(fontsize="small")
    figure.savefig(path, dpi=100)


def draw_estimate(samples: Samples, found: Estimated, path: Path) -> None:
    """SOC with two sigma above; below the error against the reference, or sigma where there is none."""
    figure = _figure(11, 6)
    upper, lower = figure.subplots(2, 1, sharex=True, height_ratios=[2, 1])
    hours, soc, sigma = np.array(samples.time_s) / HOUR_S, np.array(found.soc_pct), np.array(found.sigma_pct)
    upper.fill_between(hours, soc - 2 * sigma, soc + 2 * sigma, alpha=0.25, label="two sigma")
    upper.plot(hours, soc, label="estimate")
    lower.fill_between(hours, -2 * sigma, 2 * sigma, alpha=0.25)
    if samples.true_soc_pct is not None:
        true = np.array(samples.true_soc_pct)
        upper.plot(hours, true, color="black", linewidth=0.8, label="reference")
        lower.plot(hours, soc - true, color="tab:red", linewidth=0.8)
    broken = np.frombuffer(found.reason, dtype=np.uint8) > 0
    upper.plot(hours[broken], soc[broken], "x", color="tab:orange", markersize=3, label="not valid")
    upper.set(ylabel="SOC, %", ylim=(-5, 105))
    lower.set(ylabel="error and two sigma, points", xlabel="h")
    upper.legend(fontsize="small")
    figure.savefig(path, dpi=100)


def _figure(width: float, height: float) -> Figure:
    try:
        from matplotlib.figure import Figure as Drawn  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise PlotError("--plot needs matplotlib; install simems-edge[plot]") from None
    return Drawn(figsize=(width, height), layout="constrained")

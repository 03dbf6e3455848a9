"""What a laboratory would measure: a pulse test per temperature and a slow charge and discharge for the OCV."""

from __future__ import annotations

import csv
from pathlib import Path

import numpy as np

from bench.estimation.chemistry import TEMPERATURES_DEGC, Chemistry
from bench.estimation.dfn import Floats, capacity_ah, solve

LAB_NOISE_V = 0.0005
OCV_C_RATE = 1 / 100


def pulse_c_rate() -> Floats:
    """From full: every 5 % a discharge pulse of 1C and a charge pulse of 0.5C, then 0.5C down and an hour of rest."""
    parts = [(600, 0.0)]
    for step in range(19):
        parts += [(20, 1.0), (60, 0.0)]
        parts += [(20, -0.5), (20, -0.5), (60, 0.0)] if step else [(100, 0.0)]
        parts += [(360, 0.5), (3600, 0.0)]
    rates = np.concatenate([np.full(seconds, rate) for seconds, rate in parts])
    rates[0] = 0.0
    return rates


def write_pulses(folder: Path, chemistry: Chemistry) -> list[Path]:
    """One file per temperature, as ``simems-edge identify`` reads it."""
    files = []
    for temperature in TEMPERATURES_DEGC:
        truth = solve(chemistry, temperature, pulse_c_rate(), 0.995)
        noisy = truth.voltage_v + np.random.default_rng(7).normal(0.0, LAB_NOISE_V, truth.voltage_v.size)
        files.append(folder / f"{chemistry.name}-{temperature:g}.csv")
        with files[-1].open("w", newline="") as stream:
            rows = csv.writer(stream)
            rows.writerow(["time_s", "current_a", "voltage_v", "temperature_degc"])
            for second in range(noisy.size):
                rows.writerow([second, f"{truth.current_a[second]:.6g}", f"{noisy[second]:.5f}", temperature])
    return files


def write_ocv(path: Path, chemistry: Chemistry) -> None:
    """Slow discharge and charge at 25 degC: their mean is the OCV, half their gap the hysteresis (and some drag)."""
    soc_pct = np.concatenate([[0.0], np.arange(0.5, 99.6, 0.5), [100.0]])
    discharge, charge = _slow(chemistry, soc_pct, 1.0), _slow(chemistry, soc_pct, -1.0)
    columns = 4 if chemistry.hysteresis_v else 2
    with path.open("w", newline="") as stream:
        rows = csv.writer(stream)
        rows.writerow(["soc_pct", "ocv_v", "ocv_charge_v", "ocv_discharge_v"][:columns])
        for soc, down, up in zip(soc_pct, discharge, charge, strict=True):
            rows.writerow([f"{soc:g}", *(f"{value:.5f}" for value in ((down + up) / 2, up, down))][:columns])


def _slow(chemistry: Chemistry, soc_pct: Floats, sign: float) -> Floats:
    """Voltage at these SOC; the ends are the cell's voltages of empty and full."""
    seconds = round(0.99 / OCV_C_RATE * 3600)
    truth = solve(chemistry, 25.0, np.full(seconds + 1, sign * OCV_C_RATE), 0.995 if sign > 0 else 0.005)
    order = np.argsort(truth.soc)
    voltage = np.interp(soc_pct / 100, truth.soc[order], truth.voltage_v[order])
    voltage[0], voltage[-1] = chemistry.empty_v, chemistry.full_v
    return voltage


def capacity(chemistry: Chemistry) -> float:
    """As a laboratory would count it between full and empty."""
    return capacity_ah(chemistry)

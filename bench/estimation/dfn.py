"""Truth from PyBaMM's Doyle-Fuller-Newman model, kept in a cache in the temporary folder.

Isothermal; 8/5/8 points through electrodes and separator, 12 through the particles (within 1 mV of 20/20/20/20).
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import os
import tempfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from bench.estimation.chemistry import Chemistry
from bench.estimation.hysteresis import hysteresis_v

Floats = NDArray[np.float64]
MESH = {"x_n": 8, "x_s": 5, "x_p": 8, "r_n": 12, "r_p": 12}
LIVELY_S = 4.0
"""A current that bends as often is followed in short steps instead of stopping at each bend."""
CACHE = Path(os.environ.get("SIMEMS_BENCH_CACHE", tempfile.gettempdir())) / "simems-dfn"


@dataclass(frozen=True)
class Truth:
    """One value a second: current in A (discharge > 0), SOC 0..1 and terminal voltage in V."""

    capacity_ah: float
    current_a: Floats
    soc: Floats
    voltage_v: Floats


def installed() -> bool:
    """Whether PyBaMM is there (requirements/bench.in)."""
    return importlib.util.find_spec("pybamm") is not None


def capacity_ah(chemistry: Chemistry) -> float:
    """Charge between the voltages of empty and full, at rest."""
    pybamm = _pybamm()
    values = pybamm.ParameterValues(chemistry.parameter_set)
    empty, full, *_ = pybamm.lithium_ion.get_min_max_stoichiometries(values)
    return float((full - empty) * values.evaluate(pybamm.LithiumIonParameters().n.Q_init))


def solve(chemistry: Chemistry, temperature_degc: float, c_rate: Floats, initial_soc: float) -> Truth:
    """The cell under ``c_rate`` (one value a second, linear between)."""
    capacity = capacity_ah(chemistry)
    key = hashlib.sha256(repr((chemistry.parameter_set, temperature_degc, initial_soc, MESH, "3")).encode())
    key.update(c_rate.tobytes())
    kept = CACHE / f"{key.hexdigest()[:24]}.npy"
    if not kept.exists():
        CACHE.mkdir(parents=True, exist_ok=True)
        part = kept.with_suffix(f".{os.getpid()}.npy")
        np.save(part, _voltage(chemistry, temperature_degc, c_rate * capacity, initial_soc))
        part.replace(kept)
    moved = np.concatenate([[0.0], np.cumsum((c_rate[1:] + c_rate[:-1]) / 2)]) / 3600
    soc = initial_soc - moved
    voltage = np.load(kept) + hysteresis_v(soc, chemistry.hysteresis_v)
    return Truth(capacity, c_rate * capacity, soc, voltage)


def _voltage(chemistry: Chemistry, temperature_degc: float, current_a: Floats, initial_soc: float) -> Floats:
    pybamm = _pybamm()
    seconds = current_a.size - 1
    values = pybamm.ParameterValues(chemistry.parameter_set)
    values.set_initial_state(initial_soc)
    kelvin = temperature_degc + 273.15
    corners = _corners(current_a)
    values.update(
        {
            "Ambient temperature [K]": kelvin,
            "Initial temperature [K]": kelvin,
            "Current function [A]": pybamm.Interpolant(corners.astype(float), current_a[corners], pybamm.t),
            "Lower voltage cut-off [V]": 0.5,
            "Upper voltage cut-off [V]": 5.5,
        }
    )
    stops, longest_s = _stops(corners)
    options = {"dt_max": longest_s}
    solver = pybamm.IDAKLUSolver(rtol=1e-4, atol=1e-6, output_variables=["Voltage [V]"], options=options)
    simulation = pybamm.Simulation(pybamm.lithium_ion.DFN(), parameter_values=values, var_pts=MESH, solver=solver)
    solution = simulation.solve(stops, t_interp=np.arange(seconds + 1, dtype=float))
    voltage = np.asarray(solution["Voltage [V]"].data, dtype=float)
    if voltage.size != seconds + 1:
        raise RuntimeError(f"{chemistry.name} at {temperature_degc} degC: the DFN stopped after {voltage.size} s")
    return voltage


def _stops(corners: NDArray[np.int64]) -> tuple[Floats, float]:
    """(times to stop at, longest step in s): the solver must not step over a pulse that it has not seen."""
    if np.median(np.diff(corners)) <= LIVELY_S:
        return corners[[0, -1]].astype(float), LIVELY_S / 2
    return corners.astype(float), 60.0


def _corners(current_a: Floats) -> NDArray[np.int64]:
    """Seconds at which the current bends."""
    bends = np.abs(np.diff(current_a, 2)) > 1e-9
    return np.concatenate([[0], np.flatnonzero(bends) + 1, [current_a.size - 1]])


def _pybamm() -> Any:  # noqa: ANN401 - PyBaMM has no types
    os.environ.setdefault("PYBAMM_DISABLE_TELEMETRY", "true")
    return importlib.import_module("pybamm")

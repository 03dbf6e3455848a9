"""Compiles and drives ``reference.c``, with the tables resampled as the core does."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
import tempfile
from pathlib import Path

import numpy as np
from simems_core import Cell

from bench.estimation.dfn import Floats

SOURCE = Path(__file__).parent / "reference.c"
KELVIN = 273.15
OCV_POINTS, SOC_POINTS, TEMPERATURES_DEGC = 401, 101, np.arange(-30.0, 65.0, 5.0)
STRAIGHT_A = 1e6
SIGMA_PCT = 5.0
"""Of the start: below what the estimator splits into rivals, which the reference has not."""


def compiler() -> str | None:
    """The system's C compiler, when there is one."""
    return shutil.which("cc")


class CFilter:
    """``count`` cells from one SOC."""

    def __init__(self, cell: Cell, count: int, soc_pct: float, degc: float) -> None:
        self._library = _compiled()
        self._model = _model(cell)
        self._count = count
        self._cells = ctypes.create_string_buffer(self._library.cell_bytes() * count)
        self._library.soc.restype = ctypes.c_double
        self._library.begin.argtypes = [ctypes.c_void_p, ctypes.c_void_p, ctypes.c_int, *[ctypes.c_double] * 3]
        self._library.step.argtypes = [*[ctypes.c_void_p] * 2, ctypes.c_int, *[ctypes.c_void_p] * 3, ctypes.c_double]
        self._library.begin(self._model.ctypes.data, self._cells, count, soc_pct / 100, SIGMA_PCT / 100, degc)

    def step(self, current_a: Floats, voltage_v: Floats, temperature_degc: Floats, dt_s: float) -> None:
        columns = (current_a.ctypes.data, voltage_v.ctypes.data, temperature_degc.ctypes.data)
        self._library.step(self._model.ctypes.data, self._cells, self._count, *columns, dt_s)

    def soc_pct(self, number: int) -> float:
        return 100.0 * float(self._library.soc(self._cells, number))


def _compiled() -> ctypes.CDLL:
    tool = compiler()
    if tool is None:
        raise RuntimeError("no C compiler (cc)")
    with tempfile.TemporaryDirectory() as folder:
        library = Path(folder) / "reference.so"
        subprocess.run([tool, "-O3", "-shared", "-fPIC", "-o", str(library), str(SOURCE), "-lm"], check=True)
        return ctypes.CDLL(str(library))


def _model(cell: Cell) -> Floats:
    sections = cell.as_dict()
    ocv, noise = sections["ocv"], sections["noise"]
    gaps = ocv.get("hysteresis_v") or [0.0] * len(ocv["soc_pct"])
    head = [
        sections["capacity_ah"] * 3600,
        ocv["hysteresis_rate"],
        noise["voltage_v"],
        noise["current_offset_a"],
        noise["current_scale"],
        noise["model_v"],
        noise["model_share"],
        noise["model_time_s"],
        sorted(gaps)[len(gaps) // 2],
        *(ocv.get("hysteresis_shares") or [1.0, 0.0, 0.0]),
    ]
    even = np.linspace(0, 100, OCV_POINTS)
    table = np.stack([np.interp(even, ocv["soc_pct"], values) for values in (ocv["ocv_v"], gaps)], axis=1)
    return np.concatenate([head, table.ravel(), _circuit(sections["elements"]).ravel()])


def _circuit(elements: dict[str, list[float]]) -> Floats:
    """(temperature, SOC, element), as ``even_circuit`` of the core."""
    inverse = -1.0 / (np.array(elements["temperature_degc"]) + KELVIN)
    wanted = -1.0 / (TEMPERATURES_DEGC + KELVIN)
    soc_pct = np.linspace(0, 100, SOC_POINTS)

    def over(name: str) -> Floats:
        rows = np.array(elements[name]).reshape(len(inverse), -1)
        logs = np.log(np.stack([np.interp(soc_pct, elements["soc_pct"], row) for row in rows]))
        columns: Floats = np.exp(np.stack([np.interp(wanted, inverse, column) for column in logs.T], axis=1))
        return columns

    bend = np.exp(np.interp(wanted, inverse, np.log(np.minimum(elements["r0_bend_a"], STRAIGHT_A))))
    r1, r2 = over("r1_ohm"), over("r2_ohm")
    bends = np.repeat(bend[:, None], SOC_POINTS, axis=1)
    parts = [over("r0_ohm"), bends, r1, r2, 1 / (r1 * over("c1_f")), 1 / (r2 * over("c2_f"))]
    return np.stack([*parts, *_lag(elements, inverse, wanted)], axis=2)


def _lag(elements: dict[str, list[float]], inverse: Floats, wanted: Floats) -> list[Floats]:
    """(share, rate) over (temperature, SOC)."""
    none, second = [0.0] * len(inverse), [1.0] * len(inverse)
    share = np.interp(wanted, inverse, elements.get("lag_share") or none)
    time_s = np.exp(np.interp(wanted, inverse, np.log(elements.get("lag_time_s") or second)))
    return [np.repeat(row[:, None], SOC_POINTS, axis=1) for row in (share, 1 / time_s)]

"""The batteries' estimators: put into the cycle at the start, remembered over a restart.

When a cell file cannot be read the site is refused (the check says so before). When the disk fails, the estimators run
on and forget at the next restart; the log says so once.
"""

from __future__ import annotations

import hashlib
import logging
from dataclasses import dataclass
from typing import Final

import msgspec
from simems_core import Cell, LiveEstimator

from simems_edge.config import Component
from simems_edge.devices.estimator_inputs import OUTPUTS, estimator_inputs
from simems_edge.estimation import site_cell
from simems_edge.runtime.assembly import Assembly
from simems_edge.runtime.estimator_store import EstimatorStore, EstimatorStoreError, Remembered

log = logging.getLogger(__name__)
SAVE_EVERY_US: Final = 60_000_000
UNKNOWN_AWAY_S: Final = 1e9
"""The clock went backwards meanwhile: how long we were away nobody knows."""


@dataclass(frozen=True)
class _Battery:
    component: str
    cell: str
    estimator: LiveEstimator


class Estimators:
    """All of one site. ``store``: None for replay and simulation, which begin anew each time."""

    def __init__(self, assembly: Assembly, store: EstimatorStore | None, now_us: int) -> None:
        """Attaches them to the cycle. Raises SiteError or CoreError for a cell file that is none."""
        self._store = store
        self._clock = assembly.clock
        remembered = self._load()
        self._batteries = [
            _battery(assembly, component, remembered.get(component.id), now_us)
            for component in assembly.site.components
            if component.estimator is not None
        ]
        for battery in self._batteries:
            assembly.cycle.attach_estimator(battery.estimator)
        self._saved_us = now_us
        self._failing = False

    def keep(self, now_us: int, *, at_once: bool = False) -> None:
        """Saves what they know, once a minute, or now."""
        if self._store is None or not self._batteries:
            return
        if at_once or not 0 <= now_us - self._saved_us < SAVE_EVERY_US:
            self._saved_us = now_us
            self._save(self._store)

    def _save(self, store: EstimatorStore) -> None:
        found = {}
        for battery in self._batteries:
            memory = battery.estimator.memory
            if memory is not None:
                at_ns, known = memory
                found[battery.component] = Remembered.of(battery.cell, self._clock.utc_us(at_ns), known)
        if not found:
            return
        try:
            store.save(found)
            self._failing = False
        except OSError as error:
            if not self._failing:
                log.warning("estimates cannot be saved", extra={"error": str(error)})
            self._failing = True

    def _load(self) -> dict[str, Remembered]:
        if self._store is None:
            return {}
        try:
            return self._store.load()
        except EstimatorStoreError as error:
            log.warning("estimates from before the restart are left out", extra={"error": str(error)})
            return {}


def _battery(assembly: Assembly, component: Component, remembered: Remembered | None, now_us: int) -> _Battery:
    settings = component.estimator
    if settings is None:
        raise ValueError(f"{component.id} has no estimator")
    inputs = estimator_inputs(settings, assembly.profiles[component.id])
    soc, sigma, valid = (f"{component.id}/{name}" for name in OUTPUTS)
    cell = site_cell(settings)
    digest = _digest(cell, settings.series, settings.parallel)
    known = remembered if remembered is not None and remembered.cell == digest else None
    estimator = LiveEstimator(
        assembly.image,
        cell,
        current=f"{component.id}/{inputs.current}",
        voltage=f"{component.id}/{inputs.voltage}",
        temperatures=[f"{component.id}/{name}" for name in inputs.temperatures],
        assumed_temperature_degc=settings.assumed_temperature_degc,
        soc=soc,
        sigma=sigma,
        valid=valid,
        series=settings.series,
        parallel=settings.parallel,
        memory=None if known is None else known.memory(),
        away_s=0.0 if known is None else _away_s(now_us - known.utc_us),
    )
    return _Battery(component.id, digest, estimator)


def _away_s(away_us: int) -> float:
    return UNKNOWN_AWAY_S if away_us < 0 else away_us / 1e6


def _digest(cell: Cell, series: int, parallel: int) -> str:
    return hashlib.sha256(msgspec.json.encode([cell.as_dict(), series, parallel])).hexdigest()

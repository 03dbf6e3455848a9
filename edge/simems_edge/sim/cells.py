"""The cells behind a virtual battery: an electrochemical model, so that an estimator meets a voltage not made of it.

A single-particle model of each electrode (S. Santhanagopalan et al., J. Power Sources 156 (2006)) with the parameters
of a 21700 cell of graphite-SiOx and NMC 811 (C.-H. Chen et al., J. Electrochem. Soc. 167 (2020) 080534): open-circuit
potentials at the particles' surfaces, diffusion by its first modes (exact for a constant current in a step, so any
step is stable), Butler-Volmer kinetics, and one resistance for electrolyte and contacts. All cells are alike, at one
temperature.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import asinh, exp, sqrt, tanh
from typing import Final

from simems_edge.config import SimulatedCells

CAPACITY_AH: Final = 5.16
"""Of one cell, between its voltages of empty and full."""
FARADAY, GAS, KELVIN = 96_485.33, 8.314462, 273.15
OHM: Final = 0.016
"""Electrolyte, current collectors and contacts of one cell."""
PLATE_M2: Final = 1.58 * 0.065
SALT_MOL_PER_M3: Final = 1000.0
EIGENVALUES: Final = (4.493409, 7.725252, 10.904122, 14.066194)
"""Positive roots of tan(x) = x."""


@dataclass(frozen=True)
class Electrode:
    """``empty``, ``full``: stoichiometry at those ends; ``exchange``: A/m2 (m3/mol)^1.5."""

    empty: float
    full: float
    radius_m: float
    diffusivity_m2_per_s: float
    maximum_mol_per_m3: float
    exchange: float
    active_share: float
    thickness_m: float

    @property
    def area_m2(self) -> float:
        """Surface of all particles."""
        return 3.0 * self.active_share / self.radius_m * self.thickness_m * PLATE_M2


NEGATIVE: Final = Electrode(0.0263, 0.9106, 5.86e-6, 3.3e-14, 33_133.0, 6.48e-7, 0.75, 85.2e-6)
POSITIVE: Final = Electrode(0.8540, 0.2638, 5.22e-6, 4.0e-15, 63_104.0, 3.42e-6, 0.665, 75.6e-6)


def negative_v(x: float) -> float:
    """Chen et al. (2020), eq. 9."""
    return (
        1.9793 * exp(-39.3631 * x)
        + 0.2482
        - 0.0909 * tanh(29.8538 * (x - 0.1234))
        - 0.04478 * tanh(14.9159 * (x - 0.2769))
        - 0.0205 * tanh(30.4444 * (x - 0.6103))
    )


def positive_v(y: float) -> float:
    """Chen et al. (2020), eq. 8."""
    return (
        -0.8090 * y
        + 4.4875
        - 0.0428 * tanh(18.5138 * (y - 0.5542))
        - 17.7326 * tanh(15.7890 * (y - 0.3117))
        + 17.5842 * tanh(15.9308 * (y - 0.3120))
    )


class _Particle:
    """Surface of one electrode's particles beside their mean, as modes of diffusion."""

    def __init__(self, electrode: Electrode) -> None:
        self._electrode = electrode
        self._second_per_rate = electrode.radius_m**2 / electrode.diffusivity_m2_per_s
        self._modes = [0.0] * len(EIGENVALUES)
        weights = [2.0 / (3.0 * value**2) for value in EIGENVALUES]
        self._weights = [*weights[:-1], 1.0 / 15.0 - sum(weights[:-1])]

    def step(self, per_s: float, dt_s: float) -> None:
        """``per_s``: how fast the mean stoichiometry rises."""
        for number, (value, weight) in enumerate(zip(EIGENVALUES, self._weights, strict=True)):
            keep = exp(-dt_s * value**2 / self._second_per_rate)
            target = weight * self._second_per_rate * per_s
            self._modes[number] = keep * self._modes[number] + (1.0 - keep) * target

    def surface(self, mean: float) -> float:
        return min(max(mean + sum(self._modes), 1e-3), 1.0 - 1e-3)

    def kinetics_v(self, surface: float, amps: float, kelvin: float) -> float:
        """Overpotential of a cell current in A."""
        electrode = self._electrode
        salt = electrode.maximum_mol_per_m3 * sqrt(SALT_MOL_PER_M3 * surface * (1.0 - surface))
        return 2.0 * GAS * kelvin / FARADAY * asinh(amps / electrode.area_m2 / (2.0 * electrode.exchange * salt))


class CellStack:
    """``series`` x ``parallel`` of them; discharge > 0."""

    def __init__(self, settings: SimulatedCells, soc: float) -> None:
        """``soc``: 0..1, at rest."""
        self.settings = settings
        self.temperature_degc = settings.temperature_degc
        self._particles = (_Particle(NEGATIVE), _Particle(POSITIVE))
        self._soc = soc
        self.current_a = 0.0
        self.cell_voltage_v = self._voltage(soc, 0.0)

    @property
    def voltage_v(self) -> float:
        return self.settings.series * self.cell_voltage_v

    def draw(self, power_w: float, soc: float, dt_s: float) -> float:
        """Takes this power from cells of this SOC; the share of their charge that left them."""
        cell_w = power_w / (self.settings.series * self.settings.parallel)
        amps = cell_w / self.cell_voltage_v
        amps = cell_w / max(self._voltage(soc, amps), 1.0)
        moved = amps * dt_s / 3600.0 / CAPACITY_AH
        for particle, electrode in zip(self._particles, (NEGATIVE, POSITIVE), strict=True):
            particle.step(-(electrode.full - electrode.empty) * amps / 3600.0 / CAPACITY_AH, dt_s)
        self.current_a = self.settings.parallel * amps
        self.cell_voltage_v = self._voltage(soc - moved, amps)
        return moved

    def _voltage(self, soc: float, amps: float) -> float:
        kelvin = self.temperature_degc + KELVIN
        negative, positive = self._particles
        x = negative.surface(NEGATIVE.empty + soc * (NEGATIVE.full - NEGATIVE.empty))
        y = positive.surface(POSITIVE.empty + soc * (POSITIVE.full - POSITIVE.empty))
        lost_v = negative.kinetics_v(x, amps, kelvin) + positive.kinetics_v(y, amps, kelvin) + OHM * amps
        return positive_v(y) - negative_v(x) - lost_v

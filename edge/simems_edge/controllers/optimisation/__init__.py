"""Controllers that save money or carbon: peaks, own consumption, schedules, reserves.

In: settings and a Context. Out: preferred battery powers and bounds, inside every guard.
Never here: what protects or is law (guards and the classes above), prices, forecasts.
"""

from simems_edge.controllers.optimisation.peak_shaving import PeakShaving
from simems_edge.controllers.optimisation.self_consumption import SelfConsumption

__all__ = ["PeakShaving", "SelfConsumption"]

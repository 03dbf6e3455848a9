"""Controllers: small plugins that read one frozen snapshot and propose.

In: settings and a Context. Out: proposals (preferred values, bounds) and their own metrics.
Never here: I/O, clocks, threads, device protocols, or a write past arbitration and guards.
"""

from simems_edge.controllers.peak_shaving import PeakShaving
from simems_edge.controllers.self_consumption import SelfConsumption

__all__ = ["PeakShaving", "SelfConsumption"]

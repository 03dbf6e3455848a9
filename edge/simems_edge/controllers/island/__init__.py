"""Island: from the loss of the grid to an own supply and back, as a table of steps.

In: contacts, grid and bus as measured. Out: requests to a certified switch, a bond relay, load contactors and a battery
that can form a grid. Never here: a decision that belongs to those devices. The EMS asks, their contacts confirm; the
sync-check relay alone decides whether a closing happens.
"""

from simems_edge.controllers.island.island import IslandController

__all__ = ["IslandController"]

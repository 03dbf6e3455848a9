"""The runtime on a simulated clock: open loop from a recording (`replay`), closed loop with the plant (`simulate`).

In: a site file and a CSV recording or a scenario file. Out: one CSV, the same bytes for the same input. Never here: the
wall clock, sockets, or another way through the cycle than the live runtime takes (`Runtime.step`).
"""

from simems_edge.replay.closed_loop import simulate
from simems_edge.replay.open_loop import replay
from simems_edge.replay.problems import ReplayError
from simems_edge.replay.scenario import Scenario
from simems_edge.replay.scenario_file import load_scenario

__all__ = ["ReplayError", "Scenario", "load_scenario", "replay", "simulate"]

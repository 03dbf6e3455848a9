"""The virtual plant: a site's devices as they would really behave, for demonstration, tests and benches.

Enters: a :class:`~simems_edge.config.Site` (its ``simulation`` section), an instant, a seed, commands, time steps.
Leaves: true values, and the readings that each device shows with its delay, interval and noise; for whole
processes, real Modbus TCP servers that anybody may read. Never happens here: any wall clock or randomness that the
caller did not give, any import by what runs on a real site.
"""

from simems_edge.sim.plant import Plant, Reading

__all__ = ["Plant", "Reading"]

"""Where controllers run: each in a process of its own, or (tests, replay, tiny sites) all in this one.

In: controllers, and a cycle with a desk for each. Out: their proposals and metrics, and who fails and why. A controller
that raises loses its turn; one that sleeps, spins, leaks, crashes or is killed loses its process, which is started
again with back-off: what it proposed lives out its lifetime, then the actuator's fallback holds. Never here: a wait of
the cycle for anybody, or memory of the image that a controller could write.
"""

from simems_edge.hosts.local import LocalHost
from simems_edge.hosts.post import Limits
from simems_edge.hosts.processes import ProcessHosts

__all__ = ["Limits", "LocalHost", "ProcessHosts"]

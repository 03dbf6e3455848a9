"""Which channels are inputs of a site: what a recording may hold."""

from __future__ import annotations

from simems_edge.contracts.context import UTC_OFFSET
from simems_edge.runtime import Runtime
from simems_edge.runtime.channels import made_channels
from simems_edge.runtime.outside import INPUTS


def input_addresses(runtime: Runtime) -> frozenset[str]:
    """Those of the devices, the emergency stop, limits from outside and the time of day; not what the runtime makes."""
    devices = tuple(f"{component}/" for component in runtime.profiles)
    own = (*devices, "site/estop", UTC_OFFSET, *INPUTS)
    every = frozenset(c.address for c in runtime.channels if c.address.startswith(own))
    return every - frozenset(made_channels(runtime.assembly.actuators))

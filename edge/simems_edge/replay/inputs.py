"""Which channels are inputs of a site: what a recording may hold."""

from __future__ import annotations

from simems_edge.contracts.context import UTC_OFFSET
from simems_edge.runtime import Runtime
from simems_edge.runtime.channels import made_channels
from simems_edge.runtime.outside import INPUTS
from simems_edge.runtime.schedule_feed import schedule_addresses


def input_addresses(runtime: Runtime) -> frozenset[str]:
    """Those of the devices, the emergency stop, limits from outside and the time of day; not what the runtime makes."""
    devices = tuple(f"{component}/" for component in runtime.profiles)
    own = (*devices, "site/estop", UTC_OFFSET, *INPUTS)
    every = frozenset(c.address for c in runtime.channels if c.address.startswith(own))
    made = made_channels(runtime.assembly.actuators)
    return every.difference(made, schedule_addresses(runtime.assembly.of_kind("ess")))

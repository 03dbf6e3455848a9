"""Binds the cycle's state machine to a site: which inputs it waits for, which controller belongs to which mode."""

from __future__ import annotations

from collections.abc import Sequence

from simems_core import Fault, States

from simems_edge.contracts import Priority
from simems_edge.contracts.interfaces import INTERFACES
from simems_edge.runtime.assembly import Assembly
from simems_edge.runtime.channels import control_modes


def bind_states(assembly: Assembly, faults: Sequence[Fault]) -> States:
    """Attached to the site's cycle: from its first cycle on it evaluates state, mode and faults. What keeps safe and
    what serves the grid is heard in every mode: a mode chooses among the classes below."""
    modes = [controller.spec.control_mode for controller in assembly.controllers]
    states = States(
        assembly.image,
        inputs=mandatory_inputs(assembly),
        actuators=assembly.actuators,
        source_modes=[None, *modes],
        labels={name: code for code, name in control_modes(assembly.controllers).items()},
        faults=list(faults),
        autostart=bool(modes),
        always=[n for n, c in enumerate(assembly.controllers, start=1) if c.spec.priority <= Priority.GRID],
    )
    assembly.cycle.attach_states(states)
    return states


def mandatory_inputs(assembly: Assembly) -> list[str]:
    """Addresses of what every device of the site must give."""
    return [
        f"{component}/{channel.name}"
        for component, profile in assembly.profiles.items()
        for channel in INTERFACES[profile.kind].channels
        if channel.mandatory
    ]

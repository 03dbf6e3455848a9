"""What every bridge says of its devices: whether it talks to one, and what it does about it."""

from __future__ import annotations

from enum import IntEnum
from typing import Final

from simems_core import Channel

from simems_edge.config import Site

STALE_AFTER_S: Final = 10.0
"""Bridges repeat themselves each second: stale means that the bridge itself is gone."""


class ConnectionState(IntEnum):
    """``<component>/connection_state``."""

    CONNECTING = 0
    CONNECTED = 1
    UNSTEADY = 2
    """It missed an answer; tried again at once."""
    BACKING_OFF = 3
    """It does not answer; tried again after a wait."""


STATE_LABELS: Final = {state.value: state.name.lower().replace("_", " ") for state in ConnectionState}


def connection_channels(site: Site) -> list[Channel]:
    """``<component>/communication`` and ``<component>/connection_state``."""
    rows = []
    for component in site.components:
        address = f"{component.id}/communication"
        rows.append(Channel(address, kind="bool", resolution=1.0, stale_after_s=STALE_AFTER_S))
        address = f"{component.id}/connection_state"
        rows.append(Channel(address, kind="enum", resolution=1.0, stale_after_s=STALE_AFTER_S, labels=STATE_LABELS))
    return rows

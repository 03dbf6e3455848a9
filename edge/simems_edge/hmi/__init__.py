"""The edge's own screen and HTTP interface, on the local network, with no cloud.

Enters: requests of screens and tools; the state of the edge through :class:`EdgeService`. Leaves: JSON, a live
stream, Prometheus text, the built screens, and - with a PIN - acknowledgements and manual preferences, each kept as
an audit event. Never happens here: a write to a device, a way past arbitration or a guard, work on the cycle thread,
a PIN or token in a log or file (the first start's PIN once excepted).
"""

from simems_edge.hmi.access import Access, load_pin
from simems_edge.hmi.app import create_app
from simems_edge.hmi.description import hello
from simems_edge.hmi.house_alarms import House, HouseAlarms
from simems_edge.hmi.local_edge import LocalEdge
from simems_edge.hmi.record_schemas import LimitEvent
from simems_edge.hmi.screens import find_screens
from simems_edge.hmi.service import EdgeService

__all__ = [
    "Access",
    "EdgeService",
    "House",
    "HouseAlarms",
    "LimitEvent",
    "LocalEdge",
    "create_app",
    "find_screens",
    "hello",
    "load_pin",
]

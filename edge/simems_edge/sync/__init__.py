"""From the recorder to the buffer, and from the buffer to the cloud.

Enters: rows of the recorder, events, frames of the buffer, acknowledgements. Leaves: columns quantised to each
channel's resolution, wire frames over one encrypted connection, the state of the link. Never happens here: a delete
before the cloud acknowledged, a wait on the cycle thread, a message taken from an unauthenticated server.
"""

from simems_edge.sync.cloud_clock import CloudClock
from simems_edge.sync.identity import DeviceKeys, Identity
from simems_edge.sync.provisioning import About, Provisioning
from simems_edge.sync.pump import Pump
from simems_edge.sync.quantise import RecordedChannel, quantise
from simems_edge.sync.shipping import Shipping
from simems_edge.sync.uplink import Cloud, CommandTaker, LinkState, Partners, Timing, Uplink, UplinkStatus

__all__ = [
    "About",
    "Cloud",
    "CloudClock",
    "CommandTaker",
    "DeviceKeys",
    "Identity",
    "LinkState",
    "Partners",
    "Provisioning",
    "Pump",
    "RecordedChannel",
    "Shipping",
    "Timing",
    "Uplink",
    "UplinkStatus",
    "quantise",
]

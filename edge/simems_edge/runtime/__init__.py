"""The edge while it runs: image, cycle, controllers, overrides, alarms behind one facade.

In: a checked site, a clock, bridges that publish into the image. Out: setpoints to the bridges, the latest values with
their why, events, statistics. Never here: protocol details, storage, HTTP, or a way past arbitration and guards.
"""

from simems_edge.runtime.alarms import Alarm, AlarmBook
from simems_edge.runtime.fault_book import FaultBook, FaultRefusedError, StandingFault
from simems_edge.runtime.logs import configure_logging
from simems_edge.runtime.overrides import OPERATOR, Override, Overrides
from simems_edge.runtime.requests import RequestRefusedError, SiteRequests
from simems_edge.runtime.runtime import Runtime

__all__ = [
    "OPERATOR",
    "Alarm",
    "AlarmBook",
    "FaultBook",
    "FaultRefusedError",
    "Override",
    "Overrides",
    "RequestRefusedError",
    "Runtime",
    "SiteRequests",
    "StandingFault",
    "configure_logging",
]

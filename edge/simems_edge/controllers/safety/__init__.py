"""Safety controllers: they derate early and gently, so that the guards behind them seldom have to act.

In: state of charge, temperatures, voltages, the grid meter, the state of a connection. Out: bounds that narrow at a
ramp, and (loss of communication) a held value. Never here: a limit that must hold; those are guards of the core and
hold whether or not anything here runs.
"""

from simems_edge.controllers.safety.cell_voltage import CellVoltageDerating
from simems_edge.controllers.safety.communication import CommunicationLoss
from simems_edge.controllers.safety.connection import GridConnection
from simems_edge.controllers.safety.soc_limits import SocLimits
from simems_edge.controllers.safety.temperature import TemperatureDerating

__all__ = ["CellVoltageDerating", "CommunicationLoss", "GridConnection", "SocLimits", "TemperatureDerating"]

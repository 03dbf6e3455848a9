"""Commands of the cloud: believed only with a signature of the tenant, done like what a person does on the screen.

Enters: signed commands over the uplink, the cloud's time. Leaves: acknowledgements, events of the action log, calls of
the same requests and overrides that the screen makes. Never here: a command done twice, after its time, out of order
or on the word of the connection alone; a way past arbitration or a guard; an answer that says less than what happened.
"""

from simems_edge.commands.actions import Actions
from simems_edge.commands.desk import CommandDesk
from simems_edge.commands.ledger import Ledger
from simems_edge.commands.trust import Trust

__all__ = ["Actions", "CommandDesk", "Ledger", "Trust"]

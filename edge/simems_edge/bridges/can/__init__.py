"""CAN: battery management systems and other devices whose frames a DBC file lays out.

Enters: frames of a bus; setpoints by address. Leaves: values in the image as of their arrival; setpoint and heartbeat
frames at the device's period. Never happens here: a frame of wrong length or checksum, a number out of its range or a
device whose counter stands still taken for current; a setpoint sent that nobody repeats.
"""

from simems_edge.bridges.can.bridge import CanBridge

__all__ = ["CanBridge"]

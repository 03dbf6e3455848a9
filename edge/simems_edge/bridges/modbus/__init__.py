"""Modbus TCP, RTU and RTU over TCP: devices found, read and written.

Enters: registers of devices; setpoints by address. Leaves: values in the image as of their arrival, problems by code.
Never happens here: a late, foreign or short answer taken for a value; a write to what the profile does not list.
"""

from simems_edge.bridges.modbus.bridge import ModbusBridge

__all__ = ["ModbusBridge"]

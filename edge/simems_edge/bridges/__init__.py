"""Bridges: the devices' protocols on one side, the process image on the other.

Enters: registers that devices answer, setpoints to write. Leaves: values with quality and time in the image's *next*,
problems by component and code. Never happens here: a decision about power, a value that no device sent, a wait in the
control cycle.
"""

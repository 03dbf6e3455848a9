"""Values over time: frames stored once, rollups, latest values, history and energy summaries.

Enters: checked frames of a device. Leaves: latest values with the why-line, history, energy. Never here: sockets.
"""

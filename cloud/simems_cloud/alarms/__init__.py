"""Alarms of edges and of the cloud itself.

Enters: events of devices, silence. Leaves: alarms that are raised, cleared and acknowledged. Never here: notifications.
"""

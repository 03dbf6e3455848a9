"""Controllers that answer the grid: frequency, voltage, power factor, export, and the return after an outage.

In: readings of the meter at the connection and of the inverters. Out: offsets on active power, bounds on active power,
preferred reactive power. Parameter sets of grid codes are data (``codes``) with their clause; none is certified.
Never here: protection, ride-through and anti-islanding, which stay in the certified devices; a controller of this room
never writes their settings and never moves power against them. Limits that are law or contract are guards.
"""

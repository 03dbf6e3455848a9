"""Commissioning: is the site wired, set and described as its site file says, and how fast are its actuators?

Enters: what the devices showed while nothing was written, then while small, limited and full power was asked of one
battery after the other. Leaves: one verdict for each check (ok, fault, not tested) with its evidence, the actuators'
dynamics, a suggestion for the loops' tuning, a signed report. Pure: record, equipment, signals, checks, experiment,
tuning. Thin: conductor (a runtime), simulated (the virtual plant). Never happens here: a setpoint that goes around
arbitration and guards; a verdict without evidence; a change to the site file.
"""

"""Controllers of the lowest class: tracking by any actuator, relay outputs, heat pumps.

In: settings and a Context. Out: preferred values for actuators that nothing above asks for.
Never here: what protects, or what earns money with a battery.
"""

"""Sites as fleet managers see them: facts, components, channels, the newest figures.

Enters: what edges announced. Leaves: site lists and descriptions. Never here: time series.
"""

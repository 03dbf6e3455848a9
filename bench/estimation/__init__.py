"""How well the battery estimator does, against an electrochemical truth.

Enters: nothing but seeds and the US06 drive cycle. Leaves: a table of errors, a plot, rows of figures. Truth comes from
PyBaMM's Doyle-Fuller-Newman model, never from an equivalent circuit. Never happens here: an assert on a figure; a
parameter taken from the truth's own equations.
"""

"""How much of the saving of perfect foresight the rules of peak shaving reach, on the recorded profiles.

In: the profiles of ``simems_edge.sim``. Out: bills of the highest demand with no battery, with rules, with foresight.
Never here: a rule of its own - the controller's functions are called -, or a look ahead but in ``foresight``.
"""

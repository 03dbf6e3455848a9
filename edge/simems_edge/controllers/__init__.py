"""Controllers: small plugins that read one frozen snapshot and propose. Each class of them has its folder.

In: settings and a Context. Out: proposals (preferred values, bounds) and their own metrics.
Never here: I/O, clocks, threads, device protocols, or a write past arbitration and guards.
"""

"""Energy reports: a day, a week or a month of a site, or of all sites below a node of the tree.

Enters: quarter-hour figures of the sites, their alarms. Leaves: inputs that are stored with their hash, and HTML,
PDF and CSV made from them alone, byte for byte the same whenever they are made again. Never here: money (that is
billing), a figure that hides a gap. type: backend; safety impact: none on site control; fallback: what is not known
is shown as not known, a report that cannot be made says why; metrics: rows of ``reports``; test plan: days worked
out by hand.
"""

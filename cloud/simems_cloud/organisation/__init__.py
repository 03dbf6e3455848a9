"""The organisation: a tree of enterprises, sites, buildings, floors, spaces and equipment, and facts about sites.

Enters: nodes one by one or as CSV. Leaves: the tree within one's reach; access given at a node holds for all below it.
Never here: measured values, what a device announces. type: backend; safety impact: none on site control: limits written
here are for bills and reports, the site file alone limits the site; fallback: a site outside the tree is seen by those
only whose role holds everywhere; metrics: entries ``node.*`` and ``site_facts.*`` of the audit log.
"""

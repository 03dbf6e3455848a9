"""Tenants as whoever runs the platform sees them: create, suspend, export, delete.

Enters: a name, a tenant. Leaves: an invitation for the first administrator, files of everything a tenant has, a
tombstone. Never here: reading or changing what a tenant does inside. type: backend; safety impact: a suspended tenant's
edges go on by themselves and keep their data; fallback: none; metrics: entries ``tenant.*`` of the audit log.
"""

"""The work that nobody waits for: rollups, packing, partitions, retention, exports.

Enters: what ingest and people left to do, found in the database. Leaves: rows. Several may run at once: every job is
claimed in the database and done in one transaction, so one that dies leaves nothing half done. Never here: sockets.
"""

"""The door for edges: ZeroMQ ROUTER with CURVE; every frame is checked, stored once, committed, then acknowledged.

Enters: wire messages of devices whose public key is registered. Leaves: acks, refusals, rows. Never here: an ack before
the commit, a live frame behind more than a frame or two of an old backlog, trust in anything but the authenticated key,
a crash because of what a device sent, rows of two tenants in one transaction.
"""

"""The door for edges: ZeroMQ ROUTER with CURVE; every frame is checked, stored once, committed, then acknowledged.

Enters: wire messages of devices whose public key is registered. Leaves: acks, refusals, rows. Never here: an ack before
the commit, trust in anything but the authenticated key, a crash because of what a device sent.
"""

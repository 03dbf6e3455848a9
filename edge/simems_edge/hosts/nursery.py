"""Loaded once by the server that controllers' processes are forked from, and by nothing else.

A service manager that stops the edge tells every process of it to end. The edge alone acts on that: it brings the site
to rest first, and then ends these.
"""

import signal

import simems_edge.controllers
import simems_edge.hosts.process  # noqa: F401 - what every child needs is loaded before it is born

signal.signal(signal.SIGTERM, signal.SIG_IGN)
signal.signal(signal.SIGINT, signal.SIG_IGN)

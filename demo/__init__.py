"""The demonstration: a simulated site, its edge, the cloud and both screens, started and stopped together.

Enters: ``demo/site.yaml`` and a few environment variables (see ``settings``). Leaves: everything below one data folder
(``.demo`` by default), and a READY line. Never here: product code; every process is started by its public command.
"""

"""The work that nobody waits for: rollups, packing, partitions; alarm rules, notifications, reports.

Enters: what ingest and people left to do, found in the database, and rows of procrastinate's queue. Leaves: rows,
messages. Several may run at once: every job is claimed in the database, so one that dies leaves nothing half done.
Never here: how a thing is done (the rooms say that), sockets for devices. type: backend; safety impact: none on site
control; fallback: without a worker nothing is lost, what is due waits in the database; metrics:
``simems_worker_jobs_total``, ``simems_worker_failures_total``; test plan: a worker killed between any two steps,
receivers that are down.
"""

"""The worker: what happens by itself. Periodic looks over all tenants, and jobs that tenants asked for.

Enters: rows of procrastinate's queue. Leaves: alarms, deliveries, reports. Never here: how a thing is done (the
rooms say that); two looks of one kind at the same time. type: backend; safety impact: none on site control;
fallback: without a worker nothing is lost, what is due waits in the database; metrics:
``simems_worker_jobs_total``; test plan: a worker killed between any two steps, receivers that are down.
"""

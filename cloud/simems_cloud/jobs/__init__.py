"""Background jobs as a tenant sees them: asked for in the transaction that needs them, listed, started again.

Enters: a task's name and its arguments. Leaves: a row for the worker, stamped with the tenant by the database.
Never here: what a job does (the rooms do that), jobs of another tenant, the queue's tables (only the worker's role
reaches them).
"""

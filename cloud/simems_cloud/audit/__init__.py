"""The audit log: who did what to what, one hash chain per tenant, appended in the transaction it records.

Enters: an actor, an action, an object, details. Leaves: entries that only grow in number, heads to keep elsewhere, the
word whether a chain is whole. A change that records nothing is rolled back. Never here: passwords, tokens, values of
telemetry. type: backend; safety impact: none on site control, a change is refused when its entry cannot be written;
fallback: none, no entry means no change; metrics: rows of ``audit_log``; test plan: tampering as a superuser.
"""

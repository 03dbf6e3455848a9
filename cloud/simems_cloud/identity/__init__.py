"""People: how they come in, what they may, how they leave.

Enters: invitations, e-mail and password, codes of a second factor, answers of a provider. Leaves: sessions, access and
refresh tokens, API tokens, roles. Never here: a password or token in clear, kept or logged; the same answer meets a
wrong e-mail and a wrong password. type: backend; safety impact: none on site control; fallback: the site's own screen;
metrics: sign-ins in the audit log, ``simems_http_requests_total`` by route.
"""

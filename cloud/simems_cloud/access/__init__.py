"""Who may do what: permissions, the signed-in principal, and the one declaration each route carries.

Enters: a bearer token. Leaves: a principal with its permissions and how far in the tree they reach, or a refusal.
Never here: how one signs in, passwords, data of a domain. Unknown tokens, ended sessions, suspended tenants and a
database that does not answer all mean: no.
"""

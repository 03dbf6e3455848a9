"""The database's schema, step by step: alembic over psycopg, each step a SQL file run as the owner role.

Enters: a PostgreSQL URL that may create roles. Leaves: roles and tables at the newest revision.
Never here: data of tenants.
"""

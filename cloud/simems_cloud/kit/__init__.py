"""What every room of the cloud stands on: settings, the database, the one transaction helper, errors, logs.

Enters: environment variables, secret files, a PostgreSQL (its own or a given one). Leaves: connections that know
their tenant, problem+json answers, JSON log lines. Never here: anything about sites, people or telemetry.
"""

"""Sim EMS cloud: ingest, telemetry, sites, alarms and the portal API."""

"""Of every test: generated examples have no deadline of their own, for a shared machine keeps none."""

from hypothesis import HealthCheck, settings

settings.register_profile("shared", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("shared")

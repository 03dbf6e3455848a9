"""The permissions there are and the built-in roles, each a named set of them."""

from __future__ import annotations

from enum import StrEnum


class Permission(StrEnum):
    """``what:verb``; the table ``permissions`` holds the same list for the tenants' own roles."""

    SITES_READ = "sites:read"
    SITES_WRITE = "sites:write"
    TELEMETRY_READ = "telemetry:read"
    ALARMS_READ = "alarms:read"
    ALARMS_ACKNOWLEDGE = "alarms:acknowledge"
    ALARMS_WRITE = "alarms:write"
    NOTIFICATIONS_WRITE = "notifications:write"
    REPORTS_READ = "reports:read"
    REPORTS_WRITE = "reports:write"
    JOBS_READ = "jobs:read"
    JOBS_WRITE = "jobs:write"
    ORGANISATION_READ = "organisation:read"
    ORGANISATION_WRITE = "organisation:write"
    DEVICES_READ = "devices:read"
    DEVICES_WRITE = "devices:write"
    COMMANDS_READ = "commands:read"
    COMMANDS_WRITE = "commands:write"
    USERS_READ = "users:read"
    USERS_WRITE = "users:write"
    ROLES_WRITE = "roles:write"
    BILLING_READ = "billing:read"
    BILLING_WRITE = "billing:write"
    AUDIT_READ = "audit:read"
    TENANT_WRITE = "tenant:write"
    PLATFORM_TENANTS = "platform:tenants"


P = Permission
_VIEW = frozenset({P.SITES_READ, P.TELEMETRY_READ, P.ALARMS_READ, P.ORGANISATION_READ, P.REPORTS_READ})
_OPERATE = _VIEW | {P.ALARMS_ACKNOWLEDGE, P.DEVICES_READ, P.COMMANDS_READ, P.COMMANDS_WRITE}
_MANAGE = _OPERATE | {
    P.SITES_WRITE,
    P.ORGANISATION_WRITE,
    P.DEVICES_WRITE,
    P.USERS_READ,
    P.BILLING_READ,
    P.AUDIT_READ,
    P.ALARMS_WRITE,
    P.NOTIFICATIONS_WRITE,
    P.REPORTS_WRITE,
    P.JOBS_READ,
    P.JOBS_WRITE,
}
BUILT_IN: dict[str, frozenset[Permission]] = {
    "tenant_admin": frozenset(P) - {P.PLATFORM_TENANTS},
    "fleet_manager": _MANAGE,
    "site_operator": _OPERATE,
    "viewer": _VIEW,
    "billing": frozenset(
        {P.SITES_READ, P.TELEMETRY_READ, P.ORGANISATION_READ, P.BILLING_READ, P.BILLING_WRITE, P.REPORTS_READ}
    ),
    "platform": frozenset({P.PLATFORM_TENANTS}),
}
ADMIN, PLATFORM = "tenant_admin", "platform"

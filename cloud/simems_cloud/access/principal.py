"""Somebody signed in: a person's session or one of their API tokens, as one tenant."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from uuid import UUID

from simems_cloud.access.permissions import Permission


@dataclass(frozen=True)
class Grant:
    """A role at a node of the tree and below; ``path`` None: everywhere in the tenant."""

    role: str
    permissions: frozenset[str]
    path: str | None = None


@dataclass(frozen=True)
class Principal:
    """Who asks. ``session_id`` None: an API token, which may not touch the person's own account."""

    user_id: UUID
    tenant_id: UUID
    email: str
    name: str
    grants: tuple[Grant, ...]
    expires_at: float
    """Unix time."""
    session_id: UUID | None
    token_name: str | None = None
    must_enrol: bool = False
    """The tenant wants a second factor and this person has none yet: only their own account is open to them.
    Their API tokens wait until then as well."""

    @property
    def actor(self) -> str:
        """As the audit log names them."""
        return self.email if self.token_name is None else f"{self.email} (token {self.token_name})"

    def paths(self, permission: Permission) -> list[str] | None:
        """The nodes at and below which it holds; None: everywhere; empty: nowhere."""
        found = [grant.path for grant in self.grants if permission in grant.permissions]
        return None if None in found else sorted({path for path in found if path is not None})

    def holds(self, permission: str, path: str | None) -> bool:
        """Whether it holds at that node (None: in the whole tenant)."""
        return any(permission in grant.permissions and _covers(grant.path, path) for grant in self.grants)

    def holds_all(self, permissions: Iterable[str], path: str | None) -> bool:
        """Nobody gives more than they have."""
        return all(self.holds(permission, path) for permission in permissions)


def _covers(granted: str | None, path: str | None) -> bool:
    if granted is None:
        return True
    return path is not None and (path == granted or path.startswith(granted + "."))

"""Which node may stand under which; how its path is made. Pure."""

from __future__ import annotations

from uuid import UUID

from simems_cloud.organisation.schemas import Kind

DEEPEST = 20
PARENTS: dict[Kind, frozenset[Kind | None]] = {
    "enterprise": frozenset({None, "enterprise"}),
    "site": frozenset({"enterprise"}),
    "building": frozenset({"site"}),
    "floor": frozenset({"building"}),
    "space": frozenset({"site", "building", "floor", "space"}),
    "equipment": frozenset({"site", "building", "floor", "space", "equipment"}),
}
"""None: at the root."""


def label(node_id: UUID) -> str:
    """A node's part of the path: letters and digits only, as every version of ltree takes them."""
    return node_id.hex


def path_below(parent: str | None, node_id: UUID) -> str:
    return label(node_id) if parent is None else f"{parent}.{label(node_id)}"


def is_within(path: str, ancestor: str) -> bool:
    """At it or below it."""
    return path == ancestor or path.startswith(ancestor + ".")


def misplaced(kind: Kind, parent: Kind | None) -> str | None:
    """Why this may not stand there; None: it may."""
    if parent in PARENTS[kind]:
        return None
    allowed = " or ".join(sorted("the root" if kind is None else f"a {kind}" for kind in PARENTS[kind]))
    return f"a {kind} stands under {allowed}, not under {'the root' if parent is None else f'a {parent}'}"

"""Bodies of the organisation calls. Limits in W; coordinates in degrees (WGS 84)."""

from __future__ import annotations

from functools import lru_cache
from typing import Annotated, Literal
from uuid import UUID
from zoneinfo import available_timezones

from pydantic import AfterValidator, BaseModel, Field, StringConstraints

from simems_cloud.kit.described import example

Kind = Literal["enterprise", "site", "building", "floor", "space", "equipment"]
NodeName = Annotated[
    str, StringConstraints(strip_whitespace=True, min_length=1, max_length=200, pattern=r"^[^/\x00-\x1f]*$")
]
SiteId = Annotated[str, StringConstraints(min_length=1, max_length=100, pattern=r"^[A-Za-z0-9][A-Za-z0-9._-]*$")]
Text = Annotated[str, StringConstraints(strip_whitespace=True, max_length=200, pattern=r"^[^\x00]*$")]
LimitW = Annotated[float, Field(ge=0, allow_inf_nan=False)]


@lru_cache
def _zones() -> frozenset[str]:
    """Once: it reads the whole database's folder."""
    return frozenset(available_timezones())


def known_zone(name: str) -> str:
    """Raises ValueError."""
    if name not in _zones():
        raise ValueError(f"{name!r}: not a time zone of the IANA database; write e.g. Europe/Stockholm")
    return name


TimeZone = Annotated[str, AfterValidator(known_zone)]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]


class NodeRequest(BaseModel):
    """``site_id`` for a site and only there: the id its device announces, or will."""

    model_config = example(parent_id=None, kind="enterprise", name="Harbour Foods", site_id=None)
    parent_id: UUID | None = None
    kind: Kind
    name: NodeName
    site_id: SiteId | None = None


class Node(BaseModel):
    model_config = example(
        id="1b671a64-40d5-491e-99b0-da01ff1f3341",
        parent_id=None,
        kind="enterprise",
        name="Harbour Foods",
        path="1b671a6440d5491e99b0da01ff1f3341",
        site_id=None,
        archived=False,
        version=1,
    )
    id: UUID
    parent_id: UUID | None
    kind: Kind
    name: str
    path: str = Field(description="Ids from the root down, without hyphens, joined by dots.")
    site_id: str | None
    archived: bool
    version: int


class Nodes(BaseModel):
    """In the tree's order, parents first. ``next``: pass as ``after`` for the next page; null: this was the last."""

    items: list[Node]
    next: str | None


class Rename(BaseModel):
    model_config = example(name="Harbour Foods AB")
    name: NodeName


class Move(BaseModel):
    """``parent_id`` null: to the root."""

    model_config = example(parent_id="1b671a64-40d5-491e-99b0-da01ff1f3341")
    parent_id: UUID | None


class FactsRequest(BaseModel):
    """What people say about a site; null: as its device announces it."""

    model_config = example(
        time_zone="Europe/Stockholm",
        currency="SEK",
        import_limit_w=100_000,
        export_limit_w=50_000,
        street="Hamngatan 1",
        postal_code="211 22",
        city="Malmö",
        country="SE",
        latitude_deg=55.61,
        longitude_deg=12.99,
        market_zone="SE4",
    )
    time_zone: TimeZone | None = None
    currency: Currency | None = None
    import_limit_w: LimitW | None = None
    export_limit_w: LimitW | None = None
    street: Text = ""
    postal_code: Text = ""
    city: Text = ""
    country: Annotated[str, StringConstraints(pattern=r"^([A-Z]{2})?$")] = ""
    latitude_deg: Annotated[float, Field(ge=-90, le=90)] | None = None
    longitude_deg: Annotated[float, Field(ge=-180, le=180)] | None = None
    market_zone: Text = ""


class Facts(FactsRequest):
    """``effective_...``: what holds, said by people or else announced by the device."""

    site_id: str
    effective_time_zone: str
    effective_currency: str
    effective_import_limit_w: float | None
    effective_export_limit_w: float | None
    version: int


class LineProblem(BaseModel):
    """``line`` counts from 1, the header; ``field`` is a column, empty for the whole line."""

    line: int
    field: str
    message: str


class ImportResult(BaseModel):
    """With problems nothing was written, dry run or not."""

    model_config = example(
        dry_run=True, nodes=12, sites=4, problems=[{"line": 3, "field": "kind", "message": "'hall': not a kind"}]
    )
    dry_run: bool
    nodes: int = Field(description="That were written, or would be.")
    sites: int
    problems: list[LineProblem]

"""Where prices of the day ahead come from."""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from simems_edge.config.connection import FilePath
from simems_edge.config.quantities import PositiveSeconds
from simems_edge.config.section import Strict

Pointer = Annotated[str, Field(max_length=200, pattern=r"^(/[^/]*)*$")]
Column = Annotated[str, Field(min_length=1, max_length=100)]


class PriceJson(Strict):
    """An answer in JSON. With ``rows``, ``start`` and ``price`` are looked up in each of them; else both are lists
    of the same length."""

    rows: Pointer | None = None
    """List of rows (RFC 6901); None: two lists side by side."""
    start: Pointer
    """Begin of a slot: ISO 8601 with offset, or seconds since 1970."""
    price: Pointer


class PriceCsv(Strict):
    """An answer in CSV with a head line."""

    start: Column
    price: Column
    delimiter: Annotated[str, Field(min_length=1, max_length=1)] = ","


class PriceSettings(Strict):
    """A price feed over HTTP, in the site's currency."""

    url: Annotated[str, Field(max_length=500, pattern=r"^https?://[^\s]+$")]
    """``{date}`` in it is the local day (2026-03-29), ``{year}``, ``{month}`` and ``{day}`` its parts, ``{next}`` the
    day after it. It is asked once for each day that is needed."""
    json_answer: PriceJson | None = Field(alias="json", default=None)
    csv: PriceCsv | None = None
    unit: Literal["per_kwh", "per_mwh"] = "per_mwh"
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    """Of the source; it must be the site's."""
    zone: Annotated[str, Field(min_length=1, max_length=64)]
    """IANA name: whose days are asked for, and whose clock times without offset mean."""
    multiply: Annotated[float, Field(gt=0, le=10)] = 1.0
    """E.g. 1.25 for VAT."""
    add_per_kwh: Annotated[float, Field(ge=-100, le=100)] = 0.0
    """Tax, grid fee and margin, added after ``multiply``."""
    lowest_per_kwh: float = -5.0
    """A source price below is taken for an error, and its whole answer refused."""
    highest_per_kwh: float = 50.0
    published: Annotated[str, Field(pattern=r"^([01]\d|2[0-3]):[0-5]\d$")] = "13:00"
    """Local time from which tomorrow's prices are asked for."""
    retry_s: Annotated[PositiveSeconds, Field(alias="retry", ge=10, le=86_400)] = 600.0
    timeout_s: Annotated[PositiveSeconds, Field(alias="timeout", le=60)] = 20.0
    token_file: FilePath | None = None
    """File whose first line is sent as bearer token; relative to the site file."""

    @model_validator(mode="after")
    def _exactly_one(self) -> Self:
        if (self.json_answer is None) == (self.csv is None):
            raise ValueError("must name exactly one of json and csv; say how the answer is read")
        if self.lowest_per_kwh >= self.highest_per_kwh:
            raise ValueError("has lowest_per_kwh not below highest_per_kwh; correct them")
        return self

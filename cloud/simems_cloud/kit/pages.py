"""Pages of lists whose body is a plain array: the cursor travels in a ``Link`` header (RFC 8288)."""

from __future__ import annotations

import base64
import json
from datetime import datetime
from typing import Annotated, Any
from uuid import UUID

from fastapi import Query, Request, Response

from simems_cloud.kit.problems import InvalidRequestError

After = Annotated[
    str | None,
    Query(
        max_length=700,
        pattern=r"^[A-Za-z0-9_=-]+$",
        description="From the `Link` header of the page before; without it: the first page.",
    ),
]


def cursor(*key: object) -> str:
    """Of the last row's place in the order; opaque to the client."""
    return base64.urlsafe_b64encode(json.dumps(key, default=str).encode()).decode()


def place(after: str | None, *kinds: type) -> list[Any]:
    """The key in a cursor, a value of each kind (bool, str, datetime, UUID); all None at the start.

    Raises InvalidRequestError.
    """
    if after is None:
        return [None] * len(kinds)
    try:
        key = json.loads(base64.urlsafe_b64decode(after.encode()))
        return [_as(kind, part) for kind, part in zip(kinds, key, strict=True)]
    except (ValueError, TypeError, RecursionError) as error:
        raise InvalidRequestError("after: not from a page of this list") from error


def _as(kind: type, part: object) -> object:
    if kind is datetime:
        moment = datetime.fromisoformat(str(part))
        if moment.tzinfo is None:
            raise ValueError("a time without an offset")
        return moment
    if kind is UUID:
        return UUID(str(part))
    if not isinstance(part, kind) or (isinstance(part, str) and "\x00" in part):
        raise ValueError("not of the wanted kind")
    return part


def link_next(request: Request, response: Response, key: str | None) -> None:
    """Say where the next page is; None: this was the last."""
    if key is not None:
        url = request.url.include_query_params(after=key)
        response.headers["Link"] = f'<{url.path}?{url.query}>; rel="next"'

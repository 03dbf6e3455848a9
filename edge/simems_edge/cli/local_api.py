"""Asks a running edge over its local HTTP interface."""

from __future__ import annotations

import json
from dataclasses import dataclass
from http.client import HTTPException
from typing import Any, Final
from urllib.error import HTTPError, URLError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

from simems_edge.cli.errors import BadInputError, UnreachableError

DEFAULT_URL: Final = "http://127.0.0.1:8080"
TIMEOUT_S: Final = 10.0
REFUSALS: Final = frozenset({401, 404, 409, 422, 429})
"""Statuses that an edge gives with a reason."""


@dataclass(frozen=True)
class Answer:
    status: int
    body: Any
    """JSON."""


def web_address(url: str) -> str:
    """Raises BadInputError unless it is http or https."""
    if urlsplit(url).scheme not in {"http", "https"}:
        raise BadInputError(f"--url: {url}: is no web address; use for example {DEFAULT_URL}")
    return url.rstrip("/")


def call(base: str, method: str, path: str, *, body: object = None, token: str | None = None) -> Answer:
    """``path`` under ``/api/v1``. Raises UnreachableError when nobody answers, or nothing that an edge would say."""
    headers = {"Content-Type": "application/json"} | ({} if token is None else {"Authorization": f"Bearer {token}"})
    data = None if body is None else json.dumps(body).encode()
    request = Request(f"{base}/api/v1{path}", data, headers, method=method)  # noqa: S310 - the scheme was checked
    try:
        with urlopen(request, timeout=TIMEOUT_S) as answer:  # noqa: S310 - the scheme was checked
            return Answer(answer.status, json.load(answer))
    except HTTPError as error:
        return _refusal(base, error)
    except (URLError, HTTPException, OSError, ValueError) as error:
        reason = getattr(error, "reason", error)
        raise UnreachableError(f"{base}: no answer ({reason}); is the edge running, and is --url right?") from error


def _refusal(base: str, error: HTTPError) -> Answer:
    if error.code not in REFUSALS:
        raise UnreachableError(f"{base}: answers {error.code}; is this an edge?") from error
    try:
        return Answer(error.code, json.load(error))
    except ValueError as broken:
        raise UnreachableError(f"{base}: answers {error.code} without a reason; is this an edge?") from broken

"""Errors of the HTTP interface as problem+json (RFC 9457), made in one place.

ApiError
 +- UnauthorisedError (401)
 +- LockedError (429)
 +- NotFoundError (404)
 +- RefusedError (409)
 +- UnacceptableError (422)
"""

from __future__ import annotations

from http import HTTPStatus
from typing import Any, ClassVar

from fastapi import FastAPI, Request, Response
from fastapi.exceptions import RequestValidationError
from starlette.exceptions import HTTPException
from starlette.responses import JSONResponse

from simems_edge.hmi.schemas import FieldError, Problem


class ApiError(Exception):
    """A refusal that carries its own status."""

    status: ClassVar[HTTPStatus] = HTTPStatus.BAD_REQUEST

    def __init__(self, detail: str, headers: dict[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = headers or {}


class UnauthorisedError(ApiError):
    status = HTTPStatus.UNAUTHORIZED

    def __init__(self, detail: str) -> None:
        super().__init__(detail, {"WWW-Authenticate": "Bearer"})


class LockedError(ApiError):
    """Too many wrong tries."""

    status = HTTPStatus.TOO_MANY_REQUESTS

    def __init__(self, retry_after_s: float) -> None:
        wait_s = max(1, round(retry_after_s))
        super().__init__(f"too many wrong PINs; wait {wait_s} s", {"Retry-After": str(wait_s)})


class NotFoundError(ApiError):
    status = HTTPStatus.NOT_FOUND


class RefusedError(ApiError):
    """Understood, but what stands on the site forbids it now."""

    status = HTTPStatus.CONFLICT


class UnacceptableError(ApiError):
    status = HTTPStatus.UNPROCESSABLE_ENTITY


def responses(*statuses: HTTPStatus) -> dict[int | str, dict[str, Any]]:
    """OpenAPI entries of the refusals a call can give."""
    return {int(status): {"model": Problem, "description": status.phrase} for status in statuses}


def install(app: FastAPI) -> None:
    """Every error leaves as problem+json."""
    app.add_exception_handler(ApiError, _api_error)
    app.add_exception_handler(HTTPException, _http_error)
    app.add_exception_handler(RequestValidationError, _validation_error)


def problem(
    status: int, detail: str, errors: list[FieldError] | None = None, headers: dict[str, str] | None = None
) -> Response:
    body = Problem(title=HTTPStatus(status).phrase, status=status, detail=detail, errors=errors or [])
    return JSONResponse(
        body.model_dump(mode="json"), status_code=status, headers=headers, media_type="application/problem+json"
    )


async def _api_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, ApiError)  # noqa: S101 - registered for this type alone
    return problem(error.status, error.detail, headers=error.headers)


async def _http_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type alone
    return problem(error.status_code, str(error.detail), headers=dict(error.headers or {}))


async def _validation_error(_: Request, error: Exception) -> Response:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type alone
    fields = [FieldError(path="/".join(map(str, e["loc"])), message=str(e["msg"])) for e in error.errors()]
    return problem(422, "the request is not valid", fields)

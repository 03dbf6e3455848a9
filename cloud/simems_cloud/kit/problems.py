"""Errors that carry their status, answered as problem+json (RFC 9457) by one handler."""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Any

import asyncpg
from fastapi import FastAPI, Request
from fastapi.encoders import jsonable_encoder
from fastapi.exceptions import RequestValidationError
from fastapi.responses import JSONResponse
from pydantic import BaseModel, Field
from starlette.exceptions import HTTPException

from simems_cloud.kit.database import UNAVAILABLE

log = logging.getLogger(__name__)
MEDIA_TYPE = "application/problem+json"
BODY_UNREADABLE = 400
"""The framework's answer to a body that is no text at all; ours to every wrong request is 422."""


class FieldError(BaseModel):
    """One wrong field of a request."""

    field: str
    message: str


class Problem(BaseModel):
    """Body of every error answer."""

    type: str = "about:blank"
    title: str
    status: int
    detail: str
    errors: list[FieldError] | None = Field(default=None, description="One per wrong field.")


class ProblemError(Exception):
    """Base of the errors that a service raises for its caller."""

    status = 500
    title = "Internal error"
    type = "about:blank"

    def __init__(self, detail: str, headers: Mapping[str, str] | None = None) -> None:
        super().__init__(detail)
        self.detail = detail
        self.headers = dict(headers or {})


class InvalidRequestError(ProblemError):
    status, title = 422, "Invalid request"


class NotSignedInError(ProblemError):
    status, title = 401, "Not signed in"

    def __init__(self, detail: str) -> None:
        super().__init__(detail, {"WWW-Authenticate": "Bearer"})


class ForbiddenError(ProblemError):
    status, title = 403, "Not allowed"


class NotFoundError(ProblemError):
    """Not there, or of another tenant: the same answer."""

    status, title = 404, "Not found"


class ConflictError(ProblemError):
    """It is there already, or in a state that does not allow this."""

    status, title = 409, "Conflict"


class PreconditionFailedError(ProblemError):
    status, title = 412, "Changed in between"


class PreconditionRequiredError(ProblemError):
    status, title = 428, "Precondition required"


class SecondFactorNeededError(NotSignedInError):
    """The password is right; send the code as well."""

    title = "Second factor needed"
    type = "urn:simems:problem:second-factor-needed"


class TooManyAttemptsError(ProblemError):
    status, title = 429, "Too many attempts"


class UnavailableError(ProblemError):
    status, title = 503, "Not available"


def install(app: FastAPI) -> None:
    """The handlers, the only place where an error becomes an answer."""
    app.add_exception_handler(ProblemError, _own)
    app.add_exception_handler(HTTPException, _http)
    app.add_exception_handler(RequestValidationError, _validation)
    app.add_exception_handler(asyncpg.DataError, _data)
    for kind in UNAVAILABLE:
        app.add_exception_handler(kind, _unavailable)
    app.add_exception_handler(Exception, _unexpected)


def documented(*statuses: int) -> dict[int | str, dict[str, Any]]:
    """For ``responses=``: these answers are problems."""
    return {status: {"model": Problem} for status in statuses}


def answer(problem: Problem, headers: Mapping[str, str] | None = None) -> JSONResponse:
    body: dict[str, Any] = jsonable_encoder(problem, exclude_none=True)
    return JSONResponse(body, status_code=problem.status, headers=headers, media_type=MEDIA_TYPE)


async def _own(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, ProblemError)  # noqa: S101 - registered for this type only
    problem = Problem(type=error.type, title=error.title, status=error.status, detail=error.detail)
    return answer(problem, error.headers)


async def _http(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, HTTPException)  # noqa: S101 - registered for this type only
    if error.status_code == BODY_UNREADABLE:
        return answer(
            Problem(title="Invalid request", status=422, detail="the body cannot be read; send JSON in UTF-8")
        )
    return answer(Problem(title=error.detail, status=error.status_code, detail=error.detail), error.headers)


async def _validation(_request: Request, error: Exception) -> JSONResponse:
    assert isinstance(error, RequestValidationError)  # noqa: S101 - registered for this type only
    fields = [FieldError(field=".".join(map(str, e["loc"])), message=str(e["msg"])) for e in error.errors()]
    detail = "; ".join(f"{f.field}: {f.message}" for f in fields)
    return answer(Problem(title="Invalid request", status=422, detail=detail, errors=fields))


async def _data(_request: Request, error: Exception) -> JSONResponse:
    """A value no column can hold, e.g. a zero byte in an address."""
    return answer(Problem(title="Invalid request", status=422, detail=f"a value cannot be used: {error}"))


async def _unavailable(_request: Request, error: Exception) -> JSONResponse:
    log.warning("the database does not answer", extra={"error": repr(error)})
    detail = "the database does not answer; try again in a moment"
    return answer(Problem(title="Not available", status=503, detail=detail), {"Retry-After": "2"})


async def _unexpected(_request: Request, error: Exception) -> JSONResponse:
    log.error("unexpected error", exc_info=error)
    return answer(Problem(title="Internal error", status=500, detail="an unexpected error; it has been logged"))

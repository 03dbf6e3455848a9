"""``/api/v1/actions`` and ``/api/v1/limits``: what was done at this box and by whom, what was asked from outside."""

from __future__ import annotations

from http import HTTPStatus
from typing import Annotated

from fastapi import APIRouter, Query

from simems_edge.buffer import StorageError
from simems_edge.hmi.errors import RefusedError, responses
from simems_edge.hmi.record_schemas import Action, LimitEvent
from simems_edge.hmi.routes import Edge

router = APIRouter(prefix="/api/v1", tags=["records"])
Limit = Annotated[int, Query(ge=1, le=1000)]
READS = responses(HTTPStatus.CONFLICT, HTTPStatus.UNPROCESSABLE_ENTITY)


@router.get("/actions", responses=READS)
async def get_actions(edge: Edge, limit: Limit = 100) -> list[Action]:
    """What was done at this box and what became of it, commands of the cloud among it; newest first."""
    try:
        return await edge.actions(limit)
    except StorageError as error:
        raise RefusedError(f"the list cannot be read: {error}") from error


@router.get("/limits", responses=READS)
async def get_limits(edge: Edge, limit: Limit = 100) -> list[LimitEvent]:
    """Limits and reserve calls from outside: received, obeyed, released; newest first."""
    try:
        return await edge.limits(limit)
    except OSError as error:
        raise RefusedError(f"the record of limits cannot be read ({error.strerror}); check the disk") from error

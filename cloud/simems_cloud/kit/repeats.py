"""Idempotency keys: a POST that is sent twice with the same key is done once and answered twice."""

from __future__ import annotations

import hashlib
from collections.abc import Awaitable, Callable
from typing import Annotated, TypeVar
from uuid import UUID

from fastapi import Header
from pydantic import BaseModel

from simems_cloud.kit.database import Connection
from simems_cloud.kit.problems import ConflictError
from simems_cloud.kit.vault import Vault

M = TypeVar("M", bound=BaseModel)
IdempotencyKey = Annotated[
    str | None,
    Header(
        alias="Idempotency-Key",
        min_length=8,
        max_length=200,
        description="Chosen by the client, e.g. a UUID. Repeating a request with the same key does it once.",
    ),
]
_CLAIM = """insert into idempotency_keys (tenant_id, user_id, key_hash, request_hash) values (app_tenant(), $1, $2, $3)
    on conflict (tenant_id, user_id, key_hash) do nothing returning true"""
_FOUND = "select request_hash, sealed_answer from idempotency_keys where user_id = $1 and key_hash = $2"
_KEEP = "update idempotency_keys set sealed_answer = $3 where user_id = $1 and key_hash = $2"
_FORGET = "delete from idempotency_keys where user_id = $1 and created_at < now() - interval '1 day'"


class Once:
    """Of one request: ``key`` None does it every time. ``place``: what the request's address names, if it names one."""

    def __init__(self, vault: Vault, user_id: UUID, key: str | None, request: BaseModel, place: object = "") -> None:
        self._vault, self._user = vault, user_id
        self._key = None if key is None else hashlib.sha256(key.encode()).digest()
        text = f"{type(request).__name__}{place}:{request.model_dump_json()}"
        self._request = hashlib.sha256(text.encode()).digest()

    async def answer(self, connection: Connection, kind: type[M], make: Callable[[], Awaitable[M]]) -> tuple[M, bool]:
        """(answer, whether it was made now). A second request waits here until the first has committed.

        Raises ConflictError when the key was used for something else.
        """
        if self._key is None:
            return await make(), True
        await connection.execute(_FORGET, self._user)
        if not await connection.fetchval(_CLAIM, self._user, self._key, self._request):
            return await self._repeat(connection, kind), False
        made = await make()
        await connection.execute(_KEEP, self._user, self._key, self._vault.seal(made.model_dump_json()))
        return made, True

    async def _repeat(self, connection: Connection, kind: type[M]) -> M:
        row = await connection.fetchrow(_FOUND, self._user, self._key)
        if row is None or row["sealed_answer"] is None or row["request_hash"] != self._request:
            raise ConflictError("Idempotency-Key: used before for another request; choose a new one")
        return kind.model_validate_json(self._vault.open(row["sealed_answer"]))

"""What people do with alarms besides acknowledging: comments, silences; and the story of each."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from uuid import UUID

import asyncpg

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.alarms.rules import QUERIES
from simems_cloud.alarms.schemas import (
    AlarmChange,
    AlarmChanges,
    CommentRequest,
    Silence,
    SilenceAlarm,
    SilenceRequest,
)
from simems_cloud.audit.log import Change, change
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.pages import cursor, place
from simems_cloud.kit.problems import ForbiddenError, InvalidRequestError, NotFoundError
from simems_cloud.kit.repeats import Once
from simems_cloud.sites.service import require_site

LONGEST = timedelta(days=366)
_SITE_PATH = "select path::text from org_nodes where site_id = $1"


async def comment(pool: Pool, principal: Principal, alarm_id: UUID, request: CommentRequest, once: Once) -> AlarmChange:
    """Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        answer, new = await once.answer(
            made.connection, AlarmChange, lambda: _comment(made, principal, alarm_id, request)
        )
        made.repeated = not new
        return answer


async def _comment(made: Change, principal: Principal, alarm_id: UUID, request: CommentRequest) -> AlarmChange:
    alarm = await _alarm(made.connection, principal, alarm_id, Permission.ALARMS_ACKNOWLEDGE)
    values = (alarm_id, alarm["site_id"], alarm["severity"], principal.email, request.text)
    row = await made.connection.fetchrow(QUERIES["comment"], *values)
    if row is None:
        raise NotFoundError(f"no alarm {alarm_id}")
    await made.record("alarm.comment", alarm_id, {"site_id": alarm["site_id"], "text": request.text})
    return AlarmChange(**dict(row))


async def story(pool: Pool, principal: Principal, alarm_id: UUID, after: int | None, limit: int) -> AlarmChanges:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await _alarm(connection, principal, alarm_id, Permission.ALARMS_READ)
        rows = await connection.fetch(QUERIES["changes"], alarm_id, after, limit + 1)
    items = [AlarmChange(**dict(row)) for row in rows[:limit]]
    return AlarmChanges(items=items, next=items[-1].id if len(rows) > limit else None)


async def silence_alarm(pool: Pool, principal: Principal, alarm_id: UUID, request: SilenceAlarm, once: Once) -> Silence:
    """This alarm and others of its code and component at its site. Raises NotFoundError, InvalidRequestError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        alarm = await _alarm(connection, principal, alarm_id, Permission.ALARMS_ACKNOWLEDGE)
    wanted = SilenceRequest.model_construct(
        site_id=alarm["site_id"],
        code=alarm["code"] or "*",
        component=alarm["component"] or "*",
        until=request.until,
        reason=request.reason,
    )
    return await silence(pool, principal, wanted, once)


async def silence(pool: Pool, principal: Principal, request: SilenceRequest, once: Once) -> Silence:
    """Raises NotFoundError (the site), InvalidRequestError (the time), ForbiddenError (all sites, or another's)."""
    if not datetime.now(UTC) < request.until < datetime.now(UTC) + LONGEST:
        raise InvalidRequestError("until: a time to come, within a year")
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        answer, new = await once.answer(made.connection, Silence, lambda: _silence(made, principal, request))
        made.repeated = not new
        return answer


async def _silence(made: Change, principal: Principal, request: SilenceRequest) -> Silence:
    path = None
    if request.site_id is not None:
        await require_site(made.connection, request.site_id)
        path = await made.connection.fetchval(_SITE_PATH, request.site_id)
    if not principal.holds(Permission.ALARMS_ACKNOWLEDGE, path):
        raise ForbiddenError("this needs the permission alarms:acknowledge for every site it silences")
    fields = (request.site_id, request.code, request.component, request.until, request.reason, principal.email)
    row = await made.connection.fetchrow(QUERIES["add_silence"], *fields)
    if row is None:
        raise RuntimeError("a silence was not stored")
    await made.record("alarm.silence", row["id"], request.model_dump(mode="json"))
    return Silence(**dict(row))


async def silences(
    pool: Pool, principal: Principal, *, ended: bool, after: str | None, limit: int
) -> tuple[list[Silence], str | None]:
    """Newest first, one page, with the next one's cursor. Raises InvalidRequestError."""
    key = place(after, datetime, UUID)
    paths = principal.paths(Permission.ALARMS_READ)
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        rows = await connection.fetch(QUERIES["silences"], ended, paths, *key, limit + 1)
    found = [Silence(**dict(row)) for row in rows[:limit]]
    last = found[-1] if len(rows) > limit else None
    return found, None if last is None else cursor(last.created_at.isoformat(), last.id)


async def end_silence(pool: Pool, principal: Principal, silence_id: UUID) -> Silence:
    """Raises NotFoundError."""
    paths = principal.paths(Permission.ALARMS_ACKNOWLEDGE)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        row = await made.connection.fetchrow(QUERIES["end_silence"], silence_id, paths)
        if row is None:
            raise NotFoundError(f"no silence {silence_id}")
        await made.record("alarm.end_silence", silence_id, {"site_id": row["site_id"]})
    return Silence(**dict(row))


async def _alarm(
    connection: Connection, principal: Principal, alarm_id: UUID, permission: Permission
) -> asyncpg.Record:
    row = await connection.fetchrow(QUERIES["alarm_place"], alarm_id, principal.paths(permission))
    if row is None:
        raise NotFoundError(f"no alarm {alarm_id}")
    return row

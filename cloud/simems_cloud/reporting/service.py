"""Ask for, list, download, check and schedule reports."""

from __future__ import annotations

import asyncio
import json
from datetime import datetime
from typing import Any
from uuid import UUID

import asyncpg

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import Change, change
from simems_cloud.kit import versions
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.kit.pages import cursor, place
from simems_cloud.kit.problems import ConflictError, InvalidRequestError, NotFoundError
from simems_cloud.kit.repeats import Once
from simems_cloud.reporting.energy import QUERIES
from simems_cloud.reporting.files import File, Format, render_all
from simems_cloud.reporting.inputs import unpack
from simems_cloud.reporting.periods import span
from simems_cloud.reporting.schedule import ask, zone_of
from simems_cloud.reporting.schemas import Report, ReportRequest, Schedule, ScheduleRequest, Verdict

READ, WRITE = Permission.REPORTS_READ, Permission.REPORTS_WRITE
REPORTABLE = ("enterprise", "site")


async def create(pool: Pool, principal: Principal, request: ReportRequest, once: Once) -> Report:
    """Raises NotFoundError, InvalidRequestError (the node)."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        answer, new = await once.answer(made.connection, Report, lambda: _create(made, principal, request))
        made.repeated = True
        return answer if new else await _report(made.connection, principal, answer.id, READ)


async def _create(made: Change, principal: Principal, request: ReportRequest) -> Report:
    await _node(made.connection, principal, request.node_id)
    zone = request.time_zone or await zone_of(made.connection, request.node_id)
    of = span(request.period, request.day, zone)
    report_id = await ask(made.connection, request.node_id, of, principal.actor, None)
    if report_id is None:
        raise RuntimeError("a report without a schedule was asked for before")
    return await _report(made.connection, principal, report_id, WRITE)


async def list_reports(
    pool: Pool, principal: Principal, node_id: UUID | None, *, after: str | None, limit: int
) -> tuple[list[Report], str | None]:
    """Newest first, one page, with the next one's cursor. Raises InvalidRequestError."""
    key = place(after, datetime, UUID)
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        rows = await connection.fetch(QUERIES["list_reports"], principal.paths(READ), node_id, *key, limit + 1)
    found = [_answer(row) for row in rows[:limit]]
    last = found[-1] if len(rows) > limit else None
    return found, None if last is None else cursor(last.created_at.isoformat(), last.id)


async def get(pool: Pool, principal: Principal, report_id: UUID) -> Report:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await _report(connection, principal, report_id, READ)


async def download(pool: Pool, principal: Principal, report_id: UUID, form: Format) -> tuple[Report, File]:
    """Recorded: who took what away. Raises NotFoundError, ConflictError (not ready)."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        found = await _report(made.connection, principal, report_id, READ)
        row = await made.connection.fetchrow(QUERIES["file"], report_id, form)
        if row is None:
            raise ConflictError(f"the report is {found.state}: {found.error or 'try again in a moment'}")
        await made.record("report.download", report_id, {"format": form, "sha256": row["sha256"]})
    return found, File(form, row["content"])


async def verify(pool: Pool, principal: Principal, report_id: UUID) -> Verdict:
    """Make the files again and compare. Raises NotFoundError, ConflictError (not ready)."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        await _report(connection, principal, report_id, READ)
        row = await connection.fetchrow(QUERIES["inputs"], report_id)
        if row is None:
            raise ConflictError("the report is not ready")
        kept = {file["format"]: file["sha256"] for file in await connection.fetch(QUERIES["files"], report_id)}
    inputs, inputs_hash = unpack(row["inputs"])
    again = await asyncio.to_thread(render_all, inputs, row["inputs_hash"])
    differing: list[Format] = [file.format for file in again if kept.get(file.format) != file.sha256]
    intact = inputs_hash == row["inputs_hash"]
    return Verdict(identical=intact and not differing, inputs_intact=intact, differing=differing)


async def delete(pool: Pool, principal: Principal, report_id: UUID) -> None:
    """Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        row = await made.connection.fetchrow(QUERIES["delete_report"], report_id, principal.paths(WRITE))
        if row is None:
            raise NotFoundError(f"no report {report_id}")
        await made.record("report.delete", report_id, dict(row))


async def list_schedules(pool: Pool, principal: Principal) -> list[Schedule]:
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        rows = await connection.fetch(QUERIES["schedules"], principal.paths(READ), None)
    return [Schedule(**dict(row)) for row in rows]


async def get_schedule(pool: Pool, principal: Principal, schedule_id: UUID) -> Schedule:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await _schedule(connection, principal, schedule_id, READ)


async def create_schedule(pool: Pool, principal: Principal, request: ScheduleRequest, once: Once) -> Schedule:
    """Raises NotFoundError, InvalidRequestError (the node)."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        answer, new = await once.answer(made.connection, Schedule, lambda: _add_schedule(made, principal, request))
        made.repeated = not new
        return answer


async def _add_schedule(made: Change, principal: Principal, request: ScheduleRequest) -> Schedule:
    await _node(made.connection, principal, request.node_id)
    fields = (request.node_id, request.period, request.time_zone, request.due_hour, request.active, principal.email)
    schedule_id = await made.connection.fetchval(QUERIES["add_schedule"], *fields)
    await made.record("report_schedule.create", schedule_id, request.model_dump(mode="json"))
    return await _schedule(made.connection, principal, schedule_id, WRITE)


async def update_schedule(
    pool: Pool, principal: Principal, schedule_id: UUID, request: ScheduleRequest, if_match: str | None
) -> Schedule:
    """Raises NotFoundError, InvalidRequestError, PreconditionFailedError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await _locked(made.connection, principal, schedule_id, if_match)
        await _node(made.connection, principal, request.node_id)
        fields = (request.node_id, request.period, request.time_zone, request.due_hour, request.active)
        await made.connection.execute(QUERIES["update_schedule"], schedule_id, *fields)
        await made.record("report_schedule.update", schedule_id, request.model_dump(mode="json"))
        return await _schedule(made.connection, principal, schedule_id, WRITE)


async def delete_schedule(pool: Pool, principal: Principal, schedule_id: UUID) -> None:
    """Its reports stay. Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await _schedule(made.connection, principal, schedule_id, WRITE)
        await made.connection.execute(QUERIES["delete_schedule"], schedule_id)
        await made.record("report_schedule.delete", schedule_id)


async def _locked(connection: Connection, principal: Principal, schedule_id: UUID, if_match: str | None) -> None:
    await _schedule(connection, principal, schedule_id, WRITE)
    version = await connection.fetchval(QUERIES["lock_schedule"], schedule_id)
    if version is None:
        raise NotFoundError(f"no schedule {schedule_id}")
    versions.check(if_match, version)


async def _node(connection: Connection, principal: Principal, node_id: UUID) -> asyncpg.Record:
    """Where one may make reports of. Raises NotFoundError, InvalidRequestError."""
    row = await connection.fetchrow(QUERIES["node"], node_id)
    if row is None or not principal.holds(WRITE, row["path"]):
        raise NotFoundError(f"no node {node_id}")
    if row["kind"] not in REPORTABLE:
        raise InvalidRequestError(f"node_id: a {row['kind']} has no meters of its own; choose its site")
    return row


async def _report(connection: Connection, principal: Principal, report_id: UUID, permission: Permission) -> Report:
    row = await connection.fetchrow(QUERIES["report"], report_id, principal.paths(permission))
    if row is None:
        raise NotFoundError(f"no report {report_id}")
    return _answer(row)


def _answer(row: asyncpg.Record) -> Report:
    fields: dict[str, Any] = dict(row)
    return Report(**{**fields, "files": json.loads(fields["files"])})


async def _schedule(
    connection: Connection, principal: Principal, schedule_id: UUID, permission: Permission
) -> Schedule:
    row = await connection.fetchrow(QUERIES["schedules"], principal.paths(permission), schedule_id)
    if row is None:
        raise NotFoundError(f"no schedule {schedule_id}")
    return Schedule(**dict(row))

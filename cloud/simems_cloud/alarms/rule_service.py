"""Change the rules of a tenant. What a changed rule had raised is cleared: it is raised anew where it still holds."""

from __future__ import annotations

from dataclasses import asdict
from uuid import UUID, uuid4

import asyncpg

from simems_cloud.access.principal import Principal
from simems_cloud.alarms.rules import QUERIES, Rule, built_in, rules_of
from simems_cloud.alarms.schemas import AlarmRule, RuleRequest
from simems_cloud.audit.log import Change, change
from simems_cloud.kit import versions
from simems_cloud.kit.database import Connection, Pool, savepoint, transaction
from simems_cloud.kit.problems import ConflictError, InvalidRequestError, NotFoundError
from simems_cloud.kit.repeats import Once

MOST = 500


async def list_rules(pool: Pool, principal: Principal) -> list[AlarmRule]:
    """Built-in ones first."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return [_answer(rule) for rule in await rules_of(connection)]


async def get_rule(pool: Pool, principal: Principal, rule_id: UUID) -> AlarmRule:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await _one(connection, rule_id)


async def create(pool: Pool, principal: Principal, request: RuleRequest, once: Once) -> AlarmRule:
    """Raises InvalidRequestError, ConflictError (too many)."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        answer, new = await once.answer(made.connection, AlarmRule, lambda: _create(made, request))
        made.repeated = not new
        return answer


async def _create(made: Change, request: RuleRequest) -> AlarmRule:
    if len(await rules_of(made.connection)) >= MOST:
        raise ConflictError(f"a tenant has at most {MOST} rules")
    rule_id = uuid4()
    await _put(made.connection, rule_id, request)
    await made.record("alarm_rule.create", rule_id, request.model_dump())
    return await _one(made.connection, rule_id)


async def update(
    pool: Pool, principal: Principal, rule_id: UUID, request: RuleRequest, if_match: str | None
) -> AlarmRule:
    """Raises NotFoundError, InvalidRequestError, PreconditionFailedError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await _locked(made.connection, rule_id, if_match)
        await _put(made.connection, rule_id, request)
        await _start_anew(made.connection, rule_id)
        await made.record("alarm_rule.update", rule_id, request.model_dump())
        return await _one(made.connection, rule_id)


async def delete(pool: Pool, principal: Principal, rule_id: UUID) -> None:
    """A built-in rule is again as it was delivered. Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        name = await made.connection.fetchval(QUERIES["delete_rule"], rule_id)
        if name is None:
            raise NotFoundError(f"no rule of this tenant's own: {rule_id}")
        await _start_anew(made.connection, rule_id)
        await made.record("alarm_rule.delete", rule_id, {"name": name})


async def _locked(connection: Connection, rule_id: UUID, if_match: str | None) -> None:
    version = await connection.fetchval(QUERIES["lock_rule"], rule_id)
    if version is None and built_in(rule_id) is None:
        raise NotFoundError(f"no rule {rule_id}")
    versions.check(if_match, version or 0)


async def _put(connection: Connection, rule_id: UUID, request: RuleRequest) -> None:
    try:
        async with savepoint(connection):
            await connection.execute(QUERIES["put_rule"], rule_id, *request.model_dump().values())
    except asyncpg.ForeignKeyViolationError as error:
        raise InvalidRequestError(f"site_id: no site {request.site_id!r}") from error


async def _start_anew(connection: Connection, rule_id: UUID) -> None:
    await connection.execute(QUERIES["clear_rule"], rule_id)
    await connection.execute(QUERIES["forget_states"], rule_id)


async def _one(connection: Connection, rule_id: UUID) -> AlarmRule:
    found = next((rule for rule in await rules_of(connection) if rule.rule_id == rule_id), None)
    if found is None:
        raise NotFoundError(f"no rule {rule_id}")
    return _answer(found)


def _answer(rule: Rule) -> AlarmRule:
    fields = asdict(rule)
    rule_id = fields.pop("rule_id")
    return AlarmRule.model_construct(**fields, id=rule_id, built_in=built_in(rule_id) is not None)

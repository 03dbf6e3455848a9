"""``/alarm-rules``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Request, Response

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires
from simems_cloud.alarms import rule_service
from simems_cloud.alarms.schemas import AlarmRule, RuleRequest
from simems_cloud.kit import versions
from simems_cloud.kit.problems import documented
from simems_cloud.kit.repeats import IdempotencyKey, Once
from simems_cloud.kit.versions import IfMatch

router = APIRouter(prefix="/alarm-rules", tags=["alarms"], responses=documented(401, 403))
Sees = Annotated[Principal, Depends(Requires(Permission.ALARMS_READ))]
Writes = Annotated[Principal, Depends(Requires(Permission.ALARMS_WRITE, everywhere=True))]


@router.get("", operation_id="list_alarm_rules")
async def list_alarm_rules(principal: Sees, pool: Database) -> list[AlarmRule]:
    """All of them, at most 500; the built-in ones first."""
    return await rule_service.list_rules(pool, principal)


@router.post("", operation_id="create_alarm_rule", status_code=201, responses=documented(409))
async def create_alarm_rule(
    request: Request,
    body: RuleRequest,
    principal: Writes,
    pool: Database,
    response: Response,
    key: IdempotencyKey = None,
) -> AlarmRule:
    """Holds from the next look on, at most ten seconds later."""
    once = Once(request.app.state.vault, principal.user_id, key, body)
    return _tagged(await rule_service.create(pool, principal, body, once), response)


@router.get("/{rule_id}", operation_id="get_alarm_rule", responses=documented(404))
async def get_alarm_rule(rule_id: UUID, principal: Sees, pool: Database, response: Response) -> AlarmRule:
    """With the ETag that changes need."""
    return _tagged(await rule_service.get_rule(pool, principal, rule_id), response)


@router.put("/{rule_id}", operation_id="update_alarm_rule", responses=documented(404, 412, 428))
async def update_alarm_rule(
    rule_id: UUID, body: RuleRequest, principal: Writes, pool: Database, response: Response, if_match: IfMatch = None
) -> AlarmRule:
    """All of it at once. What it had raised is cleared, and raised anew where it still holds."""
    return _tagged(await rule_service.update(pool, principal, rule_id, body, if_match), response)


@router.delete("/{rule_id}", operation_id="delete_alarm_rule", status_code=204, responses=documented(404))
async def delete_alarm_rule(rule_id: UUID, principal: Writes, pool: Database) -> None:
    """Of the tenant's own; a built-in rule that was changed is again as delivered."""
    await rule_service.delete(pool, principal, rule_id)


def _tagged(rule: AlarmRule, response: Response) -> AlarmRule:
    versions.tag(response, rule.version)
    return rule

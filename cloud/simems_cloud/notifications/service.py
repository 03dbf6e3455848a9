"""Webhooks, subscriptions, tests, and the log of deliveries."""

from __future__ import annotations

import json
import secrets
from datetime import UTC, datetime
from uuid import UUID

import asyncpg

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import Change, change
from simems_cloud.jobs.queue import DELIVER, enqueue
from simems_cloud.kit import versions
from simems_cloud.kit.database import Connection, Pool, savepoint, transaction
from simems_cloud.kit.pages import cursor, place
from simems_cloud.kit.problems import ConflictError, ForbiddenError, InvalidRequestError, NotFoundError
from simems_cloud.kit.repeats import Once
from simems_cloud.kit.vault import Vault
from simems_cloud.notifications.compose import subject_of, trial_body
from simems_cloud.notifications.deliver import QUERIES
from simems_cloud.notifications.schemas import (
    Delivery,
    NewWebhook,
    Subscription,
    SubscriptionRequest,
    Webhook,
    WebhookRequest,
)
from simems_cloud.notifications.targets import BadTargetError, check

MANAGES = Permission.NOTIFICATIONS_WRITE


async def list_webhooks(pool: Pool, principal: Principal) -> list[Webhook]:
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return [Webhook(**dict(row)) for row in await connection.fetch(QUERIES["webhooks"])]


async def create_webhook(
    pool: Pool, principal: Principal, vault: Vault, request: WebhookRequest, once: Once, *, private: bool
) -> NewWebhook:
    """Raises InvalidRequestError (its address), ConflictError (its name)."""
    await _reachable(request.url, private)
    try:
        async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
            answer, new = await once.answer(made.connection, NewWebhook, lambda: _add_webhook(made, vault, request))
            made.repeated = not new
            return answer
    except asyncpg.UniqueViolationError as error:
        raise ConflictError(f"name: a webhook {request.name!r} is there already") from error


async def _add_webhook(made: Change, vault: Vault, request: WebhookRequest) -> NewWebhook:
    secret = f"whsec_{secrets.token_urlsafe(32)}"
    fields = (request.name, request.url, vault.seal(secret), request.active)
    webhook_id = await made.connection.fetchval(QUERIES["add_webhook"], *fields)
    await made.record("webhook.create", webhook_id, request.model_dump())
    found = await _webhook(made.connection, webhook_id)
    return NewWebhook(**found.model_dump(), secret=secret)


async def update_webhook(
    pool: Pool, principal: Principal, webhook_id: UUID, request: WebhookRequest, if_match: str | None, *, private: bool
) -> Webhook:
    """Raises NotFoundError, InvalidRequestError, ConflictError, PreconditionFailedError."""
    await _reachable(request.url, private)
    try:
        async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
            version = await made.connection.fetchval(QUERIES["lock_webhook"], webhook_id)
            if version is None:
                raise NotFoundError(f"no webhook {webhook_id}")
            versions.check(if_match, version)
            fields = (request.name, request.url, request.active)
            await made.connection.execute(QUERIES["update_webhook"], webhook_id, *fields)
            await made.record("webhook.update", webhook_id, request.model_dump())
            return await _webhook(made.connection, webhook_id)
    except asyncpg.UniqueViolationError as error:
        raise ConflictError(f"name: a webhook {request.name!r} is there already") from error


async def delete_webhook(pool: Pool, principal: Principal, webhook_id: UUID) -> None:
    """With its subscriptions and what waits for it. Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        name = await made.connection.fetchval(QUERIES["delete_webhook"], webhook_id)
        if name is None:
            raise NotFoundError(f"no webhook {webhook_id}")
        await made.record("webhook.delete", webhook_id, {"name": name})


async def get_webhook(pool: Pool, principal: Principal, webhook_id: UUID) -> Webhook:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await _webhook(connection, webhook_id)


async def test_webhook(pool: Pool, principal: Principal, webhook_id: UUID) -> Delivery:
    """Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        found = await _webhook(made.connection, webhook_id)
        return await _test(made, (None, webhook_id, "webhook", found.url))


async def list_subscriptions(pool: Pool, principal: Principal) -> list[Subscription]:
    """All for who manages them, one's own for everybody else."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        rows = await connection.fetch(QUERIES["subscriptions"], _only(principal))
    return [Subscription(**dict(row)) for row in rows]


async def get_subscription(pool: Pool, principal: Principal, subscription_id: UUID) -> Subscription:
    """Raises NotFoundError."""
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        return await _subscription(connection, subscription_id, _only(principal))


async def create_subscription(
    pool: Pool, principal: Principal, request: SubscriptionRequest, once: Once
) -> Subscription:
    """Raises ForbiddenError (somebody else's), InvalidRequestError (user, webhook or site is not there)."""
    _own_or_manager(principal, request)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        answer, new = await once.answer(made.connection, Subscription, lambda: _subscribe(made, request))
        made.repeated = not new
        return answer


async def _subscribe(made: Change, request: SubscriptionRequest) -> Subscription:
    subscription_id = await _stored(made.connection, "add_subscription", *request.model_dump().values())
    await made.record("subscription.create", subscription_id, request.model_dump(mode="json"))
    return await _subscription(made.connection, subscription_id, None)


async def update_subscription(
    pool: Pool, principal: Principal, subscription_id: UUID, request: SubscriptionRequest, if_match: str | None
) -> Subscription:
    """Raises NotFoundError, ForbiddenError, InvalidRequestError, PreconditionFailedError."""
    _own_or_manager(principal, request)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        version = await made.connection.fetchval(QUERIES["lock_subscription"], subscription_id, _only(principal))
        if version is None:
            raise NotFoundError(f"no subscription {subscription_id}")
        versions.check(if_match, version)
        await _stored(made.connection, "update_subscription", subscription_id, *request.model_dump().values())
        await made.record("subscription.update", subscription_id, request.model_dump(mode="json"))
        return await _subscription(made.connection, subscription_id, None)


async def delete_subscription(pool: Pool, principal: Principal, subscription_id: UUID) -> None:
    """Raises NotFoundError."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        if not await made.connection.fetchval(QUERIES["delete_subscription"], subscription_id, _only(principal)):
            raise NotFoundError(f"no subscription {subscription_id}")
        await made.record("subscription.delete", subscription_id)


async def test_email(pool: Pool, principal: Principal) -> Delivery:
    """To oneself."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        return await _test(made, (None, None, "email", principal.email))


async def list_deliveries(
    pool: Pool, principal: Principal, *, state: str | None, after: str | None, limit: int
) -> tuple[list[Delivery], str | None]:
    """Newest first, one page, with the next one's cursor. Raises InvalidRequestError."""
    key = place(after, datetime, UUID)
    async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        rows = await connection.fetch(QUERIES["deliveries"], state, *key, limit + 1)
    found = [Delivery(**dict(row)) for row in rows[:limit]]
    last = found[-1] if len(rows) > limit else None
    return found, None if last is None else cursor(last.created_at.isoformat(), last.id)


async def send_again(pool: Pool, principal: Principal, delivery_id: UUID) -> Delivery:
    """Raises NotFoundError: it is not there, or has neither failed nor been dropped."""
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        if not await made.connection.fetchval(QUERIES["send_again"], delivery_id):
            raise NotFoundError(f"no failed delivery {delivery_id}")
        await made.record("delivery.send_again", delivery_id)
        await enqueue(made.connection, DELIVER, {}, only_one="now")
        return await _delivery(made.connection, delivery_id)


async def _test(made: Change, row: tuple[None, UUID | None, str, str]) -> Delivery:
    tenant = await made.connection.fetchval("select app_tenant()")
    body = trial_body(tenant, datetime.now(UTC))
    values = (None, *row, subject_of(body), json.dumps(body), None)
    delivery_id = await made.connection.fetchval(QUERIES["add_delivery"], *values)
    await enqueue(made.connection, DELIVER, {}, only_one="now")
    await made.record("delivery.test", delivery_id, {"method": row[2], "recipient": row[3]})
    return await _delivery(made.connection, delivery_id)


async def _reachable(url: str, private: bool) -> None:
    try:
        await check(url, private=private)
    except BadTargetError as error:
        raise InvalidRequestError(str(error)) from error


def _own_or_manager(principal: Principal, request: SubscriptionRequest) -> None:
    if request.user_id != principal.user_id and not principal.holds(MANAGES, None):
        raise ForbiddenError(f"for others than oneself this needs the permission {MANAGES} in the whole tenant")


def _only(principal: Principal) -> UUID | None:
    return None if principal.holds(MANAGES, None) else principal.user_id


async def _stored(connection: Connection, query: str, *values: object) -> UUID:
    try:
        async with savepoint(connection):
            return UUID(str(await connection.fetchval(QUERIES[query], *values) or values[0]))
    except asyncpg.ForeignKeyViolationError as error:
        part = (
            str(error.constraint_name or "").removeprefix("notification_subscriptions_tenant_id_").removesuffix("_fkey")
        )
        raise InvalidRequestError(f"{part}: not there") from error


async def _webhook(connection: Connection, webhook_id: UUID) -> Webhook:
    row = await connection.fetchrow(QUERIES["webhook"], webhook_id)
    if row is None:
        raise NotFoundError(f"no webhook {webhook_id}")
    return Webhook(**dict(row))


async def _subscription(connection: Connection, subscription_id: UUID, only: UUID | None) -> Subscription:
    row = await connection.fetchrow(QUERIES["subscription"], subscription_id, only)
    if row is None:
        raise NotFoundError(f"no subscription {subscription_id}")
    return Subscription(**dict(row))


async def _delivery(connection: Connection, delivery_id: UUID) -> Delivery:
    row = await connection.fetchrow(QUERIES["delivery"], delivery_id)
    if row is None:
        raise NotFoundError(f"no delivery {delivery_id}")
    return Delivery(**dict(row))

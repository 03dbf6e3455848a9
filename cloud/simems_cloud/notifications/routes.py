"""``/webhooks``, ``/subscriptions`` and ``/deliveries``."""

from __future__ import annotations

from typing import Annotated
from uuid import UUID

from fastapi import APIRouter, Depends, Query, Request, Response

from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Database, Requires, Self
from simems_cloud.kit import versions
from simems_cloud.kit.pages import After, link_next
from simems_cloud.kit.problems import documented
from simems_cloud.kit.repeats import IdempotencyKey, Once
from simems_cloud.kit.versions import IfMatch
from simems_cloud.notifications import service
from simems_cloud.notifications.schemas import (
    Delivery,
    NewWebhook,
    State,
    Subscription,
    SubscriptionRequest,
    Webhook,
    WebhookRequest,
)

router = APIRouter(tags=["notifications"], responses=documented(401, 403))
Manages = Annotated[Principal, Depends(Requires(Permission.NOTIFICATIONS_WRITE, everywhere=True))]
Listens = Annotated[Principal, Depends(Requires(Permission.ALARMS_READ))]
EDITED = documented(404, 409, 412, 428)


@router.get("/webhooks", operation_id="list_webhooks")
async def list_webhooks(principal: Manages, pool: Database) -> list[Webhook]:
    """By name, at most 200."""
    return await service.list_webhooks(pool, principal)


@router.post("/webhooks", operation_id="create_webhook", status_code=201, responses=documented(409))
async def create_webhook(
    request: Request,
    body: WebhookRequest,
    principal: Manages,
    pool: Database,
    response: Response,
    key: IdempotencyKey = None,
) -> NewWebhook:
    """With a new secret, shown this once. `Simems-Signature: t=TIME,v1=HEX`, HEX = HMAC-SHA256(secret, TIME.BODY)."""
    state = request.app.state
    once = Once(state.vault, principal.user_id, key, body)
    private = state.settings.webhooks_private
    made = await service.create_webhook(pool, principal, state.vault, body, once, private=private)
    versions.tag(response, made.version)
    return made


@router.get("/webhooks/{webhook_id}", operation_id="get_webhook", responses=documented(404))
async def get_webhook(webhook_id: UUID, principal: Manages, pool: Database, response: Response) -> Webhook:
    """With the ETag that changes need."""
    found = await service.get_webhook(pool, principal, webhook_id)
    versions.tag(response, found.version)
    return found


@router.put("/webhooks/{webhook_id}", operation_id="update_webhook", responses=EDITED)
async def update_webhook(
    request: Request,
    webhook_id: UUID,
    body: WebhookRequest,
    principal: Manages,
    pool: Database,
    response: Response,
    if_match: IfMatch = None,
) -> Webhook:
    """The secret stays."""
    private = request.app.state.settings.webhooks_private
    found = await service.update_webhook(pool, principal, webhook_id, body, if_match, private=private)
    versions.tag(response, found.version)
    return found


@router.delete("/webhooks/{webhook_id}", operation_id="delete_webhook", status_code=204, responses=documented(404))
async def delete_webhook(webhook_id: UUID, principal: Manages, pool: Database) -> None:
    """With its subscriptions and what waits for it."""
    await service.delete_webhook(pool, principal, webhook_id)


@router.post("/webhooks/{webhook_id}/test", operation_id="test_webhook", status_code=202, responses=documented(404))
async def test_webhook(webhook_id: UUID, principal: Manages, pool: Database) -> Delivery:
    """Send a message that says that messages arrive; how it went stands in `/deliveries`."""
    return await service.test_webhook(pool, principal, webhook_id)


@router.get("/subscriptions", operation_id="list_subscriptions")
async def list_subscriptions(principal: Listens, pool: Database) -> list[Subscription]:
    """All for who manages them, one's own for everybody else; at most 1000."""
    return await service.list_subscriptions(pool, principal)


@router.post("/subscriptions", operation_id="create_subscription", status_code=201, responses=documented(409))
async def create_subscription(
    request: Request,
    body: SubscriptionRequest,
    principal: Listens,
    pool: Database,
    response: Response,
    key: IdempotencyKey = None,
) -> Subscription:
    """For oneself; for others, roles and webhooks with the permission `notifications:write`."""
    once = Once(request.app.state.vault, principal.user_id, key, body)
    return _tagged(await service.create_subscription(pool, principal, body, once), response)


@router.get("/subscriptions/{subscription_id}", operation_id="get_subscription", responses=documented(404))
async def get_subscription(
    subscription_id: UUID, principal: Listens, pool: Database, response: Response
) -> Subscription:
    """With the ETag that changes need."""
    return _tagged(await service.get_subscription(pool, principal, subscription_id), response)


@router.put("/subscriptions/{subscription_id}", operation_id="update_subscription", responses=EDITED)
async def update_subscription(
    subscription_id: UUID,
    body: SubscriptionRequest,
    principal: Listens,
    pool: Database,
    response: Response,
    if_match: IfMatch = None,
) -> Subscription:
    """All of it at once."""
    found = await service.update_subscription(pool, principal, subscription_id, body, if_match)
    return _tagged(found, response)


@router.delete(
    "/subscriptions/{subscription_id}",
    operation_id="delete_subscription",
    status_code=204,
    responses=documented(404),
)
async def delete_subscription(subscription_id: UUID, principal: Listens, pool: Database) -> None:
    """What is on its way is still sent."""
    await service.delete_subscription(pool, principal, subscription_id)


@router.get("/deliveries", operation_id="list_deliveries")
async def list_deliveries(
    request: Request,
    response: Response,
    principal: Manages,
    pool: Database,
    *,
    state: State | None = None,
    after: After = None,
    limit: Annotated[int, Query(ge=1, le=500)] = 100,
) -> list[Delivery]:
    """Messages and how they went, newest first. The `Link` header leads to the next page."""
    found, following = await service.list_deliveries(pool, principal, state=state, after=after, limit=limit)
    link_next(request, response, following)
    return found


@router.post("/deliveries/test", operation_id="test_email", status_code=202)
async def test_email(principal: Self, pool: Database) -> Delivery:
    """An e-mail to oneself that says that messages arrive."""
    return await service.test_email(pool, principal)


@router.post(
    "/deliveries/{delivery_id}/retry", operation_id="retry_delivery", status_code=202, responses=documented(404)
)
async def retry_delivery(delivery_id: UUID, principal: Manages, pool: Database) -> Delivery:
    """One that was given up or dropped, once more, with the same id."""
    return await service.send_again(pool, principal, delivery_id)


def _tagged(subscription: Subscription, response: Response) -> Subscription:
    versions.tag(response, subscription.version)
    return subscription

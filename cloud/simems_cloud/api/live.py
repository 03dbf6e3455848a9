"""Live values: PostgreSQL's NOTIFY wakes each API process, each subscriber reads as its own tenant."""

from __future__ import annotations

import asyncio
import logging
import time
from collections import defaultdict
from contextlib import suppress
from typing import Any

import asyncpg
from fastapi import APIRouter, Depends, WebSocket, WebSocketDisconnect
from pydantic import BaseModel, ConfigDict, ValidationError

from simems_cloud.access.authenticate import authenticate
from simems_cloud.access.permissions import Permission
from simems_cloud.access.principal import Principal
from simems_cloud.access.requires import Requires, by_first_message
from simems_cloud.alarms.service import alarms_of
from simems_cloud.kit.database import UNAVAILABLE, transaction
from simems_cloud.kit.live import CHANNEL, Kind, LiveNote, read_payload
from simems_cloud.kit.problems import ProblemError
from simems_cloud.telemetry.latest import latest_of

log = logging.getLogger(__name__)
router = APIRouter()
HELLO_WITHIN_S = 10.0
SHORTEST_S = 0.5
LONGEST_S = 5.0
"""Without news the state is sent again, so that ageing shows."""
SEES_VALUES, SEES_ALARMS = Requires(Permission.TELEMETRY_READ), Requires(Permission.ALARMS_READ)
POLICY_VIOLATION, TRY_AGAIN = 1008, 1013
Key = tuple[str, str]


class Subscription(BaseModel):
    """The client's first message."""

    model_config = ConfigDict(extra="ignore")
    token: str
    site_id: str


class News:
    """What one subscriber has not sent yet."""

    def __init__(self) -> None:
        self.kinds: set[Kind] = {"latest", "alarms"}
        self.event = asyncio.Event()

    def tell(self, kind: Kind) -> None:
        self.kinds.add(kind)
        self.event.set()

    def take(self) -> set[Kind]:
        taken, self.kinds = self.kinds, set()
        self.event.clear()
        return taken


class Hub:
    """One listening connection per process; tells the subscribers of a site."""

    def __init__(self, url: str) -> None:
        self._url = url
        self._subscribers: dict[Key, set[News]] = defaultdict(set)

    def subscribe(self, key: Key) -> News:
        news = News()
        self._subscribers[key].add(news)
        return news

    def unsubscribe(self, key: Key, news: News) -> None:
        self._subscribers[key].discard(news)
        if not self._subscribers[key]:
            del self._subscribers[key]

    async def run(self) -> None:
        """Listen until cancelled; after a lost connection everybody reads anew."""
        while True:
            try:
                await self._listen()
            except UNAVAILABLE as error:
                log.warning("not listening for news, trying again", extra={"error": repr(error)})
            await asyncio.sleep(1.0)

    async def _listen(self) -> None:
        connection = await asyncpg.connect(self._url, timeout=10, server_settings={"application_name": "simems-live"})
        lost = asyncio.Event()
        connection.add_termination_listener(lambda _c: lost.set())
        try:
            await connection.add_listener(CHANNEL, self._on_note)
            self._tell_all()
            await lost.wait()
        finally:
            with suppress(*UNAVAILABLE):
                await connection.close(timeout=2)

    def _on_note(self, _connection: object, _pid: int, _channel: str, payload: object) -> None:
        note = read_payload(str(payload))
        for news in self._subscribers.get(_key(note), ()):
            news.tell(note.kind)

    def _tell_all(self) -> None:
        for subscribers in self._subscribers.values():
            for news in subscribers:
                news.tell("latest")
                news.tell("alarms")


def _key(note: LiveNote) -> Key:
    return str(note.tenant_id), note.site_id


@router.websocket("/live", dependencies=[Depends(by_first_message)])
async def live(socket: WebSocket) -> None:
    """First message from the client: ``{"token", "site_id"}``; then ``latest`` and ``alarms`` messages to it."""
    await socket.accept()
    try:
        # Not wait_for: in Python 3.11 it can swallow a cancellation that comes with the answer.
        async with asyncio.timeout(HELLO_WITHIN_S):
            wanted = Subscription.model_validate_json(await socket.receive_text())
        principal = await _admit(socket, wanted)
        await _serve(socket, principal, wanted)
    except WebSocketDisconnect:
        return
    except (ValidationError, TimeoutError, KeyError):
        await _close(socket, POLICY_VIOLATION, 'send {"token": ..., "site_id": ...} first')
    except ProblemError as error:
        await _close(socket, POLICY_VIOLATION, error.detail)
    except UNAVAILABLE:
        await _close(socket, TRY_AGAIN, "the database does not answer")


async def _close(socket: WebSocket, code: int, reason: str) -> None:
    with suppress(RuntimeError, WebSocketDisconnect):
        await socket.close(code, reason[:120])


async def _admit(socket: WebSocket, wanted: Subscription) -> Principal:
    """Asked again while it lasts: an ended session or a lost role ends it. Raises ProblemError."""
    state = socket.app.state
    principal = await authenticate(state.pool, state.jwt_key, wanted.token)
    await SEES_VALUES.check(principal, state.pool, {"site_id": wanted.site_id})
    return principal


async def _sees_alarms(socket: WebSocket, principal: Principal, site_id: str) -> bool:
    try:
        await SEES_ALARMS.check(principal, socket.app.state.pool, {"site_id": site_id})
    except ProblemError:
        return False
    return True


async def _serve(socket: WebSocket, principal: Principal, wanted: Subscription) -> None:
    key = (str(principal.tenant_id), wanted.site_id)
    hub: Hub = socket.app.state.hub
    news = hub.subscribe(key)
    sender = asyncio.create_task(_send(socket, principal, wanted, news))
    reader = asyncio.create_task(_read_to_end(socket))
    try:
        done, _ = await asyncio.wait({sender, reader}, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            task.result()
    finally:
        hub.unsubscribe(key, news)
        for task in (sender, reader):
            task.cancel()
        await asyncio.gather(sender, reader, return_exceptions=True)


async def _read_to_end(socket: WebSocket) -> None:
    """Nothing more is expected of the client; its going raises WebSocketDisconnect."""
    while True:
        await socket.receive_text()


async def _send(socket: WebSocket, principal: Principal, wanted: Subscription, news: News) -> None:
    alarms = await _sees_alarms(socket, principal, wanted.site_id)
    asked = time.monotonic()
    while time.time() < principal.expires_at:
        if time.monotonic() - asked > LONGEST_S:
            principal, asked = await _admit(socket, wanted), time.monotonic()
            alarms = await _sees_alarms(socket, principal, wanted.site_id)
        kinds: set[Kind] = (news.take() if alarms else news.take() - {"alarms"}) | {"latest"}
        for message in await _messages(socket, principal, wanted.site_id, kinds):
            await socket.send_json(message)
        await asyncio.sleep(SHORTEST_S)
        with suppress(TimeoutError):
            async with asyncio.timeout(LONGEST_S - SHORTEST_S):
                await news.event.wait()
    await _close(socket, POLICY_VIOLATION, "the sign-in has expired; sign in again")


async def _messages(socket: WebSocket, principal: Principal, site_id: str, kinds: set[Kind]) -> list[dict[str, Any]]:
    state = socket.app.state
    messages: list[dict[str, Any]] = []
    async with transaction(state.pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
        latest = await latest_of(connection, site_id, state.settings.stale_after_s)
        messages.append({"type": "latest", **latest.model_dump(mode="json")})
        if "alarms" in kinds:
            alarms = [alarm.model_dump(mode="json") for alarm in await alarms_of(connection, site_id, None, None)]
            messages.append({"type": "alarms", "alarms": alarms})
    return messages

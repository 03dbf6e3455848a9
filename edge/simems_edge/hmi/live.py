"""``WS /api/v1/live``: a ``latest`` object at once, then at least each second, when changed at most twice a second."""

from __future__ import annotations

import asyncio
import time

from fastapi import APIRouter, WebSocket, WebSocketDisconnect

from simems_edge.hmi.schemas import Latest
from simems_edge.hmi.service import EdgeService

router = APIRouter(prefix="/api/v1")

MINIMUM_S = 0.5
MAXIMUM_S = 1.0
SEND_TIMEOUT_S = 10.0
MAX_CLIENTS = 32


class Crowd:
    """How many screens listen; more than :data:`MAX_CLIENTS` are turned away."""

    def __init__(self) -> None:
        self.count = 0


@router.websocket("/live")
async def live(socket: WebSocket) -> None:
    crowd: Crowd = socket.app.state.crowd
    if crowd.count >= MAX_CLIENTS:
        await socket.close(1013, "too many screens")
        return
    crowd.count += 1
    try:
        await socket.accept()
        await _serve(socket)
    finally:
        crowd.count -= 1


async def _serve(socket: WebSocket) -> None:
    sender = asyncio.create_task(_send_latest(socket))
    listener = asyncio.create_task(_until_closed(socket))
    _, pending = await asyncio.wait({sender, listener}, return_when=asyncio.FIRST_COMPLETED)
    for task in pending:
        task.cancel()
    outcomes = await asyncio.gather(sender, listener, return_exceptions=True)
    for outcome in outcomes:
        if isinstance(outcome, Exception) and not isinstance(outcome, (WebSocketDisconnect, TimeoutError)):
            raise outcome


async def _until_closed(socket: WebSocket) -> None:
    while (await socket.receive())["type"] != "websocket.disconnect":
        continue


async def _send_latest(socket: WebSocket) -> None:
    edge: EdgeService = socket.app.state.service
    while True:
        latest = edge.latest()
        sent_s = time.monotonic()
        async with asyncio.timeout(SEND_TIMEOUT_S):
            await socket.send_text(latest.model_dump_json())
        await _next_turn(edge, latest, sent_s)


async def _next_turn(edge: EdgeService, latest: Latest, sent_s: float) -> None:
    await asyncio.sleep(max(0.0, sent_s + MINIMUM_S - time.monotonic()))
    await edge.changed(latest.cycle, max(0.0, sent_s + MAXIMUM_S - time.monotonic()))

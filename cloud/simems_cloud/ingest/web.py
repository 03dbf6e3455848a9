"""The same door over HTTPS and WebSocket, for networks that let nothing else out.

``POST /v1/exchange``: an array of messages in, an array of answers out; with ``wait_s`` it stays open until there is a
command. ``/v1/stream``: one message a WebSocket message, binary MessagePack or text JSON, both ways. TLS is ended by
whatever stands in front; a device is who signed, never a field.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from functools import partial
from typing import Any, Final

import msgspec
from simems_core import wire
from simems_core.web_proof import (
    ALIVE,
    DEVICE,
    EXCHANGE,
    JSON,
    MSGPACK,
    SIGNATURE,
    STREAM,
    TIME,
    signed_request,
)
from starlette.applications import Starlette
from starlette.datastructures import Headers
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from simems_cloud.ingest.claims import ClaimDesk
from simems_cloud.ingest.dispatch import Dispatcher, Send
from simems_cloud.ingest.pong import pong_to, small_talk
from simems_cloud.ingest.proving import NotProvenError, Prover
from simems_cloud.ingest.registry import Claimant, Gone, Guest
from simems_cloud.ingest.writer import Writer
from simems_cloud.kit.database import UNAVAILABLE
from simems_cloud.telemetry.store import Device

log = logging.getLogger(__name__)
MOST_BYTES: Final = wire.MAX_FRAME_BYTES
MOST_MESSAGES: Final = 256
LONGEST_WAIT_S: Final = 25.0
SIDE_BY_SIDE: Final = 4
"""Requests that are stored at the same time."""
MOST_CLAIMS: Final = 2
"""Of one request; what else a box says that may only claim is not even read."""
REFUSED_STREAM, AGAIN_LATER = 4401, 1013
NOT_ANY_MORE: Final = "this key may not come in any more"


class WebDoor:
    def __init__(self, prover: Prover, writer: Writer, desk: ClaimDesk, dispatcher: Dispatcher) -> None:
        self.prover, self._writer, self._desk, self._dispatcher = prover, writer, desk, dispatcher
        self._turns, self._claim_turn = asyncio.Semaphore(SIDE_BY_SIDE), asyncio.Semaphore(1)
        self._streams: dict[str, set[asyncio.Task[Any]]] = {}
        self._polls: dict[str, set[asyncio.Queue[wire.FromCloud]]] = {}
        self.app = Starlette(
            routes=[
                Route(EXCHANGE, self.exchange, methods=["POST"]),
                Route(ALIVE, _alive),
                WebSocketRoute(STREAM, self.stream),
            ]
        )

    def cut(self, gone: Gone) -> None:
        """Its streams end now, and what waits for commands is answered with a goodbye."""
        for task in self._streams.get(gone.key, ()):
            task.cancel()
        for box in self._polls.get(gone.key, ()):
            box.put_nowait(wire.Bye(reason=NOT_ANY_MORE))

    # ---- HTTPS

    async def exchange(self, request: Request) -> Response:
        body = await _bounded(request)
        if body is None:
            return _problem(413, f"more than {MOST_BYTES} bytes; send fewer messages at once")
        try:
            guest = await self._proven(request.headers, "POST", EXCHANGE, body)
        except NotProvenError as error:
            return _problem(401, str(error))
        except UNAVAILABLE:
            return _problem(503, "the database does not answer; try again in a moment")
        as_json = request.headers.get("Content-Type", "").startswith(JSON)
        try:
            payloads = split(body, as_json=as_json)
        except wire.WireError as error:
            return _problem(422, str(error))
        if isinstance(guest, Claimant):
            return _answer(await self.claimed(guest, payloads), as_json=as_json)
        return _answer(await self._answers(guest, payloads, _wait_s(request)), as_json=as_json)

    async def _answers(self, device: Device, payloads: Sequence[bytes], wait_s: float) -> list[wire.FromCloud]:
        """To what was sent, and what waits for the device; with ``wait_s`` until there is a command."""
        box: asyncio.Queue[wire.FromCloud] = asyncio.Queue()
        answers = await self.stored(device, payloads, None)
        if wait_s > 0:
            self._dispatcher.polls(device, box.put)
        with self._polling(device, box):
            try:
                async with asyncio.timeout(wait_s if wait_s > 0 else 0.001):
                    while not any(isinstance(answer, wire.Command | wire.Bye) for answer in answers):
                        answers.append(await box.get())
            except TimeoutError:
                log.debug("nothing waits for a device that polled")
        while not box.empty():
            answers.append(box.get_nowait())
        return answers

    @contextmanager
    def _polling(self, device: Device, box: asyncio.Queue[wire.FromCloud]) -> Iterator[None]:
        polls = self._polls.setdefault(device.public_key, set())
        polls.add(box)
        try:
            yield
        finally:
            polls.discard(box)
            if not polls:
                self._polls.pop(device.public_key, None)

    # ---- WebSocket

    async def stream(self, socket: WebSocket) -> None:
        await socket.accept()
        try:
            guest = await self._proven(socket.headers, "GET", STREAM, b"")
        except NotProvenError as error:
            await socket.close(REFUSED_STREAM, str(error)[:120])
            return
        except UNAVAILABLE:
            await socket.close(AGAIN_LATER, "the database does not answer; try again in a moment")
            return
        task = asyncio.create_task(self._serve(socket, guest))
        self._streams.setdefault(guest.public_key, set()).add(task)
        try:
            await asyncio.wait({task})
            if task.cancelled():
                await socket.close(REFUSED_STREAM, NOT_ANY_MORE)
            elif not isinstance(task.exception(), WebSocketDisconnect | None):
                log.error("a stream failed", exc_info=task.exception())
        finally:
            task.cancel()
            self._streams[guest.public_key].discard(task)
            if not self._streams[guest.public_key]:
                del self._streams[guest.public_key]

    async def _serve(self, socket: WebSocket, guest: Guest) -> None:
        while True:
            message = await socket.receive()
            if message["type"] == "websocket.disconnect":
                return
            text, data = message.get("text"), message.get("bytes")
            as_json = text is not None
            payload = _one(text) if text is not None else data
            if payload is None or len(payload) > MOST_BYTES:
                answers: list[wire.FromCloud] = [wire.Refused(sequence=0, reason="not a message of this protocol")]
            elif isinstance(guest, Claimant):
                answers = await self.claimed(guest, [payload])
            else:
                answers = await self.stored(guest, [payload], partial(_send, socket, as_json=as_json))
            for answer in answers:
                await _send(socket, answer, as_json=as_json)

    # ---- both

    async def claimed(self, claimant: Claimant, payloads: Sequence[bytes]) -> list[wire.FromCloud]:
        """One after the other: those who are not let in yet never take more than that of the database."""
        async with self._claim_turn:
            return [await self._desk.answer(claimant, payload) for payload in payloads[:MOST_CLAIMS]]

    async def stored(self, device: Device, payloads: Sequence[bytes], send: Send | None) -> list[wire.FromCloud]:
        """``send`` None: nothing can be sent but these answers."""
        answers: list[wire.FromCloud] = []
        durable: list[bytes] = []
        for payload in payloads:
            talk = small_talk(payload)
            if isinstance(talk, wire.Ping):
                answers.append(pong_to(talk))
            elif isinstance(talk, wire.Bye):
                self._dispatcher.left(device)
            else:
                durable.append(payload)
        if durable:
            async with self._turns:
                written = await self._writer.write(device, durable)
            answers += written.answers
            if written.hello is not None and send is not None:
                self._dispatcher.greeted(device, send, written.hello)
        self._dispatcher.heard(device, send)
        return answers

    async def _proven(self, headers: Headers, method: str, path: str, body: bytes) -> Guest:
        """Raises NotProvenError."""
        key, time_text, signature = (headers.get(name, "") for name in (DEVICE, TIME, SIGNATURE))
        if not (time_text.isdecimal() and len(time_text) < 18):
            raise NotProvenError(f"the headers {DEVICE}, {TIME} and {SIGNATURE} are needed")
        signed = signed_request(method, path, int(time_text), body)
        return await self.prover.guest(key, int(time_text), signature, signed)


async def _bounded(request: Request) -> bytes | None:
    """None when it is too long; no more than that is read."""
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MOST_BYTES:
            return None
    return bytes(body)


def split(body: bytes, *, as_json: bool = False) -> list[bytes]:
    """The messages as MessagePack, each on its own. Raises WireError when it is no array of at most so many."""
    try:
        if as_json:
            return [wire.encode(wire.decode_from_edge_json(bytes(one))) for one in _few(_raw_json.decode(body))]
        return [bytes(one) for one in _few(_raw_msgpack.decode(body))]
    except (msgspec.MsgspecError, ValueError, RecursionError, MemoryError) as error:
        raise wire.WireError(f"not an array of messages: {error}") from error


_raw_json = msgspec.json.Decoder(list[msgspec.Raw])
_raw_msgpack = msgspec.msgpack.Decoder(list[msgspec.Raw])


def _few(messages: list[msgspec.Raw]) -> list[msgspec.Raw]:
    if len(messages) > MOST_MESSAGES:
        raise ValueError(f"{len(messages)} messages; at most {MOST_MESSAGES} are taken at once")
    return messages


def _one(text: str) -> bytes | None:
    try:
        return wire.encode(wire.decode_from_edge_json(text))
    except wire.WireError:
        return None


def _wait_s(request: Request) -> float:
    text = request.query_params.get("wait_s", "0")
    try:
        return min(LONGEST_WAIT_S, max(0.0, float(text)))
    except ValueError:
        return 0.0


async def _send(socket: WebSocket, message: wire.FromCloud, *, as_json: bool) -> None:
    if as_json:
        await socket.send_text(wire.encode_json(message).decode())
    else:
        await socket.send_bytes(wire.encode(message))


def _answer(messages: list[wire.FromCloud], *, as_json: bool) -> Response:
    content = msgspec.json.encode(messages) if as_json else msgspec.msgpack.encode(messages)
    return Response(content, media_type=JSON if as_json else MSGPACK, headers=_time())


def _problem(status: int, detail: str) -> Response:
    body = {"type": "about:blank", "title": "Refused", "status": status, "detail": detail}
    return JSONResponse(body, status, _time(), "application/problem+json")


def _time() -> dict[str, str]:
    return {TIME: str(time.time_ns() // 1000), "Cache-Control": "no-store"}


async def _alive(_request: Request) -> Response:
    return JSONResponse({"status": "alive"}, headers=_time())

"""A real HTTP server that answers as a test wants, or misbehaves as devices and networks do."""

from __future__ import annotations

import asyncio
import json
import ssl
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from typing import Any

Raw = bytes
Handler = Callable[["Asked"], "Any | Answer"]


@dataclass(frozen=True)
class Asked:
    """One request as it came."""

    method: str
    path: str
    headers: dict[str, str]
    body: str


@dataclass(frozen=True)
class Answer:
    """Everything about an answer, wrong as it may be."""

    body: bytes = b""
    status: str = "200 OK"
    headers: dict[str, str] = field(default_factory=lambda: {"Content-Type": "application/json"})
    raw: bytes | None = None
    """Sent instead of a head and a body."""
    delay: asyncio.Event | None = None
    """Waited for before anything is sent."""
    close: bool = False


class HttpPeer:
    """``documents``: path -> JSON, or a function of the request, or an :class:`Answer`."""

    def __init__(self, documents: dict[str, Any] | None = None) -> None:
        self.documents: dict[str, Any] = documents or {}
        self.asked: list[Asked] = []
        self.port = 0

    def sent(self, method: str, path: str) -> list[str]:
        """Bodies of the requests to this place."""
        return [one.body for one in self.asked if (one.method, one.path) == (method, path)]

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError, asyncio.IncompleteReadError, ssl.SSLError):
            while (asked := await _request(reader)) is not None:
                self.asked.append(asked)
                answer = self._answer(asked)
                if answer.delay is not None:
                    await answer.delay.wait()
                writer.write(answer.raw if answer.raw is not None else _response(answer))
                await writer.drain()
                if answer.close:
                    break
        writer.close()

    def _answer(self, asked: Asked) -> Answer:
        found = self.documents.get(asked.path)
        if callable(found):
            found = found(asked)
        if found is None:
            return Answer(b"{}", "404 Not Found")
        return found if isinstance(found, Answer) else Answer(json.dumps(found).encode())


async def _request(reader: asyncio.StreamReader) -> Asked | None:
    head = await reader.readuntil(b"\r\n\r\n")
    first, *lines = head.decode().split("\r\n")
    headers = {name.lower(): text for name, _, text in (line.partition(": ") for line in lines if line)}
    body = await reader.readexactly(int(headers.get("content-length", "0")))
    method, path, _ = first.split(" ")
    return Asked(method, path, headers, body.decode())


def _response(answer: Answer) -> bytes:
    headers = {"Content-Length": str(len(answer.body))} | answer.headers
    lines = "".join(f"{name}: {text}\r\n" for name, text in headers.items())
    return f"HTTP/1.1 {answer.status}\r\n{lines}\r\n".encode() + answer.body


@asynccontextmanager
async def http_peer(
    documents: dict[str, Any] | None = None, tls: ssl.SSLContext | None = None
) -> AsyncIterator[HttpPeer]:
    """Listens on a free port until the end."""
    peer = HttpPeer(documents)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=tls)
    peer.port = server.sockets[0].getsockname()[1]
    try:
        yield peer
    finally:
        server.close()
        server.close_clients() if hasattr(server, "close_clients") else None


def http_component(name: str, profile: str, peer: HttpPeer, **more: Any) -> dict[str, Any]:
    connection = {"url": f"http://127.0.0.1:{peer.port}", "timeout": 1.0} | more
    return {"id": name, "profile": profile, "connection": {"http": connection}}

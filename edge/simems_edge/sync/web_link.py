"""The uplink's connection where only the web gets through: HTTPS requests or one WebSocket, the same messages.

The certificate proves the cloud, a signature of the box's own key proves the box. The signature names the cloud's time,
which is asked for first: the box's wall clock plays no part.
"""

from __future__ import annotations

import asyncio
import ssl
import time
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self
from urllib.parse import urlsplit

import httpx
import msgspec
import websockets
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core import wire
from simems_core.web_proof import ALIVE, DEVICE, EXCHANGE, MSGPACK, SIGNATURE, STREAM, TIME, signed_request

from simems_edge.kit.side_by_side import until_first_ends
from simems_edge.sync.link import Cloud, LinkError, LinkRefusedError
from simems_edge.sync.tls import answer_trouble, asked_why, tls_of, tls_trouble

REQUEST_S: Final = 20.0
POLL_S: Final = 20.0
AGAIN_S: Final = 1.0
MOST_FRAMES: Final = 64
MOST_BYTES: Final = 1024 * 1024
"""Of one request, unless a single frame is larger."""
REFUSED_STREAM: Final = 4401
NO_ANSWER: Final = (httpx.HTTPError, OSError)
"""An alert of TLS comes through httpx as it is, and is an OSError."""


class Proof:
    """Headers that show who sends; :meth:`learn` first."""

    def __init__(
        self, public_key: str, signing_key: Ed25519PrivateKey, now_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._public_key, self._signing_key, self._now_s = public_key, signing_key, now_s
        self._offset_us = 0

    def learn(self, answer: httpx.Response) -> None:
        """The cloud's time, from any of its answers. Raises LinkError."""
        text = answer.headers.get(TIME, "")
        if not text.isdecimal():
            why = answer_trouble(answer.status_code, answer.text)
            unlike = "what answers there does not tell the cloud's time; is the address that of ingest?"
            raise LinkError(f"{answer.url.host}: {why or unlike}")
        self._offset_us = int(text) - round(self._now_s() * 1e6)

    def headers(self, method: str, path: str, body: bytes) -> dict[str, str]:
        time_us = self._offset_us + round(self._now_s() * 1e6)
        signature = self._signing_key.sign(signed_request(method, path, time_us, body)).hex()
        return {DEVICE: self._public_key, TIME: str(time_us), SIGNATURE: signature}


class HttpsLink:
    """Sends what has gathered in one request after the other, and keeps one open that waits for commands.

    ``polls`` False: nothing comes here but answers."""

    def __init__(self, cloud: Cloud, proof: Proof, *, polls: bool = True) -> None:
        self._endpoint = cloud.endpoint.rstrip("/")
        self._proof, self._cloud, self._polls = proof, cloud, polls
        self._outgoing: asyncio.Queue[bytes] = asyncio.Queue(MOST_FRAMES)
        self._incoming: asyncio.Queue[bytes] = asyncio.Queue()
        self._client: httpx.AsyncClient

    async def __aenter__(self) -> Self:
        tls = tls_of(self._cloud)
        self._client = httpx.AsyncClient(verify=tls, timeout=REQUEST_S + POLL_S)
        try:
            answer = await self._client.get(self._endpoint + ALIVE)
            self._proof.learn(answer)
            await self._exchange([], 0.0)
        except NO_ANSWER as error:
            await self._client.aclose()
            raise await _unreachable(self._endpoint, tls, error) from error
        except BaseException:
            await self._client.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._client.aclose()

    async def send(self, frame: bytes) -> None:
        """Waits while the cloud takes nothing."""
        await self._outgoing.put(frame)

    async def receive(self) -> bytes:
        return await self._incoming.get()

    async def watch(self) -> None:
        await until_first_ends(self._upload(), *([self._poll()] if self._polls else []))

    async def say_goodbye(self, frame: bytes) -> None:
        await self._exchange([frame], 0.0)

    async def _upload(self) -> None:
        while True:
            frames = [await self._outgoing.get()]
            size = len(frames[0])
            while not self._outgoing.empty() and len(frames) < MOST_FRAMES and size < MOST_BYTES:
                frames.append(self._outgoing.get_nowait())
                size += len(frames[-1])
            await self._taken(frames, 0.0)

    async def _poll(self) -> None:
        """Never without a pause, also when what stands before the cloud answers at once."""
        while True:
            began_s = time.monotonic()
            came = await self._taken([], POLL_S)
            if came or time.monotonic() - began_s < AGAIN_S:
                await asyncio.sleep(AGAIN_S)

    async def _taken(self, frames: list[bytes], wait_s: float) -> bool:
        """True when something came: a command that is not over comes with every poll."""
        answers = await self._exchange(frames, wait_s)
        for answer in answers:
            await self._incoming.put(answer)
        return bool(answers)

    async def _exchange(self, frames: list[bytes], wait_s: float) -> list[bytes]:
        """Raises LinkError."""
        body = msgspec.msgpack.encode([msgspec.Raw(frame) for frame in frames])
        headers = {"Content-Type": MSGPACK, **self._proof.headers("POST", EXCHANGE, body)}
        try:
            answer = await self._client.post(
                self._endpoint + EXCHANGE, content=body, headers=headers, params={"wait_s": wait_s}
            )
        except NO_ANSWER as error:
            raise LinkError(f"{self._endpoint}: {tls_trouble(error) or repr(error)}") from error
        if answer.status_code == 401:
            raise LinkRefusedError(f"{self._endpoint} refuses this box: {answer.text[:200]}")
        if not answer.is_success:
            raise LinkError(f"{self._endpoint} answers {answer.status_code}: {answer.text[:200]}")
        self._proof.learn(answer)
        try:
            return [bytes(one) for one in msgspec.msgpack.decode(answer.content, type=list[msgspec.Raw])]
        except (msgspec.MsgspecError, ValueError, RecursionError) as error:
            raise LinkError(f"{self._endpoint}: not an answer of ingest: {error}") from error


class WebSocketLink:
    """One WebSocket message a message, binary MessagePack."""

    def __init__(self, cloud: Cloud, proof: Proof) -> None:
        self._endpoint = cloud.endpoint.rstrip("/")
        self._proof, self._cloud = proof, cloud
        self._socket: websockets.ClientConnection

    async def __aenter__(self) -> Self:
        tls = tls_of(self._cloud)
        try:
            await self._learn_the_time(tls)
            self._socket = await websockets.connect(
                self._endpoint + STREAM,
                additional_headers=self._proof.headers("GET", STREAM, b""),
                max_size=wire.MAX_FRAME_BYTES,
                open_timeout=REQUEST_S,
                close_timeout=1.0,
                ssl=tls if self._endpoint.startswith("wss") else None,
            )
        except (*NO_ANSWER, websockets.WebSocketException) as error:
            raise await _unreachable(self._endpoint, tls, error) from error
        return self

    async def _learn_the_time(self, tls: ssl.SSLContext) -> None:
        async with httpx.AsyncClient(verify=tls, timeout=REQUEST_S) as client:
            answer = await client.get("http" + self._endpoint.removeprefix("ws") + ALIVE)
            self._proof.learn(answer)

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self._socket.close()

    async def send(self, frame: bytes) -> None:
        try:
            await self._socket.send(frame)
        except websockets.ConnectionClosed as error:
            raise self._lost(error) from error

    async def receive(self) -> bytes:
        try:
            message = await self._socket.recv()
        except websockets.ConnectionClosed as error:
            raise self._lost(error) from error
        return message.encode() if isinstance(message, str) else message

    async def watch(self) -> None:
        await self._socket.wait_closed()
        raise self._lost(None)

    async def say_goodbye(self, frame: bytes) -> None:
        await self.send(frame)

    def _lost(self, error: Exception | None) -> LinkError:
        code, reason = self._socket.close_code, self._socket.close_reason
        if code == REFUSED_STREAM:
            return LinkRefusedError(f"{self._endpoint} refuses this box: {reason}")
        return LinkError(f"{self._endpoint}: connection lost ({code} {reason or error or ''})")


async def _unreachable(endpoint: str, tls: ssl.SSLContext, error: Exception) -> LinkError:
    """Which certificate is to blame, when one is."""
    url, why = urlsplit(endpoint), tls_trouble(error)
    if why is None and url.scheme in ("https", "wss"):
        why = await asked_why(url.hostname or "", url.port or 443, tls)
    if why is not None:
        return LinkError(f"{endpoint}: {why}")
    return LinkError(f"{endpoint} is not reachable: {error!r}")

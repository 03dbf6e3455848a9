"""Where stations connect: TLS, identity, protocol version, and one conversation for each station."""

from __future__ import annotations

import asyncio
import logging
import ssl
from collections.abc import Callable, Sequence
from contextlib import AbstractAsyncContextManager
from http import HTTPStatus
from typing import Final
from weakref import WeakKeyDictionary

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from simems_edge.bridges.ocpp import v16, v201
from simems_edge.bridges.ocpp.access import DeniedError, Gate, common_names
from simems_edge.bridges.ocpp.orders import Link
from simems_edge.bridges.ocpp.station import Station
from simems_edge.bridges.ocpp.unit import LimitUnit
from simems_edge.config import ChargingStation, OcppSettings

log = logging.getLogger(__name__)
LARGEST_MESSAGE: Final = 256 * 1024
PING_S: Final = 20.0
SUBPROTOCOLS: Final = (Subprotocol(v201.SUBPROTOCOL), Subprotocol(v16.SUBPROTOCOL))
"""The best first."""
PROVING: Final = 4
"""Passwords looked at together; others wait."""
REPLACED, NOT_UNDERSTOOD = 1008, 1002


class Wire:
    """A WebSocket as a conversation sees it."""

    def __init__(self, socket: ServerConnection) -> None:
        self._socket = socket

    async def recv(self) -> str | bytes:
        try:
            return await self._socket.recv()
        except ConnectionClosed as error:
            raise ConnectionAbortedError(str(error)) from error

    async def send(self, message: str) -> None:
        try:
            await self._socket.send(message)
        except ConnectionClosed as error:
            raise ConnectionAbortedError(str(error)) from error


class StationServer:
    def __init__(self, settings: OcppSettings, station_of: Callable[[str], Station]) -> None:
        self._settings, self._station_of = settings, station_of
        self._gate = Gate(settings)
        self._proving = asyncio.Semaphore(PROVING)
        self._sockets: dict[str, ServerConnection] = {}
        self._admitted: WeakKeyDictionary[ServerConnection, ChargingStation] = WeakKeyDictionary()

    def listening(self) -> AbstractAsyncContextManager[Server]:
        """Raises OSError or ssl.SSLError when it cannot listen or read its certificate."""
        return serve(
            self._converse,
            self._settings.host,
            self._settings.port,
            ssl=tls_context(self._settings),
            subprotocols=SUBPROTOCOLS,
            select_subprotocol=_version_of,
            process_request=self._admit,
            max_size=LARGEST_MESSAGE,
            ping_interval=PING_S,
            ping_timeout=PING_S,
            open_timeout=10.0,
            close_timeout=2.0,
        )

    async def _admit(self, socket: ServerConnection, request: Request) -> Response | None:
        certificate = socket.transport.get_extra_info("peercert")
        try:
            async with self._proving:
                self._admitted[socket] = await asyncio.to_thread(
                    self._gate.admit, request.path, _single(request.headers), common_names(certificate)
                )
        except DeniedError as error:
            log.warning("connection refused", extra={"reason": str(error), "peer": str(socket.remote_address)})
            answer = socket.respond(HTTPStatus.UNAUTHORIZED, "this station is not known here\n")
            answer.headers["WWW-Authenticate"] = 'Basic realm="charging"'
            return answer
        return None

    async def _converse(self, socket: ServerConnection) -> None:
        settings = self._admitted[socket]
        if socket.subprotocol is None:
            log.warning("station speaks no version that is known here", extra={"station": settings.id})
            await socket.close(NOT_UNDERSTOOD, "use ocpp2.0.1 or ocpp1.6")
            return
        older = self._sockets.get(settings.id)
        self._sockets[settings.id] = socket
        if older is not None:
            log.warning("station connected again; the older connection ends", extra={"station": settings.id})
            await older.close(REPLACED, "connected again")
        station = self._station_of(settings.id)
        log.info("station connected", extra={"station": settings.id, "version": socket.subprotocol})
        try:
            await station.serve(link_of(settings, str(socket.subprotocol), Wire(socket), station, self._settings))
        except ConnectionError as error:
            log.info("station gone", extra={"station": settings.id, "reason": str(error)[:200]})
        finally:
            if self._sockets.get(settings.id) is socket:
                del self._sockets[settings.id]


def link_of(station: ChargingStation, subprotocol: str, wire: Wire, desk: Station, settings: OcppSettings) -> Link:
    """The version's adapter."""
    kind = v201.Link201 if subprotocol == v201.SUBPROTOCOL else v16.Link16
    unit = LimitUnit(station.limit_unit)
    return kind(station.id, wire, desk, unit, answer_s=settings.answer_s, heartbeat_s=settings.heartbeat_s)


def _version_of(socket: ServerConnection, offered: Sequence[Subprotocol]) -> Subprotocol | None:
    """The best that both speak. A station that names none speaks nothing that is known here: it is let go."""
    return next((version for version in SUBPROTOCOLS if version in offered), None)


def _single(headers: Headers) -> dict[str, str]:
    """The one authorisation header; several are none."""
    found = headers.get_all("Authorization")
    return {"Authorization": found[0]} if len(found) == 1 else {}


def tls_context(settings: OcppSettings) -> ssl.SSLContext | None:
    """None for profiles without TLS. TLS 1.2 or later (OCPP 2.0.1 A00.FR.306)."""
    if settings.security_profile < 2:
        return None
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    context.load_cert_chain(str(settings.certificate), str(settings.private_key))
    if settings.security_profile == 3:
        context.load_verify_locations(str(settings.client_authority))
        context.verify_mode = ssl.CERT_REQUIRED
    return context

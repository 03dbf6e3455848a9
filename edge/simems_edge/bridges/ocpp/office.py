"""The face of charging for screens: sessions, stations, and what a person may ask of one. Any thread.

Sessions are read by a connection of its own, so that a screen never waits for the bridge, nor the bridge for a screen.
"""

from __future__ import annotations

import asyncio
import sqlite3
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

from simems_edge.bridges.ocpp.orders import Order
from simems_edge.bridges.ocpp.peer import NoAnswerError, RefusedError
from simems_edge.bridges.ocpp.sessions import Session
from simems_edge.bridges.ocpp.store import FILE, newest_sessions

if TYPE_CHECKING:
    from simems_edge.bridges.ocpp.station import Station

ASK_S: Final = 30.0


class NotConnectedError(Exception):
    """The station is not there to be asked."""


@dataclass(frozen=True, slots=True)
class ConnectorView:
    """Of a screen's list."""

    component: str
    connector: int
    status: str
    session: int | None
    """Number of the session that runs."""


@dataclass(frozen=True, slots=True)
class StationView:
    id: str
    model: str
    connected: bool
    connectors: tuple[ConnectorView, ...]


class ChargingOffice:
    """One for a site; the bridge announces its stations when it is made, and its loop when it runs."""

    def __init__(self, data: Path) -> None:
        self._path = data / FILE
        self._stations: dict[str, Station] = {}
        self._loop: asyncio.AbstractEventLoop | None = None

    def announce(self, stations: dict[str, Station]) -> None:
        self._stations = stations

    def runs_on(self, loop: asyncio.AbstractEventLoop | None) -> None:
        self._loop = loop

    def sessions(self, limit: int) -> list[Session]:
        """Newest first; empty while there is no file. Raises OSError when it cannot be read."""
        if not self._path.exists():
            return []
        try:
            with closing(sqlite3.connect(f"file:{self._path}?mode=ro", uri=True, timeout=2.0)) as database:
                return newest_sessions(database, limit)
        except sqlite3.Error as error:
            raise OSError(f"charging sessions cannot be read ({error})") from error

    def stations(self) -> list[StationView]:
        return [_view(station) for station in self._stations.values()]

    def connector(self, component: str) -> tuple[Station, int]:
        """The station and connector of a component; KeyError when it has none."""
        for station in self._stations.values():
            for one in station.connectors.values():
                if one.component == component:
                    return station, one.number
        raise KeyError(component)

    def transaction(self, component: str) -> str | None:
        """Of the session that runs at this component; None: none does. KeyError when it has no connector."""
        station, number = self.connector(component)
        session = station.connectors[number].session
        return None if session is None else session.transaction

    async def ask(self, station_id: str, order: Order) -> None:
        """Done. Raises KeyError, :class:`NotConnectedError`, RefusedError or NoAnswerError."""
        station, loop = self._stations[station_id], self._loop
        link = station.link
        if link is None or loop is None:
            raise NotConnectedError(f"station {station_id} is not connected")
        asked = asyncio.run_coroutine_threadsafe(link.ask(order), loop)
        try:
            async with asyncio.timeout(ASK_S):
                await asyncio.wrap_future(asked)
        except TimeoutError:
            raise NoAnswerError(f"station {station_id} does not answer") from None

    def need(self, component: str, energy_wh: float | None, departure_us: int | None) -> None:
        """What the driver says: energy that the car shall get in this session, and when it leaves. KeyError."""
        station, number = self.connector(component)
        loop = self._loop
        if loop is None:
            raise NotConnectedError("charging is not running")
        loop.call_soon_threadsafe(station.needs, number, energy_wh, departure_us)


def _view(station: Station) -> StationView:
    rows = tuple(
        ConnectorView(one.component, one.number, one.status, None if one.session is None else one.session.number)
        for one in station.connectors.values()
    )
    return StationView(station.id, station.model, station.link is not None, rows)


__all__ = ["ChargingOffice", "ConnectorView", "NoAnswerError", "NotConnectedError", "RefusedError", "StationView"]

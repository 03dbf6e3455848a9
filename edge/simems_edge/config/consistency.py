"""What the site file says in one place must fit what it says in another. Needs no devices and no controllers."""

import difflib
from collections.abc import Iterator, Set
from typing import Final
from urllib.parse import urlsplit
from zoneinfo import available_timezones

from simems_edge.config.charging_check import charging_problems
from simems_edge.config.connection import ModbusRtu, ModbusRtuTcp, ModbusTcp
from simems_edge.config.currencies import CURRENCIES
from simems_edge.config.document import Document
from simems_edge.config.model import Site
from simems_edge.config.problem import Path, Problem

RESERVED_IDS: Final = frozenset({"site", "cycle", "edge"})
PAIRS: Final = ("soc_pct", "cell_voltage_v", "voltage_v", "cell_temperature_degc", "charge_temperature_degc")
"""Guards with a lower and an upper bound."""
SHORTEST_PERIOD_WITH_CONTROLLERS_S: Final = 0.01
OWN: Final = {
    "modbus": "give each component its own host, port or unit",
    "http": "give each component its own url, or a profile of another part of the device",
    "mqtt": "give each component its own topic",
    "can": "give each component its own channel, or a profile of another device",
    "ocpp": "give each component its own station or connector",
}
"""What to do about two components at one device, by protocol."""
DEFAULT_PORTS: Final = {"https": 443, "wss": 443, "http": 80, "ws": 80, "mqtts": 8883, "mqtt": 1883}
_LOCAL: Final = frozenset({"localhost", "127.0.0.1", "::1", "0.0.0.0"})  # noqa: S104 - compared, not bound


def consistency_problems(site: Site, document: Document) -> list[Problem]:
    """Everything that does not fit together."""
    checks = (
        *(_ids, _zone_and_currency, _pairs, _clusters, _connections, _ports, _times, _prices, _simulation),
        charging_problems,
    )
    return [problem for check in checks for problem in check(site, document)]


def _ids(site: Site, document: Document) -> Iterator[Problem]:
    places: dict[str, Path] = {}
    named = [(("components", i, "id"), c.id) for i, c in enumerate(site.components)]
    named += [(("controllers", i, "id"), c.id) for i, c in enumerate(site.controllers)]
    named += [(("clusters", i, "id"), c.id) for i, c in enumerate(site.clusters)]
    for path, name in named:
        if name in RESERVED_IDS:
            yield document.problem(path, "is reserved", "choose another id")
        elif name in places:
            line = document.line(places[name])
            yield document.problem(
                path, f"is already used on line {line}", "give each component and controller its own id"
            )
        places.setdefault(name, path)


def _zone_and_currency(site: Site, document: Document) -> Iterator[Problem]:
    zones = available_timezones()
    if site.site.time_zone not in zones:
        yield _unknown(
            document, ("site", "time_zone"), site.site.time_zone, zones, "an IANA name, e.g. Europe/Stockholm"
        )
    if site.site.currency not in CURRENCIES:
        yield document.problem(("site", "currency"), "is not known", "use a code of ISO 4217, e.g. SEK or EUR")


def _unknown(document: Document, path: Path, value: str, known: Set[str], otherwise: str) -> Problem:
    close = difflib.get_close_matches(value, sorted(known), n=1, cutoff=0.6)
    remedy = f"did you mean {close[0]!r}?" if close else f"use {otherwise}"
    return document.problem(path, "is not known", remedy, value=repr(value))


def _pairs(site: Site, document: Document) -> Iterator[Problem]:
    for position, component in enumerate(site.components):
        for name in PAIRS:
            bounds = getattr(component.guards, name)
            if bounds is not None and bounds[0] >= bounds[1]:
                path: Path = ("components", position, "guards", name)
                text = f"[{bounds[0]:g}, {bounds[1]:g}]"
                yield document.problem(
                    path, "has its lower bound not below the upper", "write [lowest, highest]", value=text
                )


def _clusters(site: Site, document: Document) -> Iterator[Problem]:
    known = frozenset(component.id for component in site.components)
    taken: dict[str, str] = {}
    for position, cluster in enumerate(site.clusters):
        path: Path = ("clusters", position)
        for place, member in enumerate(cluster.members):
            if member not in known:
                otherwise = f"the id of a component: {', '.join(sorted(known))}"
                yield _unknown(document, (*path, "members", place), member, known, otherwise)
            elif member in taken:
                message = f"is a member of {taken[member]!r} already"
                yield document.problem((*path, "members", place), message, "keep it in one cluster, once")
            taken[member] = cluster.id
        if cluster.weights and len(cluster.weights) != len(cluster.members):
            yield document.problem((*path, "weights"), "are not one for each member", "write as many as members")


def _connections(site: Site, document: Document) -> Iterator[Problem]:
    """One device, one component (devices that show several kinds are told apart by their profile, not here); units of
    one serial line agree on how it is spoken."""
    users: dict[tuple[str, str, str], int] = {}
    lines: dict[str, tuple[int, ModbusRtu]] = {}
    for position, component in enumerate(site.components):
        connection = component.connection
        path: Path = ("components", position, "connection", connection.kind)
        shown, one = connection.shown, connection.given
        first = users.setdefault((connection.line, connection.place, component.profile), position)
        if first != position:
            message = f"is the device of component {site.components[first].id!r} already"
            yield document.problem(path, message, OWN[connection.protocol], value=shown)
        if isinstance(one, ModbusRtu):
            at, other = lines.setdefault(connection.line, (position, one))
            if other.line != one.line:
                message = f"is spoken otherwise than by component {site.components[at].id!r}"
                yield document.problem(
                    path, message, "give all units of a line one baud, parity and stop_bits", value=shown
                )


def _ports(site: Site, document: Document) -> Iterator[Problem]:
    for position, component in enumerate(site.components):
        modbus = component.connection.given
        if not isinstance(modbus, ModbusTcp | ModbusRtuTcp):
            continue
        if modbus.port == site.hmi.port and _same_host(modbus.host, site.hmi.host):
            path: Path = ("components", position, "connection", component.connection.kind, "port")
            yield document.problem(
                path, "is also the port of the hmi on this host", "choose another port for one of them"
            )
    yield from _cloud_port(site, document)


def _same_host(host: str, served: str) -> bool:
    return host.lower() == served.lower() or (host.lower() in _LOCAL and served.lower() in _LOCAL)


def _cloud_port(site: Site, document: Document) -> Iterator[Problem]:
    if site.cloud is None:
        return
    host, port = _place_of(site.cloud.endpoint)
    if port == 0:
        yield document.problem(("cloud", "endpoint"), "has no valid port", "use a port number between 1 and 65535")
    elif port == site.hmi.port and _same_host(host, site.hmi.host):
        yield document.problem(("cloud", "endpoint"), "has the port of the hmi on this host", "choose another port")


def _place_of(endpoint: str) -> tuple[str, int]:
    """Host and port, that of the scheme when none is written; port 0: it cannot be."""
    try:
        url = urlsplit(endpoint)
        return url.hostname or "", 0 if url.port == 0 else url.port or DEFAULT_PORTS.get(url.scheme, 0)
    except ValueError:
        return "", 0


def _times(site: Site, document: Document) -> Iterator[Problem]:
    period_s = site.cycle.period_s
    if site.controllers and period_s < SHORTEST_PERIOD_WITH_CONTROLLERS_S:
        message = "is too short for Python controllers"
        yield document.problem(("cycle", "period"), message, "use 10 ms or more, or remove the controllers")
    if site.cycle.lateness_limit_s > period_s:
        message = f"is longer than the cycle's period of {period_s:g} s"
        remedy = "a cycle that late is skipped and counted anyway; write less than the period"
        value = f"{site.cycle.lateness_limit_s:g} s"
        yield document.problem(("cycle", "max_lateness"), message, remedy, value=value)
    if site.recorder.interval_s < period_s:
        message = f"is shorter than the cycle's period of {period_s:g} s"
        path: Path = ("recorder", "interval")
        yield document.problem(
            path, message, "record no faster than the cycle runs", value=f"{site.recorder.interval_s:g} s"
        )


def _prices(site: Site, document: Document) -> Iterator[Problem]:
    prices = site.prices
    if prices is None:
        return
    zones = available_timezones()
    if prices.zone not in zones:
        yield _unknown(document, ("prices", "zone"), prices.zone, zones, "an IANA name, e.g. Europe/Stockholm")
    if prices.currency != site.site.currency:
        message = f"is not the site's currency {site.site.currency}: prices are not exchanged"
        yield document.problem(("prices", "currency"), message, "use a source in the site's currency")


def _simulation(site: Site, document: Document) -> Iterator[Problem]:
    if site.simulation is None:
        return
    known = frozenset(component.id for component in site.components)
    for name in site.simulation.devices:
        if name not in known:
            path: Path = ("simulation", "devices", name)
            yield _unknown(document, path, name, known, f"the id of a component: {', '.join(sorted(known))}")

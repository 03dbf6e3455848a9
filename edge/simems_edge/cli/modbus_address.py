"""A Modbus device as people write it on the command line."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator
from typing import Any, Final

from pydantic import ValidationError

from simems_edge.cli.errors import BadInputError
from simems_edge.config import Connection

HELP: Final = "HOST[:PORT][/UNIT], rtu://HOST:PORT[/UNIT] (serial server) or DEVICE[/UNIT] (e.g. /dev/ttyUSB0/1)"
_NETWORK: Final = re.compile(
    r"^(?P<scheme>rtu://)?(?P<host>\[[0-9a-fA-F:]+\]|[^/:\s]+)(:(?P<port>\d+))?(/(?P<unit>\d+))?$"
)
_SERIAL: Final = re.compile(r"^(?P<device>/\S+?|COM\d+)(/(?P<unit>\d+))?$")
_UNIT: Final = re.compile(r"/\d+$")
MOST_ADDRESSES: Final = 1024


def parse_connection(text: str, *, timeout_s: float, line: dict[str, Any] | None = None) -> Connection:
    """``line``: baud, parity and stop_bits of a serial line. Raises :class:`BadInputError`."""
    serial, network = _SERIAL.fullmatch(text.strip()), _NETWORK.fullmatch(text.strip())
    if serial is not None:
        data = {"modbus_rtu": {"device": serial["device"], "unit": int(serial["unit"] or 1), **(line or {})}}
    elif network is not None:
        kind = "modbus_rtu_tcp" if network["scheme"] else "modbus_tcp"
        one = {"host": network["host"].strip("[]"), "port": int(network["port"] or 502)}
        data = {kind: {**one, "unit": int(network["unit"] or 1)}}
    else:
        raise BadInputError(f"{text!r} is no device address; write {HELP}")
    try:
        return Connection.model_validate({kind: {**rest, "timeout": timeout_s} for kind, rest in data.items()})
    except ValidationError as error:
        first = error.errors(include_url=False)[0]
        raise BadInputError(f"{text!r}: {first['loc'][-1]}: {first['msg']}; write {HELP}") from error


def every_address(texts: tuple[str, ...], units: tuple[int, ...]) -> Iterator[str]:
    """Each device address that ``texts`` name; a network in CIDR notation stands for its hosts. Raises
    :class:`BadInputError` when they are too many to be meant."""
    count = 0
    for text in texts:
        for one in (one for host in _hosts(text) for one in _with_units(host, units)):
            count += 1
            if count > MOST_ADDRESSES:
                raise BadInputError(f"{text!r}: more than {MOST_ADDRESSES} addresses; name fewer")
            yield one


def _with_units(host: str, units: tuple[int, ...]) -> list[str]:
    if not units:
        return [host if _UNIT.search(host) else f"{host}/1"]
    return [f"{_UNIT.sub('', host)}/{unit}" for unit in units]


def _hosts(text: str) -> Iterator[str]:
    """``10.0.0.0/24`` and ``10.0.0.0/24:1502`` are networks; ``10.0.0.7/24`` is unit 24 of a host."""
    address, colon, port = text.partition(":") if text.count(":") == 1 else (text, "", "")
    try:
        network = ipaddress.ip_network(address) if "/" in address else None
    except ValueError:
        network = None
    if network is None or network.prefixlen == network.max_prefixlen:
        yield text
        return
    for host in network.hosts():
        yield f"[{host}]{colon}{port}" if network.version == 6 else f"{host}{colon}{port}"

"""Where a webhook may go: never, unless allowed, to an address that only we can reach."""

from __future__ import annotations

import asyncio
import ipaddress
import socket
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit


class BadTargetError(ValueError):
    """The address of a webhook cannot be used; the text says why."""


@dataclass(frozen=True)
class Target:
    """A checked address: the request goes to ``ip``, so that a name cannot lead elsewhere a moment later."""

    url: str
    host: str
    ip: str


def parse(url: str) -> SplitResult:
    """Raises BadTargetError."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise BadTargetError(f"url: {url!r}: not an address") from error
    if parts.scheme not in ("https", "http") or not parts.hostname or port == 0:
        raise BadTargetError("url: write https://host/path")
    if parts.username or parts.password:
        raise BadTargetError("url: no password in an address; check the signature instead")
    return parts


async def check(url: str, *, private: bool) -> Target:
    """Every address the name stands for must be public. Raises BadTargetError."""
    parts = parse(url)
    host = parts.hostname or ""
    port = parts.port or (443 if parts.scheme == "https" else 80)
    try:
        found = await asyncio.get_running_loop().getaddrinfo(host, port, type=socket.SOCK_STREAM)
    except (OSError, UnicodeError) as error:
        raise BadTargetError(f"url: {host!r} is not known: {error}") from error
    addresses = [str(entry[4][0]) for entry in found]
    for address in addresses:
        if not private and not is_public(address):
            raise BadTargetError(f"url: {host!r} is {address}, which is not on the public internet")
    return Target(url, host, addresses[0])


def is_public(address: str) -> bool:
    """Not our own host, network, link, nor one of them in disguise (IPv4 inside IPv6, NAT64, 6to4, Teredo)."""
    ip = ipaddress.ip_address(address.partition("%")[0])
    if isinstance(ip, ipaddress.IPv6Address):
        inner = ip.ipv4_mapped or ip.sixtofour or (ip.teredo[1] if ip.teredo else None)
        if inner is None and ip in ipaddress.ip_network("64:ff9b::/96"):
            inner = ipaddress.IPv4Address(int(ip) & 0xFFFFFFFF)
        if inner is not None:
            return is_public(str(inner))
    return ip.is_global and not ip.is_multicast

"""Walk a chain and say what is wrong with it. Computed here, apart from the database's own function."""

from __future__ import annotations

import hashlib
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass
from typing import Any
from uuid import UUID

from simems_cloud.audit.log import QUERIES
from simems_cloud.kit.database import Connection, Pool, transaction

START = bytes(32)
PAGE = 2000


@dataclass(frozen=True)
class Head:
    """The newest entry of a chain at some time; kept elsewhere, it proves everything up to it."""

    serial: int
    hash: bytes


@dataclass(frozen=True)
class Broken:
    """The first thing wrong with a chain."""

    tenant_id: UUID
    serial: int
    what: str


@dataclass(frozen=True)
class Verdict:
    """``entries``: how many were found whole."""

    tenant_id: UUID
    entries: int
    broken: Broken | None


def entry_hash(entry: Mapping[str, Any]) -> bytes:
    """sha256 over the previous hash and netstrings of tenant, serial, time (us), actor, action, object, details."""
    names = ("tenant_id", "serial", "at_us", "actor", "action", "object", "details")
    fields = [str(entry[name]).encode() for name in names]
    return hashlib.sha256(entry["previous"] + b"".join(b"%d:%s" % (len(f), f) for f in fields)).digest()


async def verify_chain(connection: Connection, tenant_id: UUID, exported: Head | None = None) -> Verdict:
    """In a transaction of that tenant. ``exported``: a head of this chain kept elsewhere."""
    newest = await _newest(connection)
    walk = _Walk(tenant_id, newest, exported)
    async for entry in _entries(connection):
        broken = walk.step(entry)
        if broken is not None:
            return Verdict(tenant_id, walk.serial, broken)
    return Verdict(tenant_id, walk.serial, walk.end(await _newest(connection)))


async def verify_all(pool: Pool, exported: Mapping[UUID, Head] | None = None) -> list[Verdict]:
    """Every chain there is and every chain there should be, as the owner role."""
    heads = dict(exported or {})
    verdicts = []
    for tenant_id in sorted({*await chains(pool), *heads}):
        async with transaction(pool, tenant=tenant_id) as connection:
            verdicts.append(await verify_chain(connection, tenant_id, heads.get(tenant_id)))
    return verdicts


async def heads(pool: Pool) -> dict[UUID, Head]:
    """The newest entry of every chain."""
    found = {}
    for tenant_id in await chains(pool):
        async with transaction(pool, tenant=tenant_id) as connection:
            newest = await _newest(connection)
        if newest is not None:
            found[tenant_id] = newest
    return found


async def chains(pool: Pool) -> list[UUID]:
    async with transaction(pool) as connection:
        return [UUID(str(row["tenant_id"])) for row in await connection.fetch(QUERIES["chains"])]


class _Walk:
    """Entry by entry: serial, link, own hash, and the heads that must lie on the way."""

    def __init__(self, tenant_id: UUID, newest: Head | None, exported: Head | None) -> None:
        self._tenant_id, self.serial, self._hash = tenant_id, 0, START
        self._newest, self._exported = newest, exported

    def step(self, entry: Mapping[str, Any]) -> Broken | None:
        expected = self.serial + 1
        if entry["serial"] != expected:
            return self._broken(expected, f"missing; the next one found is {entry['serial']}")
        if bytes(entry["previous"]) != self._hash:
            return self._broken(expected, "does not follow from the entry before it")
        if entry_hash(entry) != bytes(entry["hash"]):
            return self._broken(expected, "its content does not give its hash")
        self.serial, self._hash = expected, bytes(entry["hash"])
        return self._against(self._exported, "is not the one in the exported head") or self._against(
            self._newest, "is not the one the chain's own head names"
        )

    def end(self, now: Head | None) -> Broken | None:
        """After the last entry: nothing may be missing that a head names, nor stand behind the head of ``now``."""
        if self._exported is not None and self._exported.serial > self.serial:
            return self._broken(self.serial + 1, f"missing; the exported head names {self._exported.serial}")
        if self.serial > (now.serial if now else 0):
            return self._broken(self.serial, "stands behind the chain's own head")
        if self._newest is not None and self._newest.serial > self.serial:
            return self._broken(self.serial + 1, f"missing; the chain's own head names {self._newest.serial}")
        return None

    def _against(self, head: Head | None, what: str) -> Broken | None:
        if head is not None and head.serial == self.serial and head.hash != self._hash:
            return self._broken(self.serial, what)
        return None

    def _broken(self, serial: int, what: str) -> Broken:
        return Broken(self._tenant_id, serial, what)


async def _newest(connection: Connection) -> Head | None:
    row = await connection.fetchrow(QUERIES["head"])
    return None if row is None else Head(row["serial"], bytes(row["hash"]))


async def _entries(connection: Connection) -> AsyncIterator[Mapping[str, Any]]:
    last = -(2**63)
    while True:
        rows = await connection.fetch(QUERIES["entries_after"], last, PAGE)
        for row in rows:
            yield dict(row)
        if len(rows) < PAGE:
            return
        last = rows[-1]["serial"]

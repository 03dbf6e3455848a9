"""A box whose keys change, seen from both sides."""

from __future__ import annotations

from typing import Any

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_cloud.kit.database import Pool, transaction
from simems_core import wire
from simems_core.rekeying import signed_announcement
from simems_edge.sync import Identity
from simems_edge.sync.transports import Papers
from talk import Talk


class Row:
    """What the cloud knows of the device."""

    def __init__(self, pool: Pool, customer: Any) -> None:
        self._pool, self._customer = pool, customer

    async def now(self) -> Any:
        async with transaction(self._pool, tenant=self._customer.tenant_id) as connection:
            return await connection.fetchrow("select * from devices where name = 'box'")

    async def keys(self) -> tuple[str, str]:
        row = await self.now()
        return row["public_key"], row["signing_key"]

    async def values(self) -> list[float]:
        async with transaction(self._pool, tenant=self._customer.tenant_id) as connection:
            rows = await connection.fetch("select value from measurements order by value")
        return [row["value"] for row in rows]


def keys(identity: Identity) -> tuple[str, str]:
    return identity.keys.public_key, identity.signing_public


def old_papers(identity: Identity) -> Papers:
    return Papers(identity.keys, identity.signing_key, identity.broker_name)


def new_papers(identity: Identity) -> Papers:
    following = identity.next_keys
    assert following is not None
    return Papers(following.pair, following.signing_key, identity.broker_name)


async def changed(box: Any, before: tuple[str, str], eventually: Any) -> None:
    await eventually(lambda: keys(box.identity) != before and box.uplink.status.link == "up")


class Empty:
    last_sequence = 0
    oldest_sequence = 1


def hello(box: Any, papers: Papers) -> wire.Hello:
    assert papers.signing_key is not None
    public = papers.signing_key.public_key().public_bytes_raw().hex()
    said: wire.Hello = msgspec.structs.replace(box.hello(Empty(), 1), signing_key=public)
    return said


def announcement(identity: Identity) -> wire.Rekey:
    following = identity.next_keys
    assert following is not None
    signing = following.signing_key
    assert signing is not None
    return signed(identity, following.public_key, signing)


def signed(identity: Identity, public_key: str, signing: Ed25519PrivateKey) -> wire.Rekey:
    public = signing.public_key().public_bytes_raw().hex()
    signature = signing.sign(signed_announcement(identity.keys.public_key, public_key, public)).hex()
    return wire.Rekey(public_key=public_key, signing_key=public, signature=signature)


async def heard(talk: Talk) -> wire.Rekeyed:
    message = await talk.hear()
    assert isinstance(message, wire.Rekeyed), message
    return message


async def announced(box: Any) -> tuple[Papers, Papers]:
    """Papers of the keys of now and of those that the cloud agreed to."""
    box.identity.begin_rotation()
    old, new = old_papers(box.identity), new_papers(box.identity)
    async with Talk(box, old) as talk:
        await talk.say(announcement(box.identity))
        assert (await heard(talk)).reason == ""
    return old, new

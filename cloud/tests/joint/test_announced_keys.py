"""Over every transport: keys that are another's, spent, revoked, not held or announced long ago are not taken."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from rotating import Row, announcement, changed, heard, keys, old_papers, signed
from simems_cloud.kit.database import Pool, transaction
from simems_core import wire
from simems_edge.sync import Identity
from simems_edge.sync.key_files import new_next
from talk import Talk

pytestmark = pytest.mark.integration


async def test_what_is_anothers_or_spent_or_not_held_cannot_be_announced(
    make_box_over: Any, register: Any, take_in: Any, person: Any, row: Row, tmp_path: Path
) -> None:
    box = make_box_over()
    async with box.running():
        await take_in(box)
    other, revoked = Identity(tmp_path / "other"), Identity(tmp_path / "revoked")
    await register(other)
    await person.post(f"/devices/{await register(revoked)}/revoke")
    mine, free = box.identity, new_next()
    mine.begin_rotation()
    good = announcement(mine)
    wrong = {
        "another's public key": signed(mine, other.keys.public_key, Ed25519PrivateKey.generate()),
        "another's signing key": signed(mine, free.public_key, other.signing_key),
        "a revoked public key": signed(mine, revoked.keys.public_key, Ed25519PrivateKey.generate()),
        "a revoked signing key": signed(mine, free.public_key, revoked.signing_key),
        "a revoked key alone": wire.Rekey(public_key=revoked.keys.public_key),
        "its own keys of now": signed(mine, mine.keys.public_key, mine.signing_key),
        "its signing key of now": signed(mine, free.public_key, mine.signing_key),
        "a key that it does not hold": msgspec.structs.replace(good, signing_key=other.signing_public),
        "no signature": msgspec.structs.replace(good, signature=""),
        "a signature over other keys": msgspec.structs.replace(good, public_key=free.public_key),
        "an announcement of another box": signed(other, free.public_key, Ed25519PrivateKey.generate()),
        "no key": wire.Rekey(public_key="x", signing_key="y", signature="z"),
    }
    async with Talk(box, old_papers(mine)) as talk:
        for what, rekey in wrong.items():
            await talk.say(rekey)
            assert (await heard(talk)).reason, what
            now = await row.now()
            assert (now["next_public_key"], now["next_signing_key"]) == (None, ""), what
        await talk.say(good)
        assert await heard(talk) == wire.Rekeyed(public_key=good.public_key, signing_key=good.signing_key)


async def test_an_announcement_that_is_said_again_afterwards_changes_nothing(
    make_box_over: Any, take_in: Any, eventually: Any, row: Row
) -> None:
    box = make_box_over()
    async with box.running():
        await take_in(box)
    box.identity.begin_rotation()
    said, before = announcement(box.identity), keys(box.identity)
    async with box.running():
        await changed(box, before, eventually)
    after = await row.now()
    async with Talk(box, old_papers(box.identity)) as talk:
        await talk.say(said)
        assert (await heard(talk)).reason
    assert await row.now() == after
    box.identity.begin_rotation()
    async with Talk(box, old_papers(box.identity)) as talk:
        await talk.say(announcement(box.identity))
        assert (await heard(talk)).reason == ""
        await talk.say(said)
        assert (await heard(talk)).reason
    assert (await row.now())["next_signing_key"] == announcement(box.identity).signing_key


async def test_nobody_takes_in_a_key_that_was_changed_for_another(
    make_box_over: Any, transport: str, take_in: Any, eventually: Any, row: Row, customer: Any, owner_pool: Pool
) -> None:
    if transport != "https":
        pytest.skip("the database decides it, whatever carried the keys")
    box = make_box_over()
    async with box.running():
        await take_in(box)
        before = keys(box.identity)
        box.identity.begin_rotation()
        await changed(box, before, eventually)
    following = box.identity.begin_rotation()
    async with Talk(box, old_papers(box.identity)) as talk:
        await talk.say(announcement(box.identity))
        assert (await heard(talk)).reason == ""
    for key in (before[0], following.public_key):
        async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
            with pytest.raises(Exception, match="registered, or was spent"):
                await connection.execute(
                    "insert into devices (tenant_id, name, public_key) values (app_tenant(), 'thief', $1)", key
                )

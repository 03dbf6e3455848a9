"""Over every transport: a claim key only provisions; what was revoked comes back with new keys, never with its old."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
import zmq
from simems_cloud.kit.database import Pool, transaction
from simems_core import wire
from simems_core.claiming import new_code
from simems_edge.sync import DeviceKeys, Identity
from simems_edge.sync.identity import forget_keys
from simems_edge.sync.link import LinkError, LinkRefusedError
from simems_edge.sync.transports import Papers, claim_papers
from talk import Talk, answered

pytestmark = pytest.mark.integration
NOW_US = 1_760_000_400_000_000


def _claim(box: Any) -> wire.Claim:
    return wire.Claim(public_key=box.identity.keys.public_key, signing_key=box.identity.signing_public)


async def test_what_a_box_says_before_it_is_let_in_is_kept_nowhere(
    make_box_over: Any, transport: str, person: Any, owner_pool: Pool, customer: Any
) -> None:
    box = make_box_over()
    await person.post("/device-claims", {"code": box.identity.claim_code, "name": "box"})
    hello = box.hello(_Empty(), 1)
    said = [
        *(hello, wire.Telemetry(sequence=1, times_us=[NOW_US], columns=[]), wire.Events(sequence=1, events=[])),
        wire.CommandAck(id=str(customer.device_id), state="done", time_us=1),
        wire.KeyTaken(key="ab" * 32, number=1),
        wire.Rekey(public_key=box.identity.keys.public_key),
    ]
    async with Talk(box, claim_papers(box.identity)) as talk:
        for message in said:
            await talk.say(message)
            # Through a broker nobody is answered who has not shown to be there rightly.
            if transport != "mqtt":
                assert await talk.hear() == wire.Bye(reason="this key may only claim"), message
        await talk.say(_claim(box))
        state = await talk.hear()
    assert isinstance(state, wire.ClaimState)
    assert state.state == "waiting"
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        for table in ("frames", "sites", "command_acks"):
            assert await connection.fetchval(f"select count(*) from {table}") == 0
        strange = "next_public_key is not null or command_key <> '' or signing_key <> ''"
        assert await connection.fetchval(f"select count(*) from devices where {strange}") == 0


class _Empty:
    last_sequence = 1
    oldest_sequence = 1


async def test_who_only_knows_the_code_cannot_speak_as_the_box(
    make_box_over: Any, take_in: Any, transport: str
) -> None:
    box = make_box_over()
    async with box.running():
        await take_in(box)
    papers = replace(claim_papers(box.identity), keys=box.identity.keys)
    if transport == "zeromq":
        mixed = DeviceKeys(box.identity.keys.public_key, box.identity.claim_keys.secret_key)
        papers = replace(papers, keys=mixed)
    with pytest.raises((LinkError, TimeoutError)):
        await answered(box, papers)


async def test_a_claim_through_a_broker_is_made_on_the_topic_of_the_key_that_shall_come_in(
    make_box_over: Any, transport: str, person: Any
) -> None:
    if transport != "mqtt":
        pytest.skip("topics are of a broker")
    box = make_box_over()
    claim = await person.post("/device-claims", {"code": box.identity.claim_code, "name": "box"})
    other = DeviceKeys(*(half.decode() for half in zmq.curve_keypair()))
    async with Talk(box, claim_papers(box.identity)) as talk:
        await talk.say(wire.Claim(public_key=other.public_key, signing_key="ab" * 32))
        with pytest.raises(TimeoutError):
            await talk.hear(1.0)
    found = {row["id"]: row["state"] for row in await person.get("/device-claims")}
    assert found[claim["id"]] == "open"


async def test_a_revoked_box_comes_back_with_new_keys_and_never_with_its_old_ones(
    make_box_over: Any, take_in: Any, person: Any, eventually: Any, customer: Any, app_pool: Pool
) -> None:
    box = make_box_over()
    old = box.identity
    async with box.running():
        device = await take_in(box)
        await box.measure(1)
        await eventually(box.all_acked)
        await person.post(f"/devices/{device}/revoke")
        await eventually(lambda: box.uplink.status.link == "refused")
        await box.measure(2)
    old_box, old_code = box, old.claim_code
    forget_keys(box.folder)
    box = make_box_over()
    assert {old.keys.public_key, old.signing_public, old_code}.isdisjoint(
        {box.identity.keys.public_key, box.identity.signing_public, box.identity.claim_code}
    )
    async with box.running():
        assert await take_in(box) != device
        await eventually(box.all_acked)
        with pytest.raises(LinkRefusedError):
            await answered(old_box, Papers(old.keys, old.signing_key))
        await box.measure(3)
        await eventually(box.all_acked)
    assert await _values(app_pool, customer) == [1.0, 2.0, 3.0]


async def test_nobody_approves_a_key_that_was_revoked(
    make_box_over: Any, transport: str, take_in: Any, person: Any, eventually: Any
) -> None:
    """With a new code as well: the fingerprint is right, the key is spent."""
    if transport != "https":
        pytest.skip("the decision is the same whatever carried the claim")
    box = make_box_over()
    async with box.running():
        device = await take_in(box)
        await person.post(f"/devices/{device}/revoke")
        await eventually(lambda: box.uplink.status.link == "refused")
    (box.folder / "claim-code.json").unlink()
    again = Identity(box.folder)
    claim = await person.post("/device-claims", {"code": again.claim_code, "name": "again"})
    async with box.running():

        async def presented() -> bool:
            found = {row["id"]: row["state"] for row in await person.get("/device-claims")}
            return bool(found[claim["id"]] == "presented")

        await eventually(presented)
        path = f"/device-claims/{claim['id']}/approve"
        answer = await person.post(path, {"fingerprint": again.fingerprint}, 409)
    assert "for good" in answer["detail"]
    assert "simems-edge identity --renew" in answer["detail"]


async def test_a_code_that_nobody_entered_opens_nothing(make_box_over: Any) -> None:
    box = make_box_over()
    assert box.identity.claim_code != new_code()
    with pytest.raises(LinkRefusedError):
        await answered(box, claim_papers(box.identity))


async def _values(pool: Pool, customer: Any) -> list[float]:
    async with transaction(pool, tenant=customer.tenant_id) as connection:
        rows = await connection.fetch("select value from measurements order by value")
    return [row["value"] for row in rows]

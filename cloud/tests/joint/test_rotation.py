"""Over every transport: both keys of a box change together, whatever is cut off, and the old ones are worthless."""

from __future__ import annotations

from contextlib import suppress
from typing import Any

import pytest
from hand import Hand
from rotating import Empty, Row, announced, announcement, changed, heard, hello, keys, new_papers, old_papers
from simems_core import wire
from simems_edge.sync import Identity
from simems_edge.sync.identity import NEXT_FILE
from simems_edge.sync.key_files import NextKeys, new_pair, write_keys
from simems_edge.sync.link import LinkError, LinkRefusedError
from simems_edge.sync.transports import Papers
from talk import Talk, answered

pytestmark = pytest.mark.integration
CLEAR = {"order": {"kind": "clear_fault", "code": "x"}}


async def test_both_keys_change_by_command_and_nothing_is_lost_or_doubled(
    make_box_over: Any, take_in: Any, eventually: Any, person: Any, customer: Any, row: Row
) -> None:
    box = make_box_over()
    hand, old = Hand(box.folder, box.identity), old_papers(box.identity)
    async with box.running(**hand.partners()):
        device = await take_in(box)
        before, name = keys(box.identity), box.identity.broker_name
        await box.measure(*range(20))
        sent = await person.post(f"/sites/{customer.site}/commands", {"order": {"kind": "rotate_key"}})
        await box.measure(*range(20, 40))
        await changed(box, before, eventually)
        await box.measure(*range(40, 60))
        await eventually(box.all_acked)

        async def done(command: Any) -> bool:
            return bool((await person.get(f"/commands/{command['id']}"))["state"] == "done")

        await eventually(lambda: done(sent))
        again = await person.post(f"/sites/{customer.site}/commands", CLEAR)
        await eventually(lambda: done(again))
    assert [one.kind for one in hand.notes.done] == ["rotate_key", "clear_fault"]
    assert await row.values() == [float(n) for n in range(60)]
    after = await row.now()
    assert str(after["device_id"]) == device
    assert (after["public_key"], after["signing_key"]) == keys(box.identity) == keys(Identity(box.folder))
    assert set(before).isdisjoint(keys(box.identity))
    assert (after["broker_name"], box.identity.broker_name) == (name, name)
    assert list(after["spent_keys"]) == list(before)
    with pytest.raises(LinkRefusedError):
        await answered(box, old)


async def test_a_change_begun_on_the_box_while_it_is_away_is_made_and_a_second_one_too(
    make_box_over: Any, take_in: Any, eventually: Any, row: Row
) -> None:
    box = make_box_over()
    async with box.running():
        await take_in(box)
    name = box.identity.broker_name
    for turn in (1, 2):
        before = keys(box.identity)
        Identity(box.folder).begin_rotation()
        box = make_box_over()
        async with box.running():
            await changed(box, before, eventually)
            await box.measure(turn)
            await eventually(box.all_acked)
        assert await row.keys() == keys(Identity(box.folder))
        assert Identity(box.folder).broker_name == name
    assert await row.values() == [1.0, 2.0]


async def test_new_keys_next_to_old_ones_do_not_serve_together(
    make_box_over: Any, take_in: Any, transport: str, row: Row
) -> None:
    """The new public key is believed with the new signing key alone, also before it was used."""
    if transport == "zeromq":
        pytest.skip("there the CURVE key proves the box")
    box = make_box_over()
    async with box.running():
        await take_in(box)
    old, new = await announced(box)
    for mixed in (
        Papers(new.keys, old.signing_key, old.broker_name),
        Papers(old.keys, new.signing_key, old.broker_name),
    ):
        with pytest.raises((LinkError, TimeoutError)):
            await answered(box, mixed)


async def test_the_power_goes_after_the_announcement(
    make_box_over: Any, take_in: Any, eventually: Any, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = make_box_over()
    async with box.running():
        await take_in(box)
        before = keys(box.identity)
        following = box.identity.begin_rotation()
        monkeypatch.setattr(box.uplink, "_rekeyed", lambda answer: None)

        async def noted() -> bool:
            return bool((await row.now())["next_public_key"] == following.public_key)

        await eventually(noted)
        await box.measure(1)
        await eventually(box.all_acked)
    assert await row.keys() == before == keys(Identity(box.folder))
    box = make_box_over()
    async with box.running():
        await changed(box, before, eventually)
        assert box.identity.keys == following.pair
        await box.measure(2)
        await eventually(box.all_acked)
    assert await row.keys() == keys(box.identity)
    assert await row.values() == [1.0, 2.0]


async def test_the_power_goes_after_the_first_use_before_the_box_has_noted_it(
    make_box_over: Any, take_in: Any, eventually: Any, row: Row, monkeypatch: pytest.MonkeyPatch
) -> None:
    box = make_box_over()
    async with box.running():
        await take_in(box)
        before = keys(box.identity)
        following = box.identity.begin_rotation()

        def full(used: NextKeys) -> None:
            raise OSError(28, "No space left on device")

        monkeypatch.setattr(box.identity, "take", full)

        async def promoted() -> bool:
            return bool((await row.now())["public_key"] == following.public_key)

        await eventually(promoted)
        await box.measure(1)
        await eventually(box.all_acked)
    assert keys(Identity(box.folder)) == before, "the disk took nothing of it"
    box = make_box_over()
    async with box.running():
        await changed(box, before, eventually)
        await box.measure(2)
        await eventually(box.all_acked)
    assert await row.keys() == keys(Identity(box.folder))
    assert await row.values() == [1.0, 2.0]


async def test_live_connections_with_the_old_keys_are_cut(
    make_box_over: Any, take_in: Any, transport: str, eventually: Any
) -> None:
    if transport == "mqtt":
        pytest.skip("a broker has one connection of a name: test_at_a_broker_the_old_keys_are_dead_...")
    box = make_box_over()
    async with box.running():
        await take_in(box)
    box.identity.begin_rotation()
    old, new = old_papers(box.identity), new_papers(box.identity)
    async with Talk(box, old) as before, Talk(box, old) as idle:
        await idle.say(wire.Ping(time_us=1))
        assert isinstance(await idle.hear(), wire.Pong)
        await before.say(announcement(box.identity))
        assert (await heard(before)).reason == ""
        async with Talk(box, new) as after:
            await after.say(hello(box, new))
            assert isinstance(await after.hear(), wire.Ack)
            for gone in (before, idle):
                await _until_cut(gone)
            await after.say(wire.Ping(time_us=5))
            assert isinstance(await after.hear(), wire.Pong)


async def _until_cut(talk: Talk) -> None:
    """Within five seconds, whether or not it says anything."""
    with suppress(LinkError):
        while not isinstance(await talk.hear(5.0), wire.Bye):
            pass


async def test_at_a_broker_the_old_keys_are_dead_and_the_new_connection_stays(
    make_box_over: Any, take_in: Any, transport: str, eventually: Any
) -> None:
    if transport != "mqtt":
        pytest.skip("only a broker keeps one connection of a name; others: test_live_connections_...")
    box = make_box_over()
    async with box.running():
        await take_in(box)
    old, new = await announced(box)
    async with Talk(box, new) as talk:
        await talk.say(hello(box, new))
        assert isinstance(await talk.hear(), wire.Ack)
        with pytest.raises(TimeoutError):
            await talk.hear(1.0)  # No goodbye: it would be for the old key, and this is the same topic.
    with pytest.raises(LinkRefusedError):
        await answered(box, old)


async def test_a_box_from_before_changes_its_key_alone(
    make_box_over: Any, transport: str, take_in: Any, eventually: Any, row: Row
) -> None:
    """As older software announces it; its name at a broker comes from its key, as ever."""
    if transport == "mqtt":
        pytest.skip("older software does not announce there")
    box = make_box_over()
    async with box.running():
        await take_in(box)
    public, signing = keys(box.identity)
    following = new_pair()
    async with Talk(box, old_papers(box.identity)) as talk:
        await talk.say(wire.Rekey(public_key=following.public_key))
        assert await heard(talk) == wire.Rekeyed(public_key=following.public_key)
    async with Talk(box, Papers(following, box.identity.signing_key)) as talk:
        await talk.say(box.hello(Empty(), 1))
        assert isinstance(await talk.hear(), wire.Ack)
    now = await row.now()
    assert (now["public_key"], now["signing_key"], now["broker_name"]) == (following.public_key, signing, "")
    assert list(now["spent_keys"]) == [public]


async def test_a_change_that_older_software_left_half_done_is_ended(
    make_box_over: Any, transport: str, take_in: Any, eventually: Any, row: Row
) -> None:
    """A pair without a signing key lies beside the old one: where it cannot be used any more, both keys change."""
    box = make_box_over()
    async with box.running():
        await take_in(box)
        before = keys(box.identity)
    left = new_pair()
    write_keys(box.folder / NEXT_FILE, left)
    box = make_box_over()
    async with box.running():
        await eventually(lambda: box.identity.keys.public_key != before[0] and box.uplink.status.link == "up")
        await box.measure(1)
        await eventually(box.all_acked)
    assert await row.keys() == keys(Identity(box.folder))
    assert box.identity.signing_public != before[1]

"""The tenant's command key changes only on the word of the key before it; whatever else is said, nothing changes.

``SIMEMS_KEY_FORGERIES``: how many chains somebody else makes; the short form tries 2,000, ``make forge-long`` 100,000.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any
from uuid import uuid4

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core import wire
from simems_core.key_changes import signed_text
from simems_edge.commands import trust

WANTED = int(os.environ.get("SIMEMS_KEY_FORGERIES", "2000"))
MOST_CHANGES = 500
SERVER_US = 1_770_000_000_000_000
END_US = SERVER_US + 3_600_000_000


def _public(key: Ed25519PrivateKey) -> str:
    return key.public_key().public_bytes_raw().hex()


def statement(tenant: str, number: int, old: Ed25519PrivateKey, new: str, until_us: int = END_US) -> wire.KeyChange:
    unsigned = wire.KeyChange(
        tenant=tenant, number=number, old_key=_public(old), new_key=new, old_until_us=until_us, signature=""
    )
    return msgspec.structs.replace(unsigned, signature=old.sign(signed_text(unsigned)).hex())


class Keys:
    """A tenant whose key changes; ``tenant.key`` is always the newest."""

    def __init__(self, tenant: Any) -> None:
        self.tenant = tenant
        self.old: list[Ed25519PrivateKey] = []
        self.changes: list[wire.KeyChange] = []

    def change(self, until_us: int = END_US) -> None:
        new = Ed25519PrivateKey.generate()
        self.changes.append(statement(self.tenant.id, len(self.changes) + 1, self.tenant.key, _public(new), until_us))
        self.old.append(self.tenant.key)
        self.tenant.key = new

    def welcome(self, changes: Sequence[wire.KeyChange] | None = None, **fields: Any) -> wire.Welcome:
        told = list(self.changes if changes is None else changes)
        welcome: wire.Welcome = msgspec.structs.replace(self.tenant.welcome, key_changes=told, **fields)
        return welcome

    def by_old(self, counter: int) -> wire.Command:
        """Signed with the key before the newest."""
        named = msgspec.structs.replace(self.tenant.command(counter), key=_public(self.old[-1]))
        newest, self.tenant.key = self.tenant.key, self.old[-1]
        try:
            signed: wire.Command = self.tenant.sign(named)
        finally:
            self.tenant.key = newest
        return signed


@pytest.fixture
def keys(tenant: Any) -> Keys:
    return Keys(tenant)


@pytest.fixture
def desk(keys: Keys, bench: Any) -> Any:
    made = bench.desk()
    made.welcome(keys.welcome())
    bench.hear_the_time()
    _said(made)
    return made


def _said(desk: Any) -> wire.KeyTaken:
    """The newest that it answered about its key."""
    said = [desk.answers.get_nowait() for _ in range(desk.answers.qsize())]
    newest = [one for one in said if isinstance(one, wire.KeyTaken)][-1]
    assert isinstance(newest, wire.KeyTaken)
    return newest


async def test_the_new_key_is_believed_and_the_old_one_until_its_end(keys: Keys, bench: Any, desk: Any) -> None:
    keys.change()
    desk.welcome(keys.welcome())
    assert _said(desk) == wire.KeyTaken(key=keys.tenant.public, number=1)
    assert [event.code for event in bench.events] == ["command.key_changed"]
    assert (await desk.handle(keys.tenant.command(1))).state == "done"
    assert (await desk.handle(keys.by_old(2))).state == "done"
    bench.now_s += 3700
    refused = await desk.handle(keys.by_old(3))
    assert (refused.state, "gave up" in refused.reason) == ("rejected", True)
    bench.hear_the_time(END_US)
    again = keys.tenant.command(3, not_before_us=END_US - 1, expires_us=END_US + 10**9)
    assert (await desk.handle(again)).state == "done", "a refused counter of the old key is not used up"
    assert bench.desk()._trust.anchor.command_keys == (keys.tenant.public,)


async def test_a_key_that_ended_never_comes_back_with_a_wrong_time(keys: Keys, bench: Any, desk: Any) -> None:
    keys.change(SERVER_US - 1)
    desk.welcome(keys.welcome())
    assert (await desk.handle(keys.by_old(1))).state == "rejected"
    assert (await desk.handle(keys.tenant.command(1))).state == "done"
    rebooted = bench.reboot(0)
    assert "not the tenant's" in (await rebooted.handle(keys.by_old(2))).reason
    bench.hear_the_time(SERVER_US - 10**9)
    assert (await rebooted.handle(keys.by_old(2))).state == "rejected"
    rebooted.welcome(keys.welcome())
    assert (await rebooted.handle(keys.by_old(2))).state == "rejected"


async def test_while_the_time_is_not_known_an_old_key_is_not_believed(keys: Keys, bench: Any, desk: Any) -> None:
    keys.change()
    desk.welcome(keys.welcome())
    rebooted = bench.reboot(0)
    assert "gave up" in (await rebooted.handle(keys.by_old(1))).reason
    bench.hear_the_time()
    assert (await rebooted.handle(keys.by_old(1))).state == "done"


@pytest.mark.parametrize("count", [2, 7, 8, 40])
async def test_who_was_away_for_long_catches_up_along_the_chain(keys: Keys, bench: Any, desk: Any, count: int) -> None:
    for _ in range(count):
        keys.change(SERVER_US - 1)
    desk.welcome(keys.welcome())
    assert _said(desk) == wire.KeyTaken(key=keys.tenant.public, number=count)
    assert (await desk.handle(keys.tenant.command(1))).state == "done"
    for _ in range(count):
        assert (await desk.handle(keys.by_old(9))).state == "rejected"
        keys.old.pop()


async def test_a_box_that_comes_new_begins_at_the_newest_key(keys: Keys, bench: Any) -> None:
    keys.change()
    keys.change(SERVER_US - 1)
    desk = bench.desk()
    bench.hear_the_time()
    desk.welcome(keys.welcome(command_keys=[keys.tenant.public]))
    assert _said(desk) == wire.KeyTaken(key=keys.tenant.public, number=2)
    assert (await desk.handle(keys.tenant.command(1))).state == "done"
    assert (await desk.handle(keys.by_old(2))).state == "rejected"


async def test_what_an_older_box_wrote_is_read_and_follows(keys: Keys, bench: Any) -> None:
    anchor = {
        "tenant": keys.tenant.id,
        "device": keys.tenant.device,
        "command_keys": [keys.tenant.public],
        "counter": 4,
    }
    (bench.folder / trust.FILE).write_bytes(msgspec.json.encode(anchor))
    keys.change()
    desk = bench.desk()
    desk.welcome(keys.welcome())
    bench.hear_the_time()
    assert (await desk.handle(keys.tenant.command(5))).state == "done"
    assert (await desk.handle(keys.by_old(4))).state == "rejected"


async def test_the_new_key_is_on_the_disk_before_it_is_believed(
    keys: Keys, bench: Any, desk: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(path: object, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    before = keys.tenant.public
    keys.change()
    monkeypatch.setattr(trust, "write_private", full)
    desk.welcome(keys.welcome())
    said = _said(desk)
    assert (said.key, "No space left" in said.reason) == (before, True)
    assert (await desk.handle(keys.tenant.command(1))).state == "rejected"
    monkeypatch.undo()
    desk.welcome(keys.welcome())
    assert _said(desk).reason == ""
    assert bench.reboot(0)._trust.anchor.key == keys.tenant.public


def test_a_statement_that_skips_a_number_is_not_followed(keys: Keys, desk: Any) -> None:
    keys.change()
    before = desk._trust.anchor
    skipped = statement(keys.tenant.id, 2, keys.old[0], keys.tenant.public)
    desk.welcome(keys.welcome([skipped]))
    assert desk._trust.anchor == before
    assert "does not follow number 0" in _said(desk).reason


def test_two_changes_of_one_key_are_told_as_an_alarm_and_the_first_stays(keys: Keys, bench: Any, desk: Any) -> None:
    keys.change()
    desk.welcome(keys.welcome())
    theirs = statement(keys.tenant.id, 1, keys.old[0], _public(Ed25519PrivateKey.generate()))
    for _ in range(3):
        desk.welcome(keys.welcome([theirs], command_keys=[theirs.new_key]))
    said = _said(desk)
    assert (said.key, "changed twice" in said.reason) == (keys.tenant.public, True)
    assert [(event.code, event.severity) for event in bench.events[1:]] == [("command.key_refused", "alarm")]
    desk.welcome(keys.welcome())
    assert _said(desk) == wire.KeyTaken(key=keys.tenant.public, number=1)


def test_a_key_that_no_statement_leads_to_is_not_believed_and_the_remedy_is_named(keys: Keys, desk: Any) -> None:
    lost = _public(Ed25519PrivateKey.generate())
    before = keys.tenant.public
    desk.welcome(keys.welcome([], command_keys=[lost]))
    said = _said(desk)
    assert (said.key, "simems-edge identity --renew" in said.reason) == (before, True)


def test_a_cloud_that_knows_no_changes_is_not_answered(keys: Keys, desk: Any) -> None:
    desk.welcome(keys.tenant.welcome)
    assert desk.answers.empty()


class Forger:
    """Has heard every statement, and holds keys of another tenant and of its own, but none of this tenant's."""

    def __init__(self, keys: Keys, stranger: Any, dice: random.Random) -> None:
        self.keys, self.stranger, self.dice = keys, stranger, dice
        self.mine = Ed25519PrivateKey.generate()
        self.tries: dict[str, Callable[[], list[wire.KeyChange]]] = {
            "own signature": lambda: [self._signed(self._next())],
            "own key as the old one": lambda: [self._by_mine()],
            "tampered": self._tampered,
            "another tenant": self._another_tenant,
            "replayed": lambda: self.dice.sample(self.keys.changes, self.dice.randrange(len(self.keys.changes))),
            "replayed and led on": lambda: [*self.keys.changes, self._by_mine()],
            "renumbered": self._renumbered,
            "reordered": self._reordered,
            "gap": lambda: self.unheard[1:],
            "junk signature": self._junk,
            "spliced": lambda: [*self.unheard[:1], self._by_mine()],
        }
        self.unheard: list[wire.KeyChange] = []
        """Statements of the tenant that the box has not heard yet, and that are kept back."""

    def _next(self, **fields: Any) -> wire.KeyChange:
        """The statement that would lead to a key of theirs, if it were signed."""
        known = len(self.keys.changes)
        change = statement(self.keys.tenant.id, known + 1, self.mine, _public(self.mine))
        return msgspec.structs.replace(change, old_key=self.keys.tenant.public, **fields)

    def _signed(self, change: wire.KeyChange) -> wire.KeyChange:
        return msgspec.structs.replace(change, signature=self.mine.sign(signed_text(change)).hex())

    def _by_mine(self) -> wire.KeyChange:
        other = _public(Ed25519PrivateKey.generate())
        return statement(self.keys.tenant.id, len(self.keys.changes) + 1 + self.dice.randrange(2), self.mine, other)

    def _tampered(self) -> list[wire.KeyChange]:
        base = self.dice.choice([*self.keys.changes, *self.unheard])
        fields: list[dict[str, Any]] = [
            *({"new_key": _public(self.mine)}, {"old_until_us": wire.MAX_TIME_US}, {"number": base.number + 1}),
            *({"number": -1}, {"number": 2**40}, {"old_until_us": 0}, {"tenant": str(uuid4())}, {"tenant": "a\nb"}),
            *({"new_key": base.old_key}, {"new_key": base.new_key.upper() + "G"}, {"signature": base.signature[::-1]}),
            {"old_key": _public(self.mine)},
        ]
        return [msgspec.structs.replace(base, **self.dice.choice(fields))]

    def _another_tenant(self) -> list[wire.KeyChange]:
        tenant = self.dice.choice([self.stranger.id, self.keys.tenant.id])
        theirs = statement(tenant, len(self.keys.changes) + 1, self.stranger.key, _public(self.mine))
        named = msgspec.structs.replace(theirs, tenant=self.keys.tenant.id)
        return [self.dice.choice([theirs, named])]

    def _renumbered(self) -> list[wire.KeyChange]:
        old = self.dice.choice(self.keys.changes)
        return [msgspec.structs.replace(old, number=len(self.keys.changes) + 1)]

    def _reordered(self) -> list[wire.KeyChange]:
        return list(reversed(self.unheard))

    def _junk(self) -> list[wire.KeyChange]:
        junk = ["", "00" * 64, "zz" * 64, self.dice.randbytes(64).hex(), self.keys.changes[-1].signature]
        return [self._next(signature=self.dice.choice(junk))]


@pytest.mark.timeout(3600)
def test_nobody_but_the_holder_of_the_old_key_leads_a_box_to_another(
    keys: Keys, another_tenant: Any, bench: Any, desk: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    forger, tried, given = Forger(keys, another_tenant(), dice), Counter[str](), 0
    while sum(tried.values()) < WANTED:
        if given == 0 or (given < MOST_CHANGES and dice.random() < 0.01):
            given += 1
            keys.change()
            desk.welcome(keys.welcome())
            assert desk._trust.anchor.key == keys.tenant.public, f"seed {seed}"
            forger.unheard = _kept_back(keys)
        believed = desk._trust.anchor
        name = dice.choice(list(forger.tries))
        tried[name] += 1
        changes = forger.tries[name]()
        wanted = changes[-1].new_key if changes else _public(forger.mine)
        desk.welcome(keys.welcome(changes, command_keys=[dice.choice([wanted, _public(forger.mine)])]))
        assert desk._trust.anchor == believed, f"seed {seed}: {name}: {changes}"
        if dice.random() < 0.01:
            desk = bench.reboot(0)
            assert desk._trust.anchor == believed
    with capsys.disabled():
        print(f"\n{sum(tried.values())} chains of somebody else, 0 believed; {given} changes, each followed")  # noqa: T201 - the figure


def _kept_back(keys: Keys) -> list[wire.KeyChange]:
    """Three more statements of the tenant, of which the box hears none in order."""
    signer, kept = keys.tenant.key, []
    for number in range(3):
        new = Ed25519PrivateKey.generate()
        kept.append(statement(keys.tenant.id, len(keys.changes) + 1 + number, signer, _public(new)))
        signer = new
    return kept

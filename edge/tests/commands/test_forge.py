"""Whatever somebody else makes of commands, none is done; and each that the tenant gave is done once.

``SIMEMS_FORGERIES``: how many are tried; the short form tries 2,000, ``make forge-long`` 100,000. Between them valid
commands are done, so that a desk that refuses everything does not pass.
"""

from __future__ import annotations

import os
import random
from collections import Counter
from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from simems_core import wire
from simems_core.orders import payload_hash

pytestmark = pytest.mark.timeout(3600)
WANTED = int(os.environ.get("SIMEMS_FORGERIES", "2000"))
SERVER_US = 1_770_000_000_000_000
WRONG_CLOCKS = (0, 1, SERVER_US - 10**15, SERVER_US, SERVER_US + 10**15)


class Forger:
    """Has heard every command that was sent, and holds keys of another tenant."""

    def __init__(self, tenant: Any, stranger: Any, dice: random.Random) -> None:
        self.tenant, self.stranger, self.dice = tenant, stranger, dice
        self.heard: list[wire.Command] = []
        self.withheld: list[wire.Command] = []
        """Signed by the tenant, kept back on their way."""
        self.counter = 0
        self.tries: dict[str, Callable[[], wire.Command]] = {
            "changed": self.changed,
            "another payload": self.another_payload,
            "own key": self.own_key,
            "key named wrongly": self.key_named_wrongly,
            "no signature": self.no_signature,
            "replayed": lambda: self.dice.choice(self.heard),
            "renamed": self.renamed,
            "reordered": lambda: self.dice.choice(self.withheld),
            "expired": self.expired,
            "too early": self.too_early,
            "for ever": self.for_ever,
            "another device": self.another_device,
            "another tenant": self.another_tenant,
        }

    def valid(self) -> wire.Command:
        """The next one of the tenant; at first, and then now and again, one before it is kept back."""
        if not self.withheld or self.dice.random() < 0.5:
            self.counter += 1
            self.withheld.append(self.tenant.command(self.counter))
        self.counter += 1
        self.heard.append(self.tenant.command(self.counter))
        return self.heard[-1]

    def _next(self, **fields: Any) -> wire.Command:
        signed: wire.Command = self.tenant.command(self.counter + self.dice.randrange(1, 9), **fields)
        return signed

    def changed(self) -> wire.Command:
        name, value = self.dice.choice(
            [
                *(("counter", self.counter + 1000), ("kind", "restart"), ("actor", "eve@example.com")),
                *(("expires_us", SERVER_US + 10**12), ("not_before_us", 1), ("id", self.stranger.device)),
                *(("counter", -1), ("counter", 2**63), ("counter", 0), ("actor", "a\nb"), ("kind", "x\ny")),
            ]
        )
        base = self.dice.choice([self._next(), self.dice.choice(self.heard)])
        return msgspec.structs.replace(base, **{name: value})

    def another_payload(self) -> wire.Command:
        text = '{"target":"a/b","value":1e9}'
        both = {"payload": text, "payload_sha256": payload_hash(text)}
        return msgspec.structs.replace(self._next(), **self.dice.choice([{"payload": text}, both]))

    def own_key(self) -> wire.Command:
        mine = msgspec.structs.replace(self._next(), key=self.stranger.public)
        signed: wire.Command = self.stranger.sign(mine)
        return signed

    def key_named_wrongly(self) -> wire.Command:
        signed: wire.Command = self.stranger.sign(self._next())
        return signed

    def no_signature(self) -> wire.Command:
        junk = ["", "00" * 64, "zz" * 64, self.dice.randbytes(64).hex(), "ff" * 63, self.heard[-1].signature]
        return msgspec.structs.replace(self._next(), signature=self.dice.choice(junk))

    def renamed(self) -> wire.Command:
        """An old one under a new id, or with a higher counter."""
        old, new = self.dice.choice(self.heard), self._next()
        changes: list[dict[str, Any]] = [{"id": new.id}, {"counter": new.counter}]
        return msgspec.structs.replace(old, **self.dice.choice(changes))

    def expired(self) -> wire.Command:
        over_us = self.dice.choice([0, 1, 10**6, 10**12])
        return self._counted(not_before_us=SERVER_US - 2 * 10**8 - over_us, expires_us=SERVER_US - over_us)

    def too_early(self) -> wire.Command:
        begins_us = SERVER_US + self.dice.choice([10**8, 10**10])
        return self._counted(not_before_us=begins_us, expires_us=begins_us + 10**8)

    def for_ever(self) -> wire.Command:
        return self._next(expires_us=SERVER_US + 10**15)

    def _counted(self, **times: int) -> wire.Command:
        """Of the tenant, at its turn, but out of its time: it uses the counter up."""
        self.counter += 1
        signed: wire.Command = self.tenant.command(self.counter, **times)
        return signed

    def another_device(self) -> wire.Command:
        return self._next(device=self.tenant.other_device)

    def another_tenant(self) -> wire.Command:
        """Of the other tenant, to its own device, or under this one's name."""
        theirs = self.stranger.command(self.counter + 1)
        named = {"tenant": self.tenant.id, "device": self.tenant.device}
        changed = self.dice.choice([{}, named, {"device": self.tenant.device}, {**named, "key": self.tenant.public}])
        signed: wire.Command = self.stranger.sign(msgspec.structs.replace(theirs, **changed))
        return signed


async def test_nothing_that_somebody_else_made_is_done(
    tenant: Any, another_tenant: Any, bench: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    seed = random.randrange(2**32)
    dice = random.Random(seed)
    forger = Forger(tenant, another_tenant(), dice)
    desk, tried, given = bench.desk(), Counter[str](), 0
    desk.welcome(tenant.welcome)
    bench.hear_the_time()
    while sum(tried.values()) < WANTED:
        if dice.random() < 0.05 or not forger.withheld:
            given += 1
            ack = await desk.handle(forger.valid())
            assert ack.state == "done", f"seed {seed}: {ack.reason}"
        if dice.random() < 0.01:
            desk = await _rebooted(bench, forger, dice)
        name = dice.choice(list(forger.tries))
        tried[name] += 1
        ack = await desk.handle(forger.tries[name]())
        assert ack.state in ("rejected", "expired", *(("done",) if name == "replayed" else ())), (seed, name, ack)
        assert len(bench.notes.done) == given, f"seed {seed}: {name} was done"
    assert [one.counter for one in bench.notes.done] == [one.counter for one in forger.heard]
    with capsys.disabled():
        print(f"\n{sum(tried.values())} commands of somebody else, 0 done; {given} of the tenant, each done once")  # noqa: T201 - the figure


async def _rebooted(bench: Any, forger: Forger, dice: random.Random) -> Any:
    """A wrong wall clock and no time of the cloud yet: nothing is believed, whatever its time says."""
    desk = bench.reboot(dice.choice(WRONG_CLOCKS))
    done = len(bench.notes.done)
    for again in (forger._next(), dice.choice(forger.heard), dice.choice(forger.withheld), forger.expired()):
        await desk.handle(again)
    forger.counter += 10
    assert len(bench.notes.done) == done
    bench.hear_the_time()
    return desk

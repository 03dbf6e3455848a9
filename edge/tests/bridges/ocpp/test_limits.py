"""For any answers, delays and drops: what stations may draw never passes a cap on any phase."""

from __future__ import annotations

import math
import os
import random
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from simems_edge.bridges.ocpp.ledger import Cap, Ledger, granted_a
from simems_edge.bridges.ocpp.limits import LimitBook, Timing

CASES = int(os.environ.get("SIMEMS_LEDGER_CASES", "150"))
TIMING = Timing(lifetime_s=60.0, slack_s=10.0, follow_s=5.0)


def test_a_limit_is_reserved_until_it_has_surely_ended() -> None:
    book = LimitBook(32.0, None, TIMING, 0.0)
    assert book.bound_a(0.0) == 32.0, "nobody has told the station anything"
    book.safe_sent(6.0)
    book.safe_acknowledged(6.0, 0.0)
    assert book.bound_a(4.9) == 32.0, "the car has time to follow"
    assert book.bound_a(5.0) == 6.0
    ticket = book.send(16.0, 10.0)
    assert book.bound_a(10.0) == 16.0, "it may hold before anybody answered"
    assert book.bound_a(84.9) == 16.0
    assert book.bound_a(85.0) == 6.0, "its lifetime, the station's lateness and the car's are over"
    book.acknowledged(ticket, 80.0)
    assert book.standing_a(80.0) is None


def test_what_is_superseded_leaves_the_car_time_to_follow() -> None:
    book = LimitBook(32.0, 0.0, TIMING, -1000.0)
    book.acknowledged(book.send(20.0, 0.0), 1.0)
    second = book.send(8.0, 10.0)
    assert book.bound_a(11.0) == 20.0
    book.acknowledged(second, 12.0)
    assert (book.bound_a(16.9), book.bound_a(17.0)) == (20.0, 8.0)
    assert book.standing_a(17.0) == 8.0
    third = book.send(25.0, 20.0)
    book.refused(third)
    assert book.bound_a(20.0) == 8.0
    assert book.renewal_s() == 40.0


def test_an_answer_after_the_end_of_its_transaction_says_nothing_of_the_next() -> None:
    book = LimitBook(32.0, 0.0, TIMING, -1000.0)
    late = book.send(16.0, 0.0)
    book.ended(1.0)
    book.acknowledged(late, 2.0)
    assert book.standing_a(2.0) is None
    assert (book.bound_a(5.9), book.bound_a(6.0), book.held_a(6.0)) == (16.0, 0.0, 0.0)


def test_more_than_allowed_counts_as_drawn() -> None:
    book = LimitBook(32.0, 0.0, TIMING, -1000.0)
    book.acknowledged(book.send(10.0, 0.0), 0.0)
    book.seen(10.3)
    assert book.bound_a(1.0) == 10.0, "a meter may err"
    book.seen(16.0)
    assert (book.bound_a(1.0), book.strays) == (16.0, True)


def test_after_a_restart_old_limits_may_still_hold() -> None:
    book = LimitBook(32.0, 6.0, TIMING, 100.0)
    assert (book.bound_a(174.0), book.bound_a(175.0)) == (32.0, 6.0)


def test_six_ampere_or_nothing() -> None:
    assert granted_a(16.0, 5.9, 6.0) == 0.0
    assert granted_a(16.0, 6.0, 6.0) == 6.0
    assert granted_a(10.27, 32.0, 6.0) == 10.2
    assert granted_a(16.0, math.inf, 6.0) == 16.0


@dataclass
class _Message:
    limit_a: float
    ticket: int
    sent_s: float


@dataclass
class _Station:
    """The truth: takes a message when it arrives, if it does; ends it late or early; its car follows late."""

    safe_a: float
    holds_a: float = 0.0
    ends_s: float = -1.0
    follows: list[tuple[float, float]] = field(default_factory=list)

    def take(self, message: _Message, now_s: float, early_or_late_s: float) -> None:
        self.follows.append((self.holds_a, min(now_s, self.ends_s) + TIMING.follow_s))
        self.holds_a, self.ends_s = message.limit_a, message.sent_s + TIMING.lifetime_s + early_or_late_s

    def allows_a(self, now_s: float) -> float:
        return self.holds_a if now_s < self.ends_s + TIMING.follow_s else self.safe_a

    def draws_a(self, now_s: float) -> float:
        """The most its car may take: what is allowed, or what was until it has followed."""
        return max([self.allows_a(now_s), *(a for a, until_s in self.follows if now_s < until_s)])


@dataclass
class _World:
    dice: random.Random
    now_s: float = 0.0
    pending: dict[str, _Message] = field(default_factory=dict)
    """One call at a time on each station, as OCPP-J has it."""


PHASES = {"a": (1, 2, 3), "b": (1, 2, 3), "c": (2,), "d": (3, 1, 2), "e": (1,)}


def _caps(fuse_a: float) -> list[Cap]:
    phases = [Cap(f"l{p}", fuse_a, frozenset(n for n, on in PHASES.items() if p in on)) for p in (1, 2, 3)]
    return [*phases, Cap("site", 2.2 * fuse_a, frozenset(PHASES))]


@settings(max_examples=CASES, deadline=None)
@given(st.integers(0, 2**48), st.floats(24.0, 80.0), st.sampled_from([0.0, 6.0]))
def test_no_sequence_of_answers_delays_and_drops_passes_a_cap(seed: int, fuse_a: float, safe_a: float) -> None:
    world = _World(random.Random(seed))
    books = {name: LimitBook(32.0, safe_a, TIMING, -1e3) for name in PHASES}
    stations = {name: _Station(safe_a) for name in PHASES}
    caps = _caps(fuse_a)
    ledger = Ledger(caps, books)
    most_a = 0.0
    for _ in range(250):
        world.now_s += world.dice.choice([0.2, 1.0, 3.0, 20.0])
        _turn(world, books, stations, ledger)
        for cap in caps:
            drawn_a = sum(stations[name].draws_a(world.now_s) for name in cap.members)
            assert drawn_a <= cap.limit_a + 1e-6, (cap.name, world.now_s)
            assert drawn_a <= ledger.used_a(cap, world.now_s) + 1e-6
            most_a = max(most_a, drawn_a / cap.limit_a)
    assert most_a > 0.3, "nobody ever charged: the test would prove nothing"


def _turn(world: _World, books: dict[str, LimitBook], stations: dict[str, _Station], ledger: Ledger) -> None:
    dice = world.dice
    name = dice.choice(sorted(books))
    message = world.pending.get(name)
    if message is None:
        limit_a = granted_a(dice.uniform(0.0, 34.0), ledger.room_a(name, world.now_s), 6.0)
        world.pending[name] = _Message(limit_a, books[name].send(limit_a, world.now_s), world.now_s)
        return
    outcome = dice.choice(["acknowledged", "acknowledged", "acknowledged", "refused", "lost", "taken, answer lost"])
    if outcome in {"acknowledged", "taken, answer lost"}:
        stations[name].take(message, world.now_s, dice.uniform(-TIMING.slack_s, TIMING.slack_s))
    if outcome == "acknowledged":
        books[name].acknowledged(message.ticket, world.now_s)
    elif outcome == "refused":
        books[name].refused(message.ticket)
    del world.pending[name]

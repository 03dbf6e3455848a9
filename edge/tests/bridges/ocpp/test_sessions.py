"""Any order, any repetition of what a station tells of its transactions: each session once, complete, on disk."""

from __future__ import annotations

import random
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from simems_edge.bridges.ocpp import sessions
from simems_edge.bridges.ocpp.sessions import Report
from simems_edge.bridges.ocpp.store import FILE, SessionStore

UTC_US = 1_790_000_000_000_000


def start(meter_wh: float = 1000.0, at: int = 0, connector: int = 1) -> Report:
    """As 1.6 tells it: its identity is where, when and at what reading."""
    identity = f"start:{connector}:{meter_wh}:{at}"
    return Report("CP1", connector, "started", identity, UTC_US + at, id_tag="TAG", meter_wh=meter_wh)


def stop(transaction: str, meter_wh: float, at: int, connector: int = 0) -> Report:
    return Report(
        "CP1", connector, "ended", f"stop:{transaction}:{meter_wh}:{at}", UTC_US + at, transaction, meter_wh=meter_wh
    )


@pytest.fixture
def store(tmp_path: Path) -> SessionStore:
    return SessionStore(tmp_path, UTC_US)


def test_a_session_from_start_to_end(store: SessionStore) -> None:
    session, new = store.take(start())
    assert new
    assert session.open
    update = Report("CP1", 1, "updated", session.identity, UTC_US + 60, session.transaction, meter_wh=1500.0)
    assert store.take(update)[0].energy_wh == 500.0
    ended, new = store.take(stop(session.transaction, 3000.0, 120))
    assert not new
    assert (ended.number, ended.energy_wh, ended.open, ended.remark) == (session.number, 2000.0, False, "")


def test_readings_are_saved_now_and_then_and_the_end_has_them_all(tmp_path: Path, store: SessionStore) -> None:
    session, _ = store.take(start())
    for minute in range(1, 20):
        update = Report(
            "CP1", 1, "updated", session.identity, UTC_US + minute, session.transaction, meter_wh=1000.0 + minute
        )
        store.take(update)
    assert SessionStore(tmp_path, UTC_US).newest()[0].last_wh is None, "not each reading wears the flash"
    assert store.newest()[0].last_wh == 1019.0
    silent = Report("CP1", 1, "ended", session.identity, UTC_US + 99, session.transaction)
    assert store.take(silent)[0].energy_wh == 19.0
    assert SessionStore(tmp_path, UTC_US).newest()[0].energy_wh == 19.0


def test_told_again_is_the_same_session(store: SessionStore) -> None:
    first, _ = store.take(start())
    again, new = store.take(start())
    assert (again, new, store.count()) == (first, False, 1)
    ended, _ = store.take(stop(first.transaction, 2000.0, 60))
    assert store.take(stop(first.transaction, 2000.0, 60))[0] == ended
    assert store.take(stop(first.transaction, 2500.0, 90))[0].remark == sessions.ENDED_TWICE
    assert store.count() == 1


def test_the_end_of_what_nobody_knows_is_kept_once(store: SessionStore) -> None:
    for _ in range(2):
        session, _ = store.take(stop("-1", 4000.0, 10))
    assert session.remark == sessions.NEVER_STARTED
    other, new = store.take(stop("-1", 5000.0, 99))
    assert new, "the number -1 says nothing: it is another session"
    assert other.number != session.number
    assert store.count() == 2


def test_what_its_station_forgot_may_still_end(store: SessionStore) -> None:
    session, _ = store.take(start())
    assert store.abandon(session, UTC_US + 500).remark == sessions.NEVER_ENDED
    late, _ = store.take(stop(session.transaction, 1800.0, 400))
    assert (late.remark, late.energy_wh, late.ended_us) == ("", 800.0, UTC_US + 400)


def test_a_meter_that_runs_backwards_is_said(store: SessionStore) -> None:
    session, _ = store.take(start(meter_wh=5000.0))
    ended, _ = store.take(stop(session.transaction, 10.0, 60))
    assert ended.remark == sessions.RUNS_BACKWARDS
    assert ended.energy_wh is None


def test_it_survives_a_restart_and_numbers_go_on(tmp_path: Path, store: SessionStore) -> None:
    session, _ = store.take(start())
    store.set_safe_current("CP1", 1, 6.0)
    again = SessionStore(tmp_path, UTC_US)  # the first was never closed: as after a power cut
    assert again.open_sessions("CP1") == [session]
    assert again.safe_current_a("CP1", 1) == 6.0
    assert again.safe_current_a("CP1", 2) is None
    assert again.take(start(at=7))[0].number > session.number


def test_a_damaged_file_is_set_aside_and_numbers_do_not_repeat(tmp_path: Path, store: SessionStore) -> None:
    number = store.take(start())[0].number
    store.close()
    (tmp_path / FILE).write_bytes(b"no database at all, but long enough to be looked at" * 100)
    fresh = SessionStore(tmp_path, UTC_US + 3_600_000_000)
    assert fresh.quarantined is not None
    assert fresh.take(start())[0].number > number


def _events(transaction: str, count: int) -> list[Report]:
    """A whole 2.0.1 transaction: started, updates, ended, with rising sequence numbers."""
    first = Report("CP2", 1, "started", f"tx:{transaction}", UTC_US, transaction, "TAG", 1000.0, 0)
    updates = [
        replace(first, kind="updated", time_us=UTC_US + n, meter_wh=1000.0 + 10.0 * n, sequence=n)
        for n in range(1, count)
    ]
    ended = replace(first, kind="ended", time_us=UTC_US + count, meter_wh=1000.0 + 10.0 * count, sequence=count)
    return [first, *updates, ended]


@settings(max_examples=60, deadline=None)
@given(st.integers(0, 2**32), st.integers(1, 4), st.integers(1, 5))
def test_any_order_and_repetition_ends_in_the_same_sessions(seed: int, transactions: int, updates: int) -> None:
    dice = random.Random(seed)
    told = [event for n in range(transactions) for event in _events(f"t{n}", updates + 1)]
    heard = told + dice.choices(told, k=len(told))
    dice.shuffle(heard)
    known: dict[str, sessions.Session] = {}
    for report in heard:
        before = known.get(report.identity)
        known[report.identity] = (
            sessions.begun(len(known), report) if before is None else sessions.advanced(before, report)
        )
    assert len(known) == transactions
    for session in known.values():
        assert (session.open, session.energy_wh, session.remark) == (False, 10.0 * (updates + 1), "")

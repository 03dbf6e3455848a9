"""The signed record: a changed byte, a line that goes or moves is noticed; a power cut breaks nothing."""

from __future__ import annotations

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_edge.cli.main import run
from simems_edge.proof import Broken, ProofBook, Proven, recent, verify
from simems_edge.proof.book import FOLDER, read_only
from simems_edge.proof.recent import newest_events
from simems_edge.runtime.limit_record import Entry
from simems_edge.sync import Identity

NOW_US = 1_780_000_000_000_000


def entry(second: int, what: str = "power") -> Entry:
    at_us = NOW_US + second * 1_000_000
    return Entry("dimming", what, at_us, 4200.0, "contact", 4100.5, [at_us - 1, at_us], [4100.5, None])


@pytest.fixture
def key(tmp_path: Path) -> Ed25519PrivateKey:
    return Identity(tmp_path).signing_key


@pytest.fixture
def book(tmp_path: Path, key: Ed25519PrivateKey) -> ProofBook:
    made = ProofBook(tmp_path, key, "malmo-1")
    for second in range(0, 10, 2):
        made.append([entry(second), entry(second + 1)])
    return made


def exported(book: ProofBook, first: int = 0, last: int = 10) -> bytes:
    span = (NOW_US + first * 1_000_000, NOW_US + last * 1_000_000)
    return b"".join(book.export(*span, NOW_US))


def test_an_untouched_record_is_proven(book: ProofBook) -> None:
    proven = verify(exported(book), book.public_key)
    assert isinstance(proven, Proven)
    assert (proven.site, len(proven.entries), proven.entries[0]["what"]) == ("malmo-1", 10, "power")
    part = verify(exported(book, 3, 7))
    assert isinstance(part, Proven)
    assert [one["n"] for one in part.entries] == [4, 5, 6, 7]
    empty = verify(exported(book, 50, 60))
    assert isinstance(empty, Proven)
    assert empty.entries == ()


def test_every_changed_byte_is_noticed(book: ProofBook) -> None:
    content, dice = exported(book), random.Random(7)
    places = {*range(0, len(content), 7), len(content) - 1}
    for place in places:
        wrong = bytearray(content)
        wrong[place] ^= 1 << dice.randrange(8)
        assert isinstance(verify(bytes(wrong), book.public_key), Broken), place


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: lines[:-1],
        lambda lines: lines[1:],
        lambda lines: [*lines[:3], *lines[4:]],
        lambda lines: [*lines[:-2], lines[-1]],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
        lambda lines: [*lines[:4], lines[3], *lines[4:]],
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [*lines, lines[-1]],
        lambda lines: [],
        lambda lines: [b"{}\n"],
    ],
)
def test_lines_that_go_come_or_move_are_noticed(book: ProofBook, change: Callable[[list[bytes]], list[bytes]]) -> None:
    lines = exported(book).splitlines(keepends=True)
    assert isinstance(verify(b"".join(change(lines)), book.public_key), Broken)


def test_ends_of_two_exports_cannot_be_mixed(book: ProofBook) -> None:
    whole, part = exported(book).splitlines(keepends=True), exported(book, 0, 5).splitlines(keepends=True)
    assert isinstance(verify(b"".join([*part[:-1], whole[-1]])), Broken)
    assert isinstance(verify(b"".join([whole[0], *part[1:]])), Broken)


def test_another_box_cannot_write_it(book: ProofBook, tmp_path: Path) -> None:
    other = ProofBook(tmp_path / "other", Ed25519PrivateKey.generate(), "malmo-1")
    other.append([entry(0)])
    forged = exported(other)
    assert isinstance(verify(forged), Proven), "it is whole by itself"
    broken = verify(forged, book.public_key)
    assert isinstance(broken, Broken)
    assert "not the expected one" in broken.what


def test_the_chain_goes_on_after_a_restart_and_over_months(
    book: ProofBook, tmp_path: Path, key: Ed25519PrivateKey
) -> None:
    again = ProofBook(tmp_path, key, "malmo-1")
    again.append([entry(40 * 86_400)])
    again.append([entry(-100)])
    assert len(list((tmp_path / FOLDER).glob("*.jsonl"))) == 2
    proven = verify(exported(again, -1000, 100 * 86_400), key.public_key().public_bytes_raw().hex())
    assert isinstance(proven, Proven)
    assert [one["n"] for one in proven.entries] == list(range(1, 13))
    reader = verify(exported(read_only(tmp_path, (key,)), -1000, 100 * 86_400))
    assert isinstance(reader, Proven)
    assert len(reader.entries) == 12


@pytest.mark.parametrize("torn", [1, 5, 200, 1000])
def test_what_a_power_cut_tore_off_is_set_aside(
    book: ProofBook, tmp_path: Path, key: Ed25519PrivateKey, torn: int
) -> None:
    (path,) = (tmp_path / FOLDER).glob("*.jsonl")
    path.write_bytes(path.read_bytes()[:-torn])
    again = ProofBook(tmp_path, key, "malmo-1")
    again.append([entry(20)])
    proven = verify(exported(again, 0, 100))
    assert isinstance(proven, Proven)
    assert proven.entries[-1]["time_us"] == NOW_US + 20_000_000
    assert path.with_suffix(".torn").exists()


def test_a_full_disk_takes_nothing_and_the_next_try_goes_on(book: ProofBook, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("simems_edge.proof.book.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        book.append([entry(11)])
    monkeypatch.undo()
    book.append([entry(11)])
    proven = verify(exported(book, 0, 100))
    assert isinstance(proven, Proven)
    assert len(proven.entries) == 11


def test_the_oldest_month_goes_when_there_is_no_room(tmp_path: Path, key: Ed25519PrivateKey) -> None:
    book = ProofBook(tmp_path, key, "s", most_bytes=4000)
    for month in range(4):
        book.append([entry(month * 32 * 86_400 + n) for n in range(3)])
    assert len(list((tmp_path / FOLDER).glob("*.jsonl"))) < 4
    assert isinstance(verify(exported(book, 0, 10**8)), Proven)


def test_the_commands_of_people(book: ProofBook, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "a.proof"
    span = ["--from", "2026-01-01", "--to", "2027-01-01T00:00:00+01:00"]
    assert run(["proof", *span, "-o", str(out), "--data", str(tmp_path)]) == 0
    assert run(["proof", "verify", str(out), "--key", book.public_key, "--json"]) == 0
    answer = json.loads(capsys.readouterr().out.partition("\n")[2])
    assert (answer["ok"], answer["key_expected"], answer["events"]) == (True, True, {"dimming.power": 10})
    out.write_bytes(out.read_bytes().replace(b"4100.5", b"4100.6", 1))
    assert run(["proof", "verify", str(out)]) == 1
    assert f"{out}:2: was changed" in capsys.readouterr().err
    assert run(["proof", "verify", str(out), "--key", "x"]) == 2
    assert run(["proof", *span, "-o", str(out), "--data", str(tmp_path / "none")]) == 1
    assert run(["proof", "--from", "nonsense", "--to", "2026", "-o", str(out)]) == 2
    assert run(["proof"]) == 2


def test_the_screen_gets_the_newest_events_with_what_their_signature_says(
    tmp_path: Path, key: Ed25519PrivateKey, book: ProofBook
) -> None:
    assert newest_events(tmp_path, key.public_key(), 10) == []
    book.append([entry(20, "received"), entry(21), entry(22, "obeyed")])
    book.append([entry(3_000_000, "released")])
    events = newest_events(tmp_path, key.public_key(), 10)
    assert [(one.what, one.number, one.intact) for one in events] == [
        ("released", 14, True),
        ("obeyed", 13, True),
        ("received", 11, True),
    ]
    assert (events[1].code, events[1].limit_w, events[1].power_w) == ("dimming", 4200.0, 4100.5)
    assert len(newest_events(tmp_path, key.public_key(), 2)) == 2
    oldest_file = min((tmp_path / FOLDER).glob("*.jsonl"))
    oldest_file.write_bytes(oldest_file.read_bytes().replace(b"4200.0", b"9200.0"))
    assert [one.intact for one in newest_events(tmp_path, key.public_key(), 10)] == [True, False, False]
    assert newest_events(tmp_path / "elsewhere", key.public_key(), 10) == []


def test_of_a_long_record_only_the_end_is_looked_into(
    tmp_path: Path, key: Ed25519PrivateKey, book: ProofBook, monkeypatch: pytest.MonkeyPatch
) -> None:
    book.append([entry(20, "received"), *[entry(21 + second) for second in range(40)], entry(70, "released")])
    monkeypatch.setattr(recent, "MOST_BYTES", 3000)
    assert [one.what for one in newest_events(tmp_path, key.public_key(), 10)] == ["released"]

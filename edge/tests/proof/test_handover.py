"""A record whose signing key changes: the chain of keys is followed, and nothing of it can be changed or made up."""

from __future__ import annotations

import json
import random
from pathlib import Path

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_edge.cli.main import run
from simems_edge.proof import Broken, ProofBook, Proven, verify
from simems_edge.proof.book import FOLDER, read_only, signing_now
from simems_edge.proof.handover import handover_body, public
from simems_edge.proof.line import body_of, digest, signed_line
from simems_edge.proof.recent import newest_events
from simems_edge.runtime.limit_record import Entry

NOW_US = 1_780_000_000_000_000


def entry(second: int, what: str = "power") -> Entry:
    return Entry("dimming", what, NOW_US + second * 1_000_000, 4200.0, "contact", 4100.5)


@pytest.fixture
def keys() -> list[Ed25519PrivateKey]:
    return [Ed25519PrivateKey.generate() for _ in range(3)]


@pytest.fixture
def book(tmp_path: Path, keys: list[Ed25519PrivateKey]) -> ProofBook:
    """Seconds 0 to 4 with the first key, 10 to 14 with the second, 20 to 24 with the third."""
    made = ProofBook(tmp_path, keys[0], "malmo-1")
    for turn, key in enumerate(keys):
        made.change_key(key, NOW_US + (turn * 10 - 5) * 1_000_000)
        made.append([entry(turn * 10 + second) for second in range(5)])
    return made


def exported(book: ProofBook, first: int = -100, last: int = 100) -> bytes:
    return b"".join(book.export(NOW_US + first * 1_000_000, NOW_US + last * 1_000_000, NOW_US))


@pytest.mark.parametrize(
    ("first", "last", "entries"),
    [(-100, 100, 17), (0, 5, 5), (0, 6, 6), (2, 13, 7), (10, 15, 5), (20, 25, 5), (50, 60, 0)],
)
def test_every_span_is_proven_by_any_of_the_keys(
    book: ProofBook, keys: list[Ed25519PrivateKey], first: int, last: int, entries: int
) -> None:
    content = exported(book, first, last)
    for key in keys:
        proven = verify(content, public(key))
        assert isinstance(proven, Proven), proven
        assert len(proven.entries) == entries
        assert (proven.signing_key, proven.former_keys) == (public(keys[2]), (public(keys[0]), public(keys[1])))
    assert isinstance(verify(content, public(Ed25519PrivateKey.generate())), Broken)


def test_every_changed_byte_is_noticed(book: ProofBook, keys: list[Ed25519PrivateKey]) -> None:
    content, dice = exported(book), random.Random(7)
    for place in {*range(0, len(content), 3), len(content) - 1}:
        wrong = bytearray(content)
        wrong[place] ^= 1 << dice.randrange(8)
        assert isinstance(verify(bytes(wrong), public(keys[0])), Broken), place


def test_lines_that_go_or_move_are_noticed(book: ProofBook) -> None:
    lines = exported(book).splitlines(keepends=True)
    for number in range(len(lines)):
        assert isinstance(verify(b"".join([*lines[:number], *lines[number + 1 :]])), Broken), number
        swapped = [*lines[:number], *reversed(lines[number : number + 2]), *lines[number + 2 :]]
        if number + 1 < len(lines):
            assert isinstance(verify(b"".join(swapped)), Broken), number


def test_a_file_from_before_the_change_stays_proven_by_the_key_of_then(
    tmp_path: Path, keys: list[Ed25519PrivateKey]
) -> None:
    book = ProofBook(tmp_path, keys[0], "malmo-1")
    book.append([entry(0)])
    before = exported(book)
    book.change_key(keys[1], NOW_US)
    assert isinstance(verify(before, public(keys[0])), Proven)
    assert isinstance(verify(before, public(keys[1])), Broken), "it does not know the key that follows"


def test_who_holds_an_old_key_alone_adds_nothing(
    tmp_path: Path, book: ProofBook, keys: list[Ed25519PrivateKey]
) -> None:
    """Neither a line after the change, nor a head of his own, nor another successor."""
    lines = exported(book).splitlines(keepends=True)
    last = body_of(lines[-2])
    assert last is not None
    more = signed_line({**last, "n": last["n"] + 1, "previous": digest(lines[-2])}, keys[0])
    head = body_of(lines[0])
    assert head is not None
    for signer in keys[:2]:
        first = signed_line({**head, "signing_key": public(signer)}, signer)
        tail = {"kind": "end", "head": digest(first), "count": len(lines) - 1, "last": digest(more)}
        forged = b"".join([first, *lines[1:-1], more, signed_line(tail, signer)])
        for key in keys:
            assert isinstance(verify(forged, public(key)), Broken)


def test_a_key_that_does_not_agree_is_no_successor(tmp_path: Path, keys: list[Ed25519PrivateKey]) -> None:
    """Whoever holds a key cannot pass off a record as the beginning of somebody else's."""
    book = ProofBook(tmp_path, keys[0], "malmo-1")
    book.append([entry(0)])
    place = {"n": 2, "previous": book._previous, "site": "malmo-1", "time_us": NOW_US}
    body = handover_body(place, keys[0], keys[1])
    not_agreed = {**body, "agreed": keys[0].sign(b"x").hex()}
    elsewhere = {**body, "site": "lund-2"}
    for wrong in (not_agreed, elsewhere, {**body, "new_key": "x"}, {**body, "n": 3}):
        line = signed_line(wrong, keys[0])
        head = {"format": 2, "site": "malmo-1", "signing_key": public(keys[1]), "from_us": 0, "to_us": 1}
        first = signed_line({"kind": "head", **head, "key_changes": [line.decode()], "exported_us": 1}, keys[1])
        end = signed_line({"kind": "end", "head": digest(first), "count": 0, "last": digest(first)}, keys[1])
        assert isinstance(verify(first + end), Broken)


@pytest.mark.parametrize("changes", [None, [], "x", [1], [[]], ["{}"], [None]])
def test_a_head_with_nonsense_for_its_keys_is_broken(keys: list[Ed25519PrivateKey], changes: object) -> None:
    head = {"format": 2, "site": "s", "signing_key": public(keys[0]), "from_us": 0, "to_us": 1}
    first = signed_line({"kind": "head", **head, "key_changes": changes}, keys[0])
    end = signed_line({"kind": "end", "head": digest(first), "count": 0, "last": digest(first)}, keys[0])
    assert isinstance(verify(first + end), Broken)


def test_the_record_says_which_key_it_goes_on_with(tmp_path: Path, keys: list[Ed25519PrivateKey]) -> None:
    """Whatever of a change was cut off by the power."""
    assert signing_now(tmp_path, keys) is keys[0]
    book = ProofBook(tmp_path, keys[0], "s")
    book.append([entry(0)])
    assert signing_now(tmp_path, keys[:2]) is keys[0]
    book.change_key(keys[1], NOW_US)
    assert signing_now(tmp_path, keys[:2]) is keys[1]
    book.change_key(keys[1], NOW_US)
    book.append([entry(1)])
    assert signing_now(tmp_path, keys[:2]) is keys[1]
    (path,) = (tmp_path / FOLDER).glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    assert len(lines) == 3
    path.write_bytes(b"".join(lines[:1]) + lines[1][:-10])
    assert signing_now(tmp_path, keys[:2]) is keys[0], "the change was torn off, so it was not made"


def test_a_change_that_the_disk_refuses_is_made_with_the_next_try(
    tmp_path: Path, keys: list[Ed25519PrivateKey], monkeypatch: pytest.MonkeyPatch
) -> None:
    book = ProofBook(tmp_path, keys[0], "s")

    def full(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr("simems_edge.proof.book.os.fsync", full)
    with pytest.raises(OSError, match="No space"):
        book.change_key(keys[1], NOW_US)
    assert book.public_key == public(keys[0])
    monkeypatch.undo()
    book.change_key(keys[1], NOW_US)
    book.append([entry(1)])
    assert isinstance(verify(exported(book), public(keys[0])), Proven)


def test_the_screen_follows_the_keys_backwards(tmp_path: Path, keys: list[Ed25519PrivateKey]) -> None:
    book = ProofBook(tmp_path, keys[0], "s")
    book.append([entry(0, "received")])
    book.change_key(keys[1], NOW_US)
    book.append([entry(1, "obeyed")])
    book.change_key(keys[2], NOW_US)
    book.append([entry(2, "released")])
    shown = newest_events(tmp_path, keys[2].public_key(), 10)
    assert [(one.what, one.intact) for one in shown] == [("released", True), ("obeyed", True), ("received", True)]
    (path,) = (tmp_path / FOLDER).glob("*.jsonl")
    lines = path.read_bytes().splitlines(keepends=True)
    forger = Ed25519PrivateKey.generate()
    body = {name: value for name, value in (body_of(lines[0]) or {}).items() if name != "limit_w"}
    forged = signed_line({**body, "limit_w": 9.0}, forger)
    change = body_of(lines[1]) or {}
    place = {name: change[name] for name in ("n", "previous", "site", "time_us")}
    bridge = handover_body(place, forger, keys[1])
    bridge = {**bridge, "agreed": change["agreed"]}
    path.write_bytes(b"".join([forged, signed_line(bridge, forger), *lines[2:]]))
    shown = newest_events(tmp_path, keys[2].public_key(), 10)
    assert [one.intact for one in shown] == [True, True, False], "the second key never agreed to follow the forger's"


def test_the_command_of_people_names_the_former_keys(
    tmp_path: Path, book: ProofBook, keys: list[Ed25519PrivateKey], capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "a.proof"
    out.write_bytes(exported(book))
    assert run(["proof", "verify", str(out), "--key", public(keys[0]), "--json"]) == 0
    answer = json.loads(capsys.readouterr().out)
    assert (answer["signing_key"], answer["former_keys"]) == (public(keys[2]), [public(key) for key in keys[:2]])
    assert run(["proof", "verify", str(out), "--key", public(keys[2])]) == 0
    assert f"former keys: {public(keys[0])}, {public(keys[1])}" in capsys.readouterr().out
    assert msgspec.json.decode(exported(book).splitlines()[0].rsplit(b" ", 1)[0])["format"] == 2


def test_a_record_whose_key_never_changed_is_as_ever(tmp_path: Path, keys: list[Ed25519PrivateKey]) -> None:
    """Whoever has an older `simems-edge` can check it."""
    ProofBook(tmp_path, keys[0], "s").append([entry(0)])
    head = body_of(exported(read_only(tmp_path, keys[:1])).splitlines(keepends=True)[0])
    assert head is not None
    assert head["format"] == 1
    assert "key_changes" not in head

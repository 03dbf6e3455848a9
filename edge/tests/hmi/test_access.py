"""PIN and tokens: what is stored, when the door locks, when a token ends."""

from __future__ import annotations

import logging
from pathlib import Path

import pytest
from simems_edge.hmi import Access, load_pin
from simems_edge.hmi.access import LOCK_S, PIN_FILE, TOKEN_LIFETIME_S, PinHash


class Hand:
    """A clock moved by hand."""

    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def test_the_first_start_makes_a_pin_says_it_once_and_keeps_only_its_hash(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        stored = load_pin(tmp_path)
    pin = caplog.messages[0].split(" is ")[1][:6]
    assert stored.matches(pin)
    assert pin not in (tmp_path / PIN_FILE).read_text()
    assert (tmp_path / PIN_FILE).stat().st_mode & 0o777 == 0o600
    caplog.clear()
    assert load_pin(tmp_path) == stored
    assert caplog.messages == []


def test_a_given_pin_is_not_written(tmp_path: Path) -> None:
    assert load_pin(tmp_path, "12345").matches("12345")
    assert not (tmp_path / PIN_FILE).exists()


@pytest.mark.parametrize("content", ["", "{}", '{"salt": 1}', '{"salt": "zz", "digest": "00"}'])
def test_a_damaged_pin_file_is_refused_with_its_name(tmp_path: Path, content: str) -> None:
    (tmp_path / PIN_FILE).write_text(content)
    with pytest.raises(ValueError, match=PIN_FILE.replace(".", r"\.")):
        load_pin(tmp_path)


def test_a_right_pin_forgets_the_wrong_ones() -> None:
    access = Access(PinHash.of("1"), Hand())
    for _ in range(3):
        assert [access.try_pin("0") for _ in range(4)] == [False] * 4
        assert access.try_pin("1")
    assert access.locked_for_s() == 0


def test_the_lock_opens_after_a_minute() -> None:
    hand = Hand()
    access = Access(PinHash.of("1"), hand)
    for _ in range(5):
        access.try_pin("0")
    assert access.locked_for_s() == LOCK_S
    hand.now_s = LOCK_S
    assert access.locked_for_s() == 0


def test_a_token_ends_by_itself() -> None:
    hand = Hand()
    access = Access(PinHash.of("1"), hand)
    token = access.issue()
    assert access.allows(token)
    assert not access.allows(token + "x")
    hand.now_s = TOKEN_LIFETIME_S
    assert not access.allows(token)

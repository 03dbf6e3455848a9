"""Claim codes as people type them, and the files of an identity."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_core.claiming import ALPHABET, ClaimCodeError, claim_secret, fingerprint, new_code, read_code
from simems_edge.sync import Identity
from simems_edge.sync.claim_qr import claim_in_terminal, claim_svg, claim_text
from simems_edge.sync.identity import CLAIM_FILE, NEXT_FILE, SIGNING_FILE, IdentityError


def test_a_code_is_read_however_it_is_typed() -> None:
    for _ in range(200):
        code = new_code()
        typed = code.lower().replace("0", "o").replace("1", "l").replace("-", " ")
        assert read_code(typed) == code
        assert claim_secret(typed) == claim_secret(code)
    assert len({new_code() for _ in range(100)}) == 100


@given(st.integers(0, 19), st.sampled_from(ALPHABET))
def test_a_wrong_character_is_nearly_always_noticed_and_never_gives_the_same_key(place: int, letter: str) -> None:
    code = new_code().replace("-", "")
    wrong = code[:place] + letter + code[place + 1 :]
    if wrong == code:
        return
    try:
        assert claim_secret(wrong) != claim_secret(code)
    except ClaimCodeError as error:
        assert "read it again" in str(error)  # noqa: PT017 - either is right


@pytest.mark.parametrize("text", ["", "ABC", "U" * 20, "0" * 21, "é" * 20])
def test_what_is_no_code_is_refused(text: str) -> None:
    with pytest.raises(ClaimCodeError, match="claim code"):
        read_code(text)
    with pytest.raises(ClaimCodeError, match="claim code"):
        read_code(new_code() + text + "0")


def test_fingerprints_differ_and_are_short() -> None:
    prints = {fingerprint(f"key {n}") for n in range(1000)}
    assert len(prints) == 1000
    assert all(len(text) == 19 for text in prints)


def test_the_image_says_code_and_fingerprint() -> None:
    code = new_code()
    assert claim_text(code, "AAAA").isupper()
    assert claim_svg(code, "AAAA").startswith("<svg")
    assert len(claim_in_terminal(code, "AAAA").splitlines()) > 10


def test_an_identity_is_the_same_after_a_restart_and_its_secrets_are_private(tmp_path: Path) -> None:
    first, second = Identity(tmp_path), Identity(tmp_path)
    assert (first.keys, first.claim_code, first.signing_public) == (
        second.keys,
        second.claim_code,
        second.signing_public,
    )
    assert first.claim_keys == second.claim_keys
    first.begin_rotation()
    for path in tmp_path.iterdir():
        assert path.stat().st_mode & 0o777 == 0o600, path.name


@pytest.mark.parametrize("name", [NEXT_FILE, SIGNING_FILE, CLAIM_FILE])
def test_a_damaged_file_is_named_and_kept(tmp_path: Path, name: str) -> None:
    Identity(tmp_path)
    (tmp_path / name).write_text("{")
    with pytest.raises(IdentityError, match=name):
        _use(Identity(tmp_path))
    assert (tmp_path / name).read_text() == "{"


def _use(identity: Identity) -> object:
    return identity.claim_code, identity.next_keys

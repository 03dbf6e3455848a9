"""``simems-edge identity``: what the cloud must know of a box, and a box made new."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result
from simems_core.wire import MAX_TIME_US
from simems_edge.cli.data_folder import locked_folder
from simems_edge.cli.identity import command
from simems_edge.commands import trust
from simems_edge.proof import ProofBook, Proven, verify
from simems_edge.runtime.limit_record import Entry
from simems_edge.sync.identity import SIGNING_FILE, Identity


def _run(data: Path, *more: str) -> Result:
    return CliRunner().invoke(command, ["--data", str(data), "--json", *more])


def _shown(data: Path, *more: str) -> dict[str, Any]:
    done = _run(data, *more)
    assert done.exit_code == 0, done.output
    shown: dict[str, Any] = json.loads(done.output)
    return shown


def _record(data: Path, entry: Entry) -> None:
    ProofBook(data, Identity(data).signing_key, "s").append([entry])


@pytest.fixture
def entry() -> Entry:
    return Entry("x", "received", 1_770_000_000_000_000, 5000.0, "active", 4000.0)


def test_the_same_box_is_shown_again(tmp_path: Path) -> None:
    assert _shown(tmp_path) == _shown(tmp_path)


def test_a_box_made_new_has_new_keys_and_believes_nobody(tmp_path: Path) -> None:
    before = _shown(tmp_path, "--rotate")
    (tmp_path / trust.FILE).write_text("{}")
    after = _shown(tmp_path, "--renew")
    for name in ("public_key", "fingerprint", "claim_code", "signing_key", "name_at_broker"):
        assert before[name] != after[name], name
    assert after["next_public_key"] is None
    assert not (tmp_path / trust.FILE).exists()
    assert _shown(tmp_path) == after


def test_the_old_record_stays_proven_by_the_old_key(tmp_path: Path, entry: Entry) -> None:
    before = _shown(tmp_path)
    _record(tmp_path, entry)
    sealed = Path(_shown(tmp_path, "--renew")["old_record"])
    proven = verify(sealed.read_bytes(), before["signing_key"])
    assert isinstance(proven, Proven)
    assert (len(proven.entries), proven.to_us) == (1, MAX_TIME_US)
    _record(tmp_path, entry)
    now = ProofBook(tmp_path, Identity(tmp_path).signing_key, "s")
    again = verify(b"".join(now.export(0, MAX_TIME_US, 1)), Identity(tmp_path).signing_public)
    assert isinstance(again, Proven)
    assert [one["n"] for one in again.entries] == [1]


def test_one_that_was_cut_off_is_begun_again(tmp_path: Path, entry: Entry, monkeypatch: pytest.MonkeyPatch) -> None:
    before = _shown(tmp_path)
    _record(tmp_path, entry)
    unlink = Path.unlink

    def cut(path: Path, missing_ok: bool = False) -> None:
        if path.name == SIGNING_FILE:
            raise OSError(5, "Input/output error")
        unlink(path, missing_ok=missing_ok)

    monkeypatch.setattr(Path, "unlink", cut)
    assert _run(tmp_path, "--renew").exit_code != 0
    monkeypatch.undo()
    after = _shown(tmp_path, "--renew")
    assert {before["public_key"], before["signing_key"]}.isdisjoint(after.values())
    (sealed,) = tmp_path.glob("record-of-*.proof")
    assert isinstance(verify(sealed.read_bytes(), before["signing_key"]), Proven)


def test_not_while_an_edge_uses_the_folder(tmp_path: Path) -> None:
    before = _shown(tmp_path)
    with locked_folder(tmp_path):
        done = _run(tmp_path, "--renew")
    assert done.exit_code != 0
    assert "uses this folder already" in str(done.exception)
    assert _shown(tmp_path) == before


def test_new_keys_and_another_key_are_two_things(tmp_path: Path) -> None:
    done = _run(tmp_path, "--renew", "--rotate")
    assert done.exit_code != 0
    assert "--rotate" in str(done.exception)

"""The device's keys: made once, private, whole, and refused in words when damaged."""

from __future__ import annotations

from pathlib import Path

import pytest
import zmq
from simems_edge.sync.key_files import FILE, IdentityError, stored_keys


def test_keys_are_made_once_and_are_private(tmp_path: Path) -> None:
    keys = stored_keys(tmp_path / "new")
    assert stored_keys(tmp_path / "new") == keys
    assert (tmp_path / "new" / FILE).stat().st_mode & 0o777 == 0o600
    assert zmq.curve_public(keys.secret_key.encode()).decode() == keys.public_key
    assert keys.secret_key not in repr(keys)


def test_a_key_file_open_to_others_is_closed(tmp_path: Path) -> None:
    stored_keys(tmp_path)
    (tmp_path / FILE).chmod(0o644)
    stored_keys(tmp_path)
    assert (tmp_path / FILE).stat().st_mode & 0o777 == 0o600


@pytest.mark.parametrize("content", ["", "{}", '{"public_key": "a", "secret_key": "b"}', "\x00"])
def test_a_damaged_key_file_is_refused_and_never_replaced(tmp_path: Path, content: str) -> None:
    (tmp_path / FILE).write_text(content)
    with pytest.raises(IdentityError, match=r"device-key\.json"):
        stored_keys(tmp_path)
    assert (tmp_path / FILE).read_text() == content


def test_keys_that_do_not_belong_together_are_refused(tmp_path: Path) -> None:
    keys = stored_keys(tmp_path)
    other = zmq.curve_keypair()[0].decode()
    (tmp_path / FILE).write_text((tmp_path / FILE).read_text().replace(keys.public_key, other))
    with pytest.raises(IdentityError, match="belong together"):
        stored_keys(tmp_path)

"""A new site file: refused with the old one untouched, kept when healthy, taken back when it is not."""

from __future__ import annotations

import asyncio
import zipfile
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
from simems_edge.buffer.durable import replace_durably
from simems_edge.cli import box as box_module
from simems_edge.cli.box import judge_trial
from simems_edge.commands import configuration as module
from simems_edge.commands.configuration import Configuration, ConfigurationRefusedError
from simems_edge.commands.diagnostics import MOST_BYTES, bundle, without_secrets
from simems_edge.config.parse import parse_document

OLD, NEW = "site: old\n", "site: new\n"


@pytest.fixture
def site_file(tmp_path: Path) -> Path:
    path = tmp_path / "site.yaml"
    path.write_text(OLD)
    return path


@pytest.fixture
def make(tmp_path: Path, site_file: Path) -> Callable[..., Configuration]:
    def configuration(problems: list[str] | None = None, **checks: bool) -> Configuration:
        made = Configuration(site_file, tmp_path / "data", lambda path: problems or [])
        made.checks = lambda: checks or {"cycle": True, "bridge": False}
        return made

    return configuration


def test_a_wrong_file_is_refused_by_its_problems_and_leaves_nothing(make: Any, site_file: Path) -> None:
    with pytest.raises(ConfigurationRefusedError, match="line 3: wrong"):
        make(["line 3: wrong"]).begin("c", NEW)
    assert site_file.read_text() == OLD
    assert [path.name for path in site_file.parent.iterdir()] == ["site.yaml"]


def test_a_file_that_is_too_long_or_a_place_that_is_read_only_is_refused(
    make: Any, site_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with pytest.raises(ConfigurationRefusedError, match="bytes"):
        make().begin("c", "x" * 600_000)
    monkeypatch.setattr("simems_edge.commands.configuration.os.access", lambda path, mode: False)
    with pytest.raises(ConfigurationRefusedError, match="cannot be written"):
        make().begin("c", NEW)
    assert site_file.read_text() == OLD


def test_one_trial_at_a_time(make: Any, site_file: Path) -> None:
    make().begin("c", NEW)
    with pytest.raises(ConfigurationRefusedError, match="on trial"):
        make().begin("d", OLD)
    make().keep()
    verdict = make().take_verdict()
    assert (verdict.command_id, verdict.kept, site_file.read_text()) == ("c", True, NEW)


def test_a_file_that_does_not_start_twice_is_taken_back(make: Any, site_file: Path) -> None:
    make().begin("c", NEW)
    for _ in range(2):
        make().before_start()
        assert site_file.read_text() == NEW
    make().before_start()
    assert site_file.read_text() == OLD
    verdict = make().take_verdict()
    assert (verdict.kept, "2 starts" in verdict.reason) == (False, True)
    make().before_start()


def test_a_power_cut_before_it_was_in_place_is_no_trial_of_the_old_file(
    make: Any, site_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = replace_durably

    def cut(path: Path, content: bytes) -> None:
        if path == site_file:
            raise KeyboardInterrupt
        real(path, content)

    monkeypatch.setattr(module, "replace_durably", cut)
    with pytest.raises(KeyboardInterrupt):
        make().begin("c", NEW)
    monkeypatch.undo()
    make().before_start()
    assert site_file.read_text() == OLD
    assert make().take_verdict().kept is False


class Desk:
    def __init__(self) -> None:
        self.ended = 0

    def trial_ended(self, configuration: Configuration) -> None:
        self.ended += 1


class Machine:
    def __init__(self) -> None:
        self.restarts = 0

    def restart(self, because: str) -> None:
        self.restarts += 1


@pytest.mark.parametrize(("spoilt", "stands"), [("", NEW), ("cycle", OLD), ("cloud", OLD), ("bridge", NEW)])
async def test_health_decides(
    make: Any, site_file: Path, monkeypatch: pytest.MonkeyPatch, spoilt: str, stands: str
) -> None:
    """What was not well before does not count; a file after which no other one can come is taken back."""
    for name, value in (("HEALTHY_S", 0.05), ("TRIAL_S", 0.3), ("LOOK_S", 0.01)):
        monkeypatch.setattr(box_module, name, value)
    before = {"cycle": True, "bridge": False, "cloud": True}
    make(**before).begin("c", NEW)
    configuration, desk, machine = make(**{**before, spoilt or "cycle": not spoilt}), Desk(), Machine()
    healthy = stands == NEW
    task = asyncio.create_task(judge_trial(configuration, desk, machine))  # type: ignore[arg-type]
    async with asyncio.timeout(5):
        while configuration.trial is not None:  # noqa: ASYNC110 - bounded; a file has no event
            await asyncio.sleep(0.01)
        while not (desk.ended or machine.restarts):  # noqa: ASYNC110 - as above
            await asyncio.sleep(0.01)
    task.cancel()
    assert site_file.read_text() == stands  # noqa: ASYNC240 - nothing else runs here
    assert (desk.ended, machine.restarts) == ((1, 0) if healthy else (0, 1))


def test_a_bundle_is_small_and_tells_no_secret() -> None:
    site = parse_document("site: {id: x}\ncloud: {server_key: abc}\nhmi: {pin: '1'}\nx: [{password: p}]\n", "site.yaml")
    content = bundle({"a": {"b": 1}}, "line\n" * 10, site)
    archive = zipfile.ZipFile(BytesIO(content))
    assert {"a.json", "site.json", "versions.json", "log.jsonl"} == set(archive.namelist())
    text = archive.read("site.json").decode()
    assert '"id": "x"' in text
    assert all(secret not in text for secret in ("abc", '"1"', '"p"'))
    assert without_secrets({"token": 1, "a": [{"key": 2}]}) == {"token": "(hidden)", "a": [{"key": "(hidden)"}]}


def test_a_long_log_loses_its_beginning() -> None:
    import secrets

    lines = "".join(secrets.token_hex(50) + "\n" for _ in range(40_000)) + "the end\n"
    content = bundle({}, lines, parse_document("site: {id: x}\n", "site.yaml"))
    assert len(content) <= MOST_BYTES
    assert zipfile.ZipFile(BytesIO(content)).read("log.jsonl").endswith(b"the end\n")

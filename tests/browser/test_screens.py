"""Both screens in a real Chromium against the running product: the specs of ``ui/e2e``."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from demo.settings import ROOT
from tests.browser.chromium import CHROMIUM, environment_of
from tests.system.conftest import System, run_system

pytestmark = [pytest.mark.browser, pytest.mark.timeout(900)]


UPDATER = Path(__file__).with_name("updater.py")


@pytest.fixture(scope="module")
def system(tmp_path_factory: pytest.TempPathFactory) -> Iterator[System]:
    """The demonstration, with an updater on its box."""
    program = tmp_path_factory.mktemp("image") / "updater"
    program.write_text(f'#!/bin/sh\nexec "{sys.executable}" "{UPDATER}" "$@"\n')
    program.chmod(0o755)
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("SIMEMS_UPDATER", str(program))
        yield from run_system(history_days=1)


@pytest.mark.skipif(CHROMIUM is None, reason="no Chromium: sudo apt-get install chromium")
def test_screens_work_in_a_browser(system: System) -> None:
    done = subprocess.run(
        ["npm", "run", "--silent", "e2e"],
        cwd=ROOT / "ui",
        env={**os.environ, **environment_of(system)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert " passed" in done.stdout, done.stdout
    assert " skipped" not in done.stdout, done.stdout

"""``make screen-pages``: a picture of every screen of the running product, for docs/screens.md.

Starts a demonstration on ports of its own, sends it a command, lets a device fall silent for the pictures of alarms,
and ends it. Without Chromium nothing is done, and that is said.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from demo.settings import ROOT
from tests.browser.chromium import CHROMIUM, environment_of
from tests.system.conftest import System, run_system

FOLDER = ROOT / "docs" / "images" / "screens"
ALARMS = "(portal|hmi) alarms "
HISTORY_DAYS = 2


def main() -> int:
    if CHROMIUM is None:
        sys.stdout.write("screen-pages: SKIPPED, there is no Chromium (sudo apt-get install chromium)\n")
        return 0
    for system in run_system(history_days=HISTORY_DAYS):
        command(system)
        with silent(system, "pv0"):
            pictures(system, "--grep", ALARMS)
        pictures(system, "--grep-invert", ALARMS)
    return 0


def command(system: System) -> None:
    """Something to see on the pages about commands: one that is done, and one to the box."""
    site = system.site()
    for order in (
        {"kind": "override", "target": "ess0/active_power_w", "value": 0.0, "duration_s": 60, "reason": "Inspection"},
        {"kind": "diagnostics"},
    ):
        path = f"/api/v1/sites/{site}/commands"
        system.portal.post(path, json={"order": order, "valid_s": 300}).raise_for_status()
    system.until("commands done", lambda: all(one["state"] == "done" for one in system.get("/commands")), 60)


@contextmanager
def silent(system: System, component: str) -> Iterator[None]:
    """With the alarm that this raises, at the site and in the cloud; it is over afterwards."""
    system.silence(component, True)
    system.until("an alarm in the cloud", lambda: bool(system.get("/alarms?active=true")), 120)
    try:
        yield
    finally:
        system.silence(component, False)
        system.until("the alarm over", lambda: not system.get("/alarms?active=true"), 120)


def pictures(system: System, *which: str, folder: Path = FOLDER) -> None:
    """Raises CalledProcessError when a screen is not sound or asks for what it does not declare."""
    subprocess.run(
        ["npx", "playwright", "test", "-c", "e2e", "screens.spec", *which],
        cwd=ROOT / "ui",
        env={**os.environ, **environment_of(system), "SIMEMS_PICTURES": str(folder)},
        check=True,
    )


if __name__ == "__main__":
    raise SystemExit(main())

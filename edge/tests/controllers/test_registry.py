"""Controllers are found by entry point and built from the site file's entries."""

from __future__ import annotations

import re
import sys
from importlib.metadata import EntryPoint
from pathlib import Path
from typing import Any

import pytest
from simems_edge.config import Site
from simems_edge.controllers import registry
from simems_edge.controllers.optimisation import PeakShaving
from simems_edge.controllers.registry import ControllerError, build_controllers
from simems_edge.controllers.trial import fault_on_import

CONNECTION = {"modbus_tcp": {"host": "127.0.0.1", "port": 1502, "unit": 1}}
ENTRY = {"id": "peak0", "type": "peak_shaving", "grid": "grid0", "ess": "ess0", "threshold_w": "60 kW"}


def site_of(entry: dict[str, Any]) -> Site:
    grid = {"import_limit_w": 100_000.0, "export_limit_w": 50_000.0}
    return Site.model_validate(
        {
            "site": {"id": "registry-1", "time_zone": "Europe/Stockholm", "currency": "SEK", "grid": grid},
            "components": (
                {"id": "grid0", "profile": "sunspec_meter", "connection": CONNECTION},
                {"id": "ess0", "profile": "sunspec_storage", "connection": CONNECTION},
            ),
            "controllers": (entry,),
        }
    )


def test_quantities_may_carry_their_unit() -> None:
    (controller,) = build_controllers(site_of(ENTRY))
    assert isinstance(controller, PeakShaving)
    assert controller.settings.threshold_w == 60_000.0


@pytest.mark.parametrize(
    ("change", "part"),
    [
        ({"type": "peek_shaving"}, "is no controller type"),
        ({"threshold_w": "60 s"}, "threshold_w"),
        ({"threshold_w": -1.0}, "threshold_w"),
        ({"tresh": 1.0}, "tresh"),
        ({"grid": "ess0"}, "name a meter"),
        ({"ess": "ess9"}, "no component of this site"),
    ],
)
def test_an_entry_that_cannot_be_used_is_refused(change: dict[str, Any], part: str) -> None:
    with pytest.raises(ControllerError, match=part):
        build_controllers(site_of(ENTRY | change))


class Package:
    """A foreign controller package whose import does something."""

    def __init__(self, folder: Path, patch: pytest.MonkeyPatch) -> None:
        self._folder, self._patch = folder, patch
        patch.syspath_prepend(folder)

    def install(self, module: str, source: str) -> EntryPoint:
        (self._folder / f"{module}.py").write_text(source)
        point = EntryPoint("foreign", f"{module}:Mine", registry.GROUP)
        self._patch.setattr(registry, "installed", lambda: {"foreign": point})
        return point


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Package:
    return Package(tmp_path, monkeypatch)


@pytest.mark.parametrize(
    ("name", "source", "part"),
    [
        (
            "foreign_raises",
            "raise RuntimeError('no licence')",
            "RuntimeError: no licence; reinstall foreign_raises:Mine",
        ),
        ("foreign_exits", "import os; os._exit(7)", "ended the process with exit code 7"),
        ("foreign_crashes", "import os, signal; os.kill(os.getpid(), signal.SIGSEGV)", "with SIGSEGV"),
        ("foreign_lacks", "import nothing_like_that", "No module named 'nothing_like_that'"),
        ("foreign_other", "Mine = 3", "is no Controller"),
    ],
)
def test_a_foreign_package_that_fails_on_import_only_fails_itself(
    package: Package, name: str, source: str, part: str
) -> None:
    package.install(name, source)
    with pytest.raises(ControllerError, match=re.escape(part)):
        registry.load_type("foreign")
    assert name not in sys.modules or name == "foreign_other", "never imported here"


def test_a_foreign_import_that_hangs_ends(package: Package) -> None:
    package.install("foreign_hangs", "import threading; threading.Event().wait()")
    assert fault_on_import("foreign_hangs", 2.0) == "its import did not end within 2 s"


def test_a_sound_foreign_package_is_loaded(package: Package) -> None:
    package.install("foreign_sound", "from simems_edge.controllers.optimisation import SelfConsumption as Mine")
    assert registry.load_type("foreign").__name__ == "SelfConsumption"

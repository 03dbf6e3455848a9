"""A new controller package installs, is found by its entry point, runs, and its own tests pass."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from simems_edge.cli.main import run

Capture = pytest.CaptureFixture[str]


@pytest.fixture(scope="module")
def package(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """(its folder, the folder where it is installed)"""
    folder, target = tmp_path_factory.mktemp("new") / "night_charge", tmp_path_factory.mktemp("installed")
    assert run(["new-controller", "night_charge", "-o", str(folder)]) == 0
    pip = [sys.executable, "-m", "pip", "install", "-q", "--no-deps", "--no-build-isolation", "--target", str(target)]
    subprocess.run([*pip, str(folder)], check=True, capture_output=True)
    return folder, target


def in_package(package: tuple[Path, Path], *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {"PYTHONPATH": str(package[1])}
    command = [sys.executable, "-m", *arguments]
    return subprocess.run(command, cwd=package[0], env=environment, capture_output=True, text=True, check=False)


def test_it_is_found_by_its_entry_point(package: tuple[Path, Path]) -> None:
    answer = in_package(package, "simems_edge.cli.main", "controllers", "night_charge", "--json")
    assert answer.returncode == 0, answer.stderr
    declared = json.loads(answer.stdout)
    assert declared["type"] == "night_charge"
    assert [setting["name"] for setting in declared["settings"]][:2] == ["ess", "charge_power_w"]


def test_a_site_may_name_it(package: tuple[Path, Path]) -> None:
    answer = in_package(package, "simems_edge.cli.main", "check", "site.yaml")
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_its_own_tests_pass(package: tuple[Path, Path]) -> None:
    answer = in_package(package, "pytest", "-q", "-p", "no:cacheprovider")
    assert answer.returncode == 0, answer.stdout
    assert "5 passed" in answer.stdout


def test_it_charges_in_the_virtual_plant(package: tuple[Path, Path], tmp_path: Path) -> None:
    out = tmp_path / "out.csv"
    simulate = ("simems_edge.cli.main", "simulate", "site.yaml", "scenario.yaml", "-o", str(out))
    answer = in_package(package, *simulate)
    assert answer.returncode == 0, answer.stderr
    header, *rows = out.read_text().splitlines()
    soc = header.split(",").index("true/ess0/soc_pct")
    assert 39.0 < float(rows[-1].split(",")[soc]) < 41.0


@pytest.mark.parametrize("name", ["Night", "2nd", "night-charge", "_x", "peak_shaving", "class"])
def test_a_name_that_will_not_do_is_refused(name: str, tmp_path: Path, capsys: Capture) -> None:
    assert run(["new-controller", name, "-o", str(tmp_path / "x")]) == 2
    assert repr(name) in capsys.readouterr().err
    assert not (tmp_path / "x").exists()


def test_nothing_is_overwritten(tmp_path: Path, capsys: Capture) -> None:
    (tmp_path / "mine.txt").write_text("mine")
    assert run(["new-controller", "night_charge", "-o", str(tmp_path)]) == 2
    assert "not empty" in capsys.readouterr().err
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_the_list_names_package_and_class(capsys: Capture) -> None:
    assert run(["controllers"]) == 0
    assert any(
        line.split() == ["peak_shaving", "optimisation", "PEAK_SHAVING", "simems_edge"]
        for line in capsys.readouterr().out.splitlines()
    )
    assert run(["controllers", "nonsense"]) == 2
    assert "nonsense" in capsys.readouterr().err

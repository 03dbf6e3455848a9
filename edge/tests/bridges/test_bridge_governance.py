"""Every bridge and feed declares what it is, and the page about them is made from that."""

from __future__ import annotations

import ast
import re
from pathlib import Path

import pytest
from simems_edge.bridges.kinds import BRIDGES
from simems_edge.bridges.spec import SPECS, BridgeSpec, page

ROOT = Path(__file__).parents[3]
SOURCE = ROOT / "edge" / "simems_edge" / "bridges"


def test_every_kind_of_connection_is_declared() -> None:
    assert set(BRIDGES) <= {spec.type for spec in SPECS}
    assert {spec.type for spec in SPECS} - set(BRIDGES) == {"mqtt.publish", "prices"}


@pytest.mark.parametrize("spec", SPECS, ids=lambda spec: spec.type)
def test_nothing_is_left_open_and_the_tests_are_there(spec: BridgeSpec) -> None:
    assert spec.gaps() == []
    assert all((ROOT / path).is_file() for path in spec.test_plan)
    assert (ROOT / "edge" / Path(*spec.owner.split("."))).is_dir()


def test_every_problem_that_the_code_raises_is_declared() -> None:
    declared = {code for spec in SPECS for code in spec.problems}
    declared |= {"not_sunspec", "profile_mismatch", "clock_speed", "device_data", "write_forbidden", "device_error"}
    declared |= {"broker_refused"}
    raised = set()
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.Call) and re.search(r"(problem|failed)$", ast.unparse(node.func)) and node.args:
                first = node.args[0]
                raised |= {first.value} if isinstance(first, ast.Constant) and isinstance(first.value, str) else set()
    assert len(raised) > 10
    assert raised <= declared, raised - declared


def test_the_page_is_up_to_date() -> None:
    kept = (ROOT / "docs" / "bridges.md").read_text("utf-8")
    assert kept == page(), "write it again: python -m simems_edge.bridges.spec > docs/bridges.md"

"""Every installed controller declares what the governance rules ask for."""

from __future__ import annotations

from pathlib import Path

import pytest
from simems_edge import Controller
from simems_edge.contracts import ControllerSettings
from simems_edge.controllers.registry import controller_types

ROOT = Path(__file__).parents[3]


def test_the_built_in_controllers_are_found() -> None:
    assert {"peak_shaving", "self_consumption"} <= set(controller_types())


@pytest.mark.parametrize(("name", "kind"), sorted(controller_types().items()))
def test_the_declaration_is_complete(name: str, kind: type[Controller]) -> None:
    assert kind.spec.type == name
    assert not kind.spec.gaps()
    assert issubclass(kind.Settings, ControllerSettings)
    assert all(metric.name and metric.text for metric in kind.spec.metrics)


@pytest.mark.parametrize("kind", [kind for _, kind in sorted(controller_types().items())])
def test_owner_and_test_plan_exist(kind: type[Controller]) -> None:
    assert (ROOT / kind.spec.owner).is_dir()
    for path in kind.spec.test_plan:
        assert (ROOT / path).is_file(), path

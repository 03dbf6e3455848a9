"""Every installed controller declares what the governance rules ask for, and the declaration is true."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from simems_core import Clock, ProcessImage
from simems_edge import Controller
from simems_edge.cli.controller_pages import page_of
from simems_edge.cli.site_file import checked_site
from simems_edge.config import Site
from simems_edge.contracts import Binding, ControllerSettings
from simems_edge.contracts.context import Context
from simems_edge.controllers.handbook import settings_of
from simems_edge.controllers.handbook_page import index_page
from simems_edge.controllers.registry import build_controllers, controller_types
from simems_edge.replay import load_scenario
from simems_edge.replay.closed_loop import ClosedLoop
from simems_edge.runtime import Runtime

ROOT = Path(__file__).parents[3]
PAGES = ROOT / "docs" / "controllers"
KINDS = sorted(controller_types().items())
TERMS = ("preferred", "lower", "upper", "offset", "reserve_up", "reserve_down")
MOST_STEPS = 2_500
every_controller = pytest.mark.parametrize(("name", "kind"), KINDS, ids=[name for name, _ in KINDS])


def test_the_built_in_controllers_are_found() -> None:
    assert {"peak_shaving", "self_consumption"} <= {name for name, _ in KINDS}


@every_controller
def test_the_declaration_is_complete(name: str, kind: type[Controller]) -> None:
    assert kind.spec.type == name
    assert not kind.spec.gaps()
    assert issubclass(kind.Settings, ControllerSettings)
    assert all(metric.name and metric.text for metric in kind.spec.metrics)
    assert all(code < len(metric.labels) for metric in kind.spec.metrics for code in metric.refusals)


@every_controller
def test_owner_and_test_plan_exist(name: str, kind: type[Controller]) -> None:
    assert (ROOT / kind.spec.owner).is_dir(), name
    for path in kind.spec.test_plan:
        assert (ROOT / path).is_file(), path


@every_controller
def test_every_setting_is_explained(name: str, kind: type[Controller]) -> None:
    assert [one.name for one in settings_of(kind) if not one.text] == [], name


@every_controller
def test_its_page_is_up_to_date(name: str, kind: type[Controller]) -> None:
    written = (PAGES / f"{name}.md").read_text("utf-8")
    assert written == page_of(PAGES, kind), "run `make controller-pages`"
    assert (PAGES / name / "plot.png").exists(), "run `make controller-pages`"


def test_the_list_is_up_to_date() -> None:
    assert (PAGES / "README.md").read_text("utf-8") == index_page([kind for _, kind in KINDS])


@every_controller
def test_it_reads_what_it_declares(name: str, kind: type[Controller], monkeypatch: pytest.MonkeyPatch) -> None:
    """No more: it would depend on what nobody knows of. No less: what is declared and not read is no declaration."""
    read: set[str] = set()
    site = _example(name)
    settings = next(c.settings for c in build_controllers(site) if c.spec.type == name)
    places = {setting: str(ref) for setting, ref in settings.references().items()}
    channels = {str(ref) for ref in settings.channel_references().values()}
    with monkeypatch.context() as patch:
        _watch_reads(patch, name, read)
        Runtime(site, clock=Clock.simulated(0))
    declared = {address: one for one in kind.spec.inputs for address in _addresses(one.of, one.channel, places)}
    assert read - set(declared) - channels == set(), "reads what it does not declare"
    unread = {address for address, one in declared.items() if not one.optional} - read
    assert unread == set(), "declares what it does not read"


@every_controller
def test_it_proposes_what_it_declares(name: str, kind: type[Controller], monkeypatch: pytest.MonkeyPatch) -> None:
    """In its own example in the virtual plant, where it must also do something."""
    site, scenario = _example(name), load_scenario(PAGES / name / "scenario.yaml")
    loop = ClosedLoop(site, scenario)
    settings = next(c.settings for c in loop.runtime.assembly.controllers if c.spec.type == name)
    places = {setting: str(ref) for setting, ref in settings.references().items()}
    proposed: set[tuple[str, str]] = set()
    _watch_proposals(monkeypatch, loop.runtime, name, proposed)
    for number, step in enumerate(loop.steps()):
        if number >= MOST_STEPS:
            break
        assert step.decisions
    declared = {
        (address, term)
        for out in kind.spec.outputs
        for address in _addresses(out.of, out.channel, places)
        for term in out.terms
    }
    assert proposed, "does nothing in its own example"
    assert proposed - declared == set(), "proposes what it does not declare"


def _example(name: str) -> Site:
    return checked_site(PAGES / name / "site.yaml")


def _addresses(of: str, channel: str, places: dict[str, str]) -> Iterator[str]:
    """Of the setting ``of``, also where it is a list; ``site`` is itself."""
    if of == "site":
        yield f"site/{channel}"
    yield from (f"{ref}/{channel}" for setting, ref in places.items() if setting.partition("[")[0] == of)


def _watch_reads(monkeypatch: pytest.MonkeyPatch, name: str, read: set[str]) -> None:
    bind = controller_types()[name].bind

    class Watched(Binding):
        """Remembers the addresses that were asked for."""

        def channel(self, address: str) -> int:
            read.add(address)
            return super().channel(address)

    def watched_bind(self: Controller, binding: Binding) -> None:
        image: ProcessImage = binding._image
        numbers = {image.channels[handle].address: number for handle, number in binding.actuators.items()}
        bind(self, Watched(image, numbers, binding._own))
        own = {f"{self.id}/{metric.name}" for metric in self.spec.metrics}
        read.difference_update(own)

    monkeypatch.setattr(controller_types()[name], "bind", watched_bind)


def _watch_proposals(
    monkeypatch: pytest.MonkeyPatch, runtime: Runtime, name: str, proposed: set[tuple[str, str]]
) -> None:
    addresses = [channel.address for channel in runtime.channels]
    kind = controller_types()[name]
    execute, propose = kind.execute, Context.propose

    def watched_propose(ctx: Context, actuator: int, **terms: float | None) -> None:
        proposed.update((addresses[actuator], term) for term in TERMS if terms.get(term) is not None)
        propose(ctx, actuator, **terms)

    def watched_execute(self: Controller, ctx: Context) -> None:
        with monkeypatch.context() as patch:
            patch.setattr(Context, "propose", watched_propose)
            execute(self, ctx)

    monkeypatch.setattr(kind, "execute", watched_execute)

"""Does the site file's ``simulation`` fit the devices that it describes? Pure."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from simems_edge.config import Problem, SimulatedDevice, SimulatedMistakes, Site
from simems_edge.config.document import Document
from simems_edge.config.problem import Path
from simems_edge.config.simulated_devices import KEYS_OF_KIND, MISTAKES_OF_KIND

_NAMES = {"ess": "a battery", "pv": "PV", "evcs": "a charging point", "load": "a load", "breaker": "a breaker"}


def simulation_problems(site: Site, document: Document, kinds: Mapping[str, str]) -> Iterator[Problem]:
    """``kinds``: by component, those that are known."""
    if site.simulation is None:
        return
    yield from _references(("simulation", "load", "relays"), site.simulation.load.relays, document, kinds, {"relay"})
    for name, device in site.simulation.devices.items():
        kind = kinds.get(name)
        if kind is not None:
            yield from _keys(name, kind, device, document)
        path: Path = ("simulation", "devices", name)
        yield from _references((*path, "relays"), device.relays, document, kinds, {"relay"})
        yield from _references((*path, "measures"), device.measures, document, kinds, {"ess", "pv", "evcs", "load"})
        if device.mistakes is not None and kind is not None:
            yield from _mistakes((*path, "mistakes"), kind, device.mistakes, document, kinds)


def _mistakes(
    path: Path, kind: str, wrong: SimulatedMistakes, document: Document, kinds: Mapping[str, str]
) -> Iterator[Problem]:
    for other, keys in MISTAKES_OF_KIND.items():
        for key in sorted(wrong.model_fields_set & keys) if other != kind else ():
            yield document.problem((*path, key), f"is a mistake of {_NAMES.get(other, f'a {other}')}", "remove it")
    for key in ("answers_as", "follows"):
        name = getattr(wrong, key)
        if name is not None and kinds.get(name) != kind:
            others = ", ".join(sorted(one for one, its in kinds.items() if its == kind)) or "none"
            yield document.problem((*path, key), f"must be another component of kind {kind}", f"use one of: {others}")


def _keys(name: str, kind: str, device: SimulatedDevice, document: Document) -> Iterator[Problem]:
    own, of_some = KEYS_OF_KIND[kind], frozenset[str]().union(*KEYS_OF_KIND.values())
    for key in sorted(device.model_fields_set & of_some - own):
        alias = SimulatedDevice.model_fields[key].alias or key
        kinds = [_NAMES.get(other, f"a {other}") for other, keys in KEYS_OF_KIND.items() if key in keys]
        message = f"describes {' or '.join(kinds)}, but {name!r} is of kind {kind}"
        yield document.problem(("simulation", "devices", name, alias), message, "remove it")


def _references(
    path: Path, names: tuple[str, ...], document: Document, kinds: Mapping[str, str], wanted: set[str]
) -> Iterator[Problem]:
    for position, name in enumerate(names):
        if kinds.get(name) not in wanted:
            fitting = sorted(component for component, kind in kinds.items() if kind in wanted)
            remedy = (
                f"use {' or '.join(fitting)}" if fitting else f"add a component of kind {' or '.join(sorted(wanted))}"
            )
            yield document.problem((*path, position), "is no such component of this site", remedy)

"""Writes the pages about controllers, each with a plot of its example in the virtual plant."""

from __future__ import annotations

import io
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from simems_edge.cli.site_file import checked_site
from simems_edge.contracts import Controller
from simems_edge.controllers.handbook_page import index_page, page
from simems_edge.replay import load_scenario, simulate
from simems_edge.replay.plot import PlotData, draw

PICTURE = "plot.png"


def write_pages(
    folder: Path, kinds: Mapping[str, type[Controller]], *, told: Callable[[Path], object] | None = None
) -> list[Path]:
    """``TYPE.md`` of each, ``TYPE/plot.png`` where there is an example, and ``README.md``, the list of all."""
    written = []
    for path in _write(folder, kinds):
        written.append(path)
        if told is not None:
            told(path)
    return written


def page_of(folder: Path, kind: type[Controller]) -> str:
    """The page as it should stand in ``folder``."""
    example = folder / kind.spec.type / "site.yaml"
    picture = folder / kind.spec.type / PICTURE
    text = example.read_text("utf-8") if example.exists() else ""
    return page(kind, example=text, picture=f"{kind.spec.type}/{PICTURE}" if picture.exists() else "")


def _write(folder: Path, kinds: Mapping[str, type[Controller]]) -> Iterator[Path]:
    for name, kind in kinds.items():
        if (folder / name / "scenario.yaml").exists():
            yield _draw(folder / name)
        path = folder / f"{name}.md"
        path.write_text(page_of(folder, kind), "utf-8")
        yield path
    index = folder / "README.md"
    index.write_text(index_page(kinds.values()), "utf-8")
    yield index


def _draw(example: Path) -> Path:
    site, scenario = checked_site(str(example / "site.yaml")), load_scenario(example / "scenario.yaml")
    data = PlotData(site, scenario)
    simulate(site, scenario, io.StringIO(), watch=data.add)
    draw(data, example / PICTURE)
    return example / PICTURE

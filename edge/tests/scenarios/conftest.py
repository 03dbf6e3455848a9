"""Every ``*.table.yaml`` in this folder is a test."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice
from pathlib import Path

import pytest
from simems_edge.cli.scenario import SHOWN, lines_of
from simems_edge.cli.site_file import checked_site
from simems_edge.replay.scenario_table import load_table
from simems_edge.replay.table_run import run_table


def pytest_collect_file(parent: pytest.Collector, file_path: Path) -> pytest.Collector | None:
    if not file_path.name.endswith(".table.yaml"):
        return None
    file: TableFile = TableFile.from_parent(parent, path=file_path)
    return file


class TableFile(pytest.File):
    def collect(self) -> Iterator[pytest.Item]:
        yield TableItem.from_parent(self, name=self.path.name.removesuffix(".table.yaml"))


class WrongTableError(Exception):
    """What comes out is not what the table says."""


class TableItem(pytest.Item):
    def runtest(self) -> None:
        file = load_table(self.path)
        wrong = list(islice(run_table(file, checked_site(file.site_path)), SHOWN))
        if wrong:
            raise WrongTableError("\n".join(lines_of(self.path, wrong)))

    def repr_failure(self, excinfo: pytest.ExceptionInfo[BaseException]) -> str:  # type: ignore[override]
        return str(excinfo.value)

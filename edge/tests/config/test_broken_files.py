"""Every broken site file gives exactly the problems written beside it: line, path, value, message, remedy."""

from pathlib import Path

import pytest
from simems_edge.cli.site_file import check_site

BROKEN = sorted((Path(__file__).parent / "broken").glob("*.yaml"))


@pytest.mark.parametrize("path", BROKEN, ids=lambda path: path.stem)
def test_broken_file_gives_its_problems(path: Path) -> None:
    _, problems = check_site(path)
    lines = [str(problem).removeprefix(f"{path}:") for problem in problems]
    assert lines == path.with_suffix(".expected").read_text("utf-8").splitlines()
    assert lines


def test_there_are_enough_of_them() -> None:
    assert len(BROKEN) >= 20


def test_every_problem_has_every_part() -> None:
    for path in BROKEN:
        for problem in check_site(path)[1]:
            assert problem.file == str(path)
            assert problem.line >= 1
            assert all([problem.path, problem.value, problem.message, problem.remedy])
            assert "\n" not in str(problem)


def test_a_secret_is_never_shown(tmp_path: Path) -> None:
    site = tmp_path / "site.yaml"
    site.write_text("cloud: {endpoint: 5, server_key: hunter2-hunter2, token: hunter2}\nsite: {password: hunter2}\n")
    assert "hunter2" not in "\n".join(map(str, check_site(site)[1]))

"""Mutated site files: a site or a list of problems, never anything else."""

import copy
import os
from pathlib import Path
from typing import Any

import yaml
from click.testing import CliRunner
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from simems_edge.cli.main import run

DEMO = Path(__file__).parents[3] / "demo" / "site.yaml"
TEXT = DEMO.read_text("utf-8")
DATA: dict[str, Any] = yaml.safe_load(TEXT)
GARBAGE: st.SearchStrategy[Any] = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.just(10**400)
    | st.just("60 kWh"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=6,
)
SETTINGS = settings(
    max_examples=int(os.environ.get("SIMEMS_FUZZ_EXAMPLES", "250")),
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow],
)


def paths_of(node: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    items = node.items() if isinstance(node, dict) else enumerate(node) if isinstance(node, list) else ()
    return [path, *(found for key, value in items for found in paths_of(value, (*path, key)))]


NASTY = [
    b"\t", b"&a ", b"*a", b"!!python/name:os.system ", b"[" * 500, b"{" * 500, b"- " * 300, b"? ", b"\x00",
    b'"\\UFFFFFFFF"', b"%YAML 9.9\n---\n", b"<<: ", b"9" * 5000, b"\xff\xfe", b"|\n", b"'", b'"', b"\xe2\x80\xa8",
]  # fmt: skip
PATHS = [path for path in paths_of(DATA) if path]


@st.composite
def mutated_data(draw: st.DrawFn) -> bytes:
    """The demo file with up to four values deleted, replaced, renamed or doubled."""
    data = copy.deepcopy(DATA)
    for path in draw(st.lists(st.sampled_from(PATHS), min_size=1, max_size=4)):
        mutate(data, path, draw(st.sampled_from(["delete", "replace", "rename"])), draw)
    return yaml.safe_dump(data, allow_unicode=draw(st.booleans()), sort_keys=False).encode()


def mutate(data: Any, path: tuple[Any, ...], how: str, draw: st.DrawFn) -> None:
    node = data
    for part in path[:-1]:
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return
    if isinstance(node, dict) and path[-1] in node:
        value = node.pop(path[-1])
        if how != "delete":
            node[draw(st.text(max_size=8)) if how == "rename" else path[-1]] = (
                value if how == "rename" else draw(GARBAGE)
            )
    elif isinstance(node, list) and isinstance(path[-1], int) and path[-1] < len(node):
        node[path[-1]] = draw(GARBAGE)


@st.composite
def mutated_text(draw: st.DrawFn) -> bytes:
    """The demo file with pieces of its bytes cut out, doubled or overwritten."""
    raw = bytearray(TEXT.encode())
    for _ in range(draw(st.integers(1, 5))):
        start = draw(st.integers(0, max(len(raw) - 1, 0)))
        end = start + draw(st.integers(0, 40))
        raw[start:end] = draw(
            st.binary(max_size=12) | st.text(max_size=12).map(lambda t: t.encode("utf-8", "ignore"))
            | st.sampled_from(NASTY)
        )  # fmt: skip
    return bytes(raw)


def check(raw: bytes, folder: Path) -> str:
    path = folder / "site.yaml"
    path.write_bytes(raw)
    with CliRunner().isolation() as (out, err, *_):
        code = run(["check", str(path)])
        printed = out.getvalue().decode("utf-8", "replace") + err.getvalue().decode("utf-8", "replace")
    assert code in {0, 2}, printed
    assert "Traceback" not in printed
    lines = printed.splitlines()
    assert all(line.startswith(f"{path}:") for line in lines), printed
    assert lines
    return printed


@SETTINGS
@given(raw=mutated_data())
def test_mutated_values(raw: bytes, tmp_path: Path) -> None:
    assert DATA["cloud"]["server_key"] not in check(raw, tmp_path)


@SETTINGS
@given(raw=mutated_text())
def test_mutated_bytes(raw: bytes, tmp_path: Path) -> None:
    check(raw, tmp_path)

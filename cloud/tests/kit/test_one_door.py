"""No SQL outside the one transaction helper: the source is read, and a call elsewhere is refused."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest
import simems_cloud

ROOT = Path(simems_cloud.__file__).parent
RUNS_SQL = {
    *("execute", "executemany", "fetch", "fetchrow", "fetchval", "fetchmany", "cursor", "prepare"),
    *("copy_from_query", "copy_from_table", "copy_records_to_table", "copy_to_table"),
}
OPENS = {"connect", "create_pool", "acquire", "reset_session_authorization"}
DOORS = {
    "kit/database.py": "the helper itself",
    "kit/postgres": "starts the server",
    "migrations": "run as the owner, over psycopg",
}
LISTENERS = dict.fromkeys(("api/live.py", "ingest/registry.py", "ingest/dispatch.py"), "listens, runs no SQL")


def found_in(text: str) -> Iterator[str]:
    """Calls that run SQL on anything but a connection of the helper, and calls that open connections."""
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Attribute):
            receiver = ast.unparse(node.func.value)
            handed = receiver == "connection" or receiver.endswith(".connection")
            if node.func.attr in RUNS_SQL and not handed:
                yield f"{node.lineno}: {receiver}.{node.func.attr}"
            if node.func.attr in OPENS and receiver.split(".")[-1] in ("asyncpg", "psycopg", "pool", "_pool"):
                yield f"{node.lineno}: {receiver}.{node.func.attr}"


def test_sql_goes_through_the_one_helper() -> None:
    wrong = []
    for path in sorted(ROOT.rglob("*.py")):
        name = path.relative_to(ROOT).as_posix()
        if not name.startswith(tuple(DOORS)):
            calls = [call for call in found_in(path.read_text()) if not (name in LISTENERS and "connect" in call)]
            wrong += [f"{name}:{call}" for call in calls]
    assert wrong == []


@pytest.mark.parametrize(
    "text",
    [
        "await pool.fetch('select 1')",
        "async with pool.acquire() as c:\n    await c.execute('select 1')",
        "c = await asyncpg.connect(url)",
        "with psycopg.connect(url) as c:\n    c.execute('select 1')",
        "await self._pool.execute('select 1')",
    ],
)
def test_a_way_around_is_noticed(text: str) -> None:
    indented = "\n".join(f"    {line}" for line in text.splitlines())
    assert list(found_in(f"async def f():\n{indented}"))


def test_connections_are_handed_on_by_the_helper_only() -> None:
    """Whoever takes a connection names its type, which nothing but the helper's pool makes."""
    for path in sorted(ROOT.rglob("*.py")):
        if path.relative_to(ROOT).as_posix().startswith(tuple(DOORS)):
            continue
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                for argument in [*node.args.args, *node.args.kwonlyargs]:
                    if argument.arg == "connection":
                        assert ast.unparse(argument.annotation or ast.Constant(None)) == "Connection", (path, node.name)

"""A tree as CSV: every problem named by line and field, and nothing written unless there is none.

Columns: ``parent`` (names from the root down, joined by ``/``; empty: the root), ``kind``, ``name``, ``site_id``, and
the facts of a site. A parent may be a node that is there or an earlier line.
"""

from __future__ import annotations

import csv
import io
from dataclasses import dataclass
from typing import Any

from anyio import to_thread
from pydantic import ValidationError

from simems_cloud.access.principal import Principal
from simems_cloud.audit.log import Change, change
from simems_cloud.kit.database import Connection, Pool, transaction
from simems_cloud.organisation.facts import FIELDS, write
from simems_cloud.organisation.schemas import FactsRequest, ImportResult, Kind, LineProblem, Node, NodeRequest
from simems_cloud.organisation.service import QUERIES, WRITE, add
from simems_cloud.organisation.tree import DEEPEST, misplaced

MOST_LINES = 5000
MOST_NODES = 200_000
OWN = ("parent", "kind", "name", "site_id")
COLUMNS = (*OWN, *FIELDS)


@dataclass(frozen=True)
class Line:
    """One line that is right by itself. ``facts`` None: none are given."""

    number: int
    parent: str
    node: NodeRequest
    facts: FactsRequest | None

    @property
    def full_name(self) -> str:
        return f"{self.parent}/{self.node.name}" if self.parent else self.node.name


def parse(text: str) -> tuple[list[Line], list[LineProblem]]:
    """Each line by itself; what the reader cannot go on from is the last problem."""
    reader = csv.DictReader(io.StringIO(text.removeprefix("\ufeff"), newline=""), strict=True)
    lines: list[Line] = []
    problems: list[LineProblem] = []
    try:
        problems += _header_problems(reader.fieldnames or ())
        if not problems:
            _read(reader, lines, problems)
    except csv.Error as error:
        problems.append(LineProblem(line=max(1, reader.line_num), field="", message=str(error)))
    return lines, problems


def _read(reader: csv.DictReader[str], lines: list[Line], problems: list[LineProblem]) -> None:
    for row in reader:
        if reader.line_num > MOST_LINES:
            problems.append(LineProblem(line=reader.line_num, field="", message="too many lines; split the file"))
            return
        line, wrong = _line(reader.line_num, row)
        problems += wrong
        if line is not None:
            lines.append(line)


async def import_tree(pool: Pool, principal: Principal, text: str, *, dry_run: bool) -> ImportResult:
    """All of it or nothing."""
    lines, problems = await to_thread.run_sync(parse, text)
    if dry_run or problems:
        async with transaction(pool, tenant=principal.tenant_id, user=principal.user_id) as connection:
            problems += check(principal, lines, await _tree(connection))
        return _result(lines, problems, dry_run=dry_run)
    async with change(pool, tenant=principal.tenant_id, actor=principal.actor, user=principal.user_id) as made:
        await made.connection.execute(QUERIES["lock_tree"])
        tree = await _tree(made.connection)
        problems = check(principal, lines, tree)
        if problems or not lines:
            made.repeated = True
        else:
            await _write(made, lines, tree)
    return _result(lines, problems, dry_run=False)


def check(principal: Principal, lines: list[Line], tree: dict[str, Node]) -> list[LineProblem]:
    """Against the tree that is there, by full names, and the lines before."""
    places = _Places(principal, tree)
    problems: list[LineProblem] = []
    for line in lines:
        field, message = places.wrong(line)
        if message:
            problems.append(LineProblem(line=line.number, field=field, message=message))
        places.add(line)
    return problems


class _Places:
    """Where a line may go: nodes that are there, and nodes that earlier lines make."""

    def __init__(self, principal: Principal, tree: dict[str, Node]) -> None:
        self._principal, self._tree = principal, tree
        self._kinds: dict[str, Kind | None] = {"": None} | {name: node.kind for name, node in tree.items()}
        self._sites = {node.site_id for node in tree.values() if node.site_id is not None}

    def add(self, line: Line) -> None:
        self._kinds.setdefault(line.full_name, line.node.kind)
        if line.node.site_id is not None:
            self._sites.add(line.node.site_id)

    def wrong(self, line: Line) -> tuple[str, str]:
        """(field, what is wrong with it); empty: nothing."""
        if line.parent not in self._kinds or not self._allowed(line.parent):
            return "parent", f"{line.parent!r}: no such node, there or in a line before, or you may not write there"
        if line.full_name in self._kinds:
            return "name", f"{line.full_name!r}: is there already"
        misplacement = misplaced(line.node.kind, self._kinds[line.parent])
        if misplacement:
            return "kind", misplacement
        if line.node.site_id in self._sites:
            return "site_id", f"{line.node.site_id!r}: stands in the tree already"
        if line.full_name.count("/") >= DEEPEST:
            return "parent", f"the tree is at most {DEEPEST} deep"
        return "", ""

    def _allowed(self, name: str) -> bool:
        """Below a node that a line makes, what holds for the nearest one that is there holds."""
        while name and name not in self._tree:
            name = name.rpartition("/")[0]
        place = self._tree.get(name)
        return not (place and place.archived) and self._principal.holds(WRITE, place.path if place else None)


async def _tree(connection: Connection) -> dict[str, Node]:
    """By full name: names from the root down."""
    rows = await connection.fetch(QUERIES["nodes"], None, None, True, None, MOST_NODES)
    names: dict[object, str] = {}
    found: dict[str, Node] = {}
    for row in rows:
        above = names.get(row["parent_id"])
        names[row["id"]] = f"{above}/{row['name']}" if above else row["name"]
        found[names[row["id"]]] = Node(**dict(row))
    return found


async def _write(made: Change, lines: list[Line], tree: dict[str, Node]) -> None:
    nodes = dict(tree)
    for line in lines:
        parent = nodes.get(line.parent)
        request = line.node.model_copy(update={"parent_id": parent.id if parent else None})
        nodes[line.full_name] = await add(made.connection, request, parent)
        if line.facts is not None and line.node.site_id is not None:
            await write(made.connection, line.node.site_id, line.facts)
    await made.record("node.import", "tree", {"nodes": [line.full_name for line in lines]})


def _header_problems(names: Any) -> list[LineProblem]:  # noqa: ANN401 - csv's own
    unknown = [name for name in names if name not in COLUMNS]
    missing = [name for name in ("parent", "kind", "name") if name not in names]
    wrong = [(name, "not a column; there are " + ", ".join(COLUMNS)) for name in unknown]
    wrong += [(name, "this column is missing") for name in missing]
    return [LineProblem(line=1, field=str(name), message=message) for name, message in wrong]


def _line(number: int, row: dict[Any, Any]) -> tuple[Line | None, list[LineProblem]]:
    """An empty field is one that is not given."""
    if None in row or None in row.values():
        return None, [LineProblem(line=number, field="", message="more or fewer fields than the header has")]
    given = {name: value.strip() for name, value in row.items() if value.strip()}
    problems: list[LineProblem] = []
    parts = {name: given[name] for name in ("kind", "name", "site_id") if name in given}
    request = _validated(NodeRequest, parts, number, problems)
    said = {name: given[name] for name in FIELDS if name in given}
    facts = _validated(FactsRequest, said, number, problems) if said else None
    if request is not None and (request.site_id is not None) != (request.kind == "site"):
        problems.append(LineProblem(line=number, field="site_id", message="a site has one, nothing else has"))
    if request is not None and said and request.kind != "site":
        problems.append(LineProblem(line=number, field=next(iter(said)), message="only a site has facts"))
    if problems or request is None:
        return None, problems
    return Line(number, given.get("parent", "").strip("/"), request, facts), []


def _validated(model: Any, fields: dict[str, str], number: int, problems: list[LineProblem]) -> Any:  # noqa: ANN401 - a model
    try:
        return model(**fields)
    except ValidationError as error:
        for found in error.errors():
            field = str(found["loc"][0]) if found["loc"] else ""
            value = fields.get(field)
            message = found["msg"] if value is None else f"{value!r}: {found['msg']}"
            problems.append(LineProblem(line=number, field=field, message=message))
        return None


def _result(lines: list[Line], problems: list[LineProblem], *, dry_run: bool) -> ImportResult:
    good = [] if problems else lines
    sites = sum(line.node.kind == "site" for line in good)
    ordered = sorted(problems, key=lambda problem: problem.line)
    return ImportResult(dry_run=dry_run, nodes=len(good), sites=sites, problems=ordered)

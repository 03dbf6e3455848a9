"""Puts the suggested settings into the text of a site file, and leaves every other character alone. Pure."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from difflib import unified_diff

from simems_edge.config.document import Document
from simems_edge.config.parse import parse_document


class SiteEditError(ValueError):
    """A file whose layout is not understood; the settings must be entered by hand."""


def with_settings(text: str, file: str, controllers: Sequence[str], settings: Mapping[str, float]) -> str:
    """The file with these settings at these controllers. The result is read again: raises SiteEditError when it does
    not say exactly that."""
    lines = text.splitlines(keepends=True)
    document = parse_document(text, file)
    for position, entry in reversed(list(enumerate(_controllers(document)))):
        if entry.get("id") in controllers:
            _edit(lines, document, position, settings)
    edited = "".join(lines)
    _check(parse_document(edited, file), document, controllers, settings)
    return edited


def difference(before: str, after: str, file: str) -> str:
    """As a unified diff; empty when nothing changes."""
    made = unified_diff(before.splitlines(True), after.splitlines(True), file, f"{file} (suggested)")
    return "".join(made)


def snippet(controllers: Sequence[str], settings: Mapping[str, float]) -> str:
    """For entering by hand."""
    rows = ", ".join(f"{name}: {_number(value)}" for name, value in settings.items())
    return "".join(f"# at controller {name}: {rows}\n" for name in controllers)


def _controllers(document: Document) -> Sequence[Mapping[str, object]]:
    found = document.data.get("controllers", ()) if isinstance(document.data, dict) else ()
    return [entry for entry in found if isinstance(entry, dict)]


def _edit(lines: list[str], document: Document, position: int, settings: Mapping[str, float]) -> None:
    first = document.line(("controllers", position)) - 1
    path = ("controllers", position, "id")
    at = document.line(path) - 1
    missing = []
    for name, value in settings.items():
        where = document.lines.get(("controllers", position, name))
        if where is None:
            missing.append(f"{name}: {_number(value)}")
        else:
            lines[where - 1] = _replaced(lines[where - 1], name, value)
    if not missing:
        return
    flow = re.match(r"\s*-\s*\{", lines[first])
    if flow:
        lines[first] = _into_flow(lines[first], ", ".join(missing))
        return
    indent = " " * lines[at].index("id")
    lines[at] = lines[at].rstrip("\n") + "\n" + "".join(f"{indent}{row}\n" for row in missing)


def _into_flow(line: str, settings: str) -> str:
    """At its end where that stands in this line, else at its begin."""
    if (end := re.search(r"\s*\}\s*(#.*)?$", line)) is not None and line.count("{") == line.count("}"):
        return f"{line[: end.start()]}, {settings}{line[end.start() :]}"
    return re.sub(r"(-\s*\{)", rf"\g<1>{settings}, ", line, count=1)


def _replaced(line: str, name: str, value: float) -> str:
    return re.sub(
        rf"(\b{name}\s*:\s*)(\"[^\"]*\"|'[^']*'|[^,}}#\n]*[^,}}#\n\s])", rf"\g<1>{_number(value)}", line, count=1
    )


def _number(value: float) -> str:
    return f"{value:g}"


def _check(edited: Document, before: Document, controllers: Sequence[str], settings: Mapping[str, float]) -> None:
    wanted = [
        {**entry, **settings} if entry.get("id") in controllers else dict(entry) for entry in _controllers(before)
    ]
    found = [dict(entry) for entry in _controllers(edited)]
    if edited.problems or found != wanted:
        raise SiteEditError("the layout of the controllers is not understood; enter the settings by hand")

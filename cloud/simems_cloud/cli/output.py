"""The same rows as a table for people or as JSON for programs."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

import click

as_json = click.option("--json", "json_wanted", is_flag=True, help="Print JSON.")


def show(rows: Sequence[dict[str, Any]], *, json_wanted: bool) -> None:
    if json_wanted:
        click.echo(json.dumps(rows, default=str, ensure_ascii=False, indent=2))
        return
    for line in _table(rows):
        click.echo(line)


def show_one(row: dict[str, Any], *, json_wanted: bool) -> None:
    if json_wanted:
        click.echo(json.dumps(row, default=str, ensure_ascii=False, indent=2))
        return
    for name, value in row.items():
        click.echo(f"{name}: {_text(value)}")


def _table(rows: Sequence[dict[str, Any]]) -> list[str]:
    if not rows:
        return ["none"]
    names = list(rows[0])
    cells = [names, *([_text(row[name]) for name in names] for row in rows)]
    widths = [max(len(line[column]) for line in cells) for column in range(len(names))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(line, widths, strict=True)).rstrip() for line in cells]


def _text(value: object) -> str:
    return "-" if value is None else str(value)

"""Pages about controllers for the handbook, made from what they declare."""

from __future__ import annotations

import inspect
from collections.abc import Iterable, Iterator

from simems_edge.contracts import Controller, Spec
from simems_edge.controllers.handbook import settings_of

NOTE = "Made from the declarations in the code: `make controller-pages` writes it again."


def index_page(kinds: Iterable[type[Controller]]) -> str:
    """One line per controller."""
    lines = [
        "# Controllers",
        "",
        NOTE,
        "",
        "| controller | class | control mode | what it may touch |",
        "|---|---|---|---|",
    ]
    for kind in kinds:
        spec = kind.spec
        touched = ", ".join(f"{out.of} `{out.channel}`" for out in spec.outputs)
        lines.append(
            f"| [`{spec.type}`]({spec.type}.md) | {spec.priority.name.lower()} | {spec.control_mode} | {touched} |"
        )
    return "\n".join([*lines, ""])


def page(kind: type[Controller], *, example: str = "", picture: str = "") -> str:
    """``example``: text of a site file that uses it; ``picture``: path of the plot of its behaviour."""
    spec = kind.spec
    return "\n".join(
        [*_head(kind, spec), *_picture(picture), *_settings(kind), *_channels(spec), *_rules(spec), *_example(example)]
    )


def _head(kind: type[Controller], spec: Spec) -> Iterator[str]:
    yield f"# {spec.type}"
    yield ""
    yield NOTE
    yield ""
    yield summary(kind)
    yield ""
    yield "| | |"
    yield "|---|---|"
    yield f"| class | {spec.priority.name.lower()} |"
    yield f"| control mode | {spec.control_mode} |"
    yield f"| owner | `{spec.owner}` |"
    yield f"| safety impact | {spec.safety_impact} |"
    yield f"| fallback | {spec.fallback} |"
    yield ""


def summary(kind: type[Controller]) -> str:
    """The first paragraphs of the module that defines the controller."""
    text = kind.__dict__.get("__doc__") or inspect.getmodule(kind).__doc__ or ""
    return "\n".join(line.strip() for line in text.strip().splitlines())


def _picture(picture: str) -> Iterator[str]:
    if picture:
        yield f"![Its behaviour in the example below]({picture})"
        yield ""


def _settings(kind: type[Controller]) -> Iterator[str]:
    yield "## Settings"
    yield ""
    yield "| setting | unit | values | default | meaning |"
    yield "|---|---|---|---|---|"
    for one in settings_of(kind):
        cells = (f"`{one.name}`", one.unit, one.values, one.default or "must be given", one.text)
        yield f"| {' | '.join(cell.replace('|', '/') for cell in cells)} |"
    yield ""


def _channels(spec: Spec) -> Iterator[str]:
    yield "## Reads"
    yield ""
    yield "| of | channel | while it is missing, stale or bad |"
    yield "|---|---|---|"
    for one in spec.inputs:
        yield f"| {one.of} | `{one.channel}`{' (optional)' if one.optional else ''} | {one.when_missing} |"
    yield ""
    yield "## Proposes"
    yield ""
    yield "| of | actuator | terms |"
    yield "|---|---|---|"
    for out in spec.outputs:
        yield f"| {out.of} | `{out.channel}` | {', '.join(out.terms)} |"
    yield ""
    yield "## Publishes"
    yield ""
    yield "| metric | unit | meaning |"
    yield "|---|---|---|"
    for metric in spec.metrics:
        labels = (
            f" ({', '.join(f'{code} {label}' for code, label in enumerate(metric.labels))})" if metric.labels else ""
        )
        kept = "; kept over restarts" if metric.retained else ""
        yield f"| `{metric.name}` | {metric.unit} | {metric.text}{labels}{kept} |"
    yield ""


def _rules(spec: Spec) -> Iterator[str]:
    yield "## Acceptance"
    yield ""
    yield from (f"- {line}" for line in spec.acceptance)
    yield ""
    yield "Tests: " + ", ".join(f"`{path}`" for path in spec.test_plan)
    yield ""


def _example(example: str) -> Iterator[str]:
    if example:
        yield "## Example"
        yield ""
        yield "```yaml"
        yield example.strip()
        yield "```"
        yield ""

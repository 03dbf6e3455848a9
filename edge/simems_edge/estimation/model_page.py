"""The models, what is none, and the page: ``python -m simems_edge.estimation.model_page > docs/models.md``.

``make model-pages`` writes the page and draws its pictures again.
"""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from typing import Final

from simems_edge.estimation.battery_models import BATTERY_MODELS
from simems_edge.estimation.model_spec import ModelSpec
from simems_edge.estimation.site_models import SITE_MODELS

MODELS: Final = (*BATTERY_MODELS, *SITE_MODELS)
NO_MODELS: Final = {
    "Curve": "a characteristic: computes what it is told",
    "Deadband": "computes what it is told",
    "Droop": "a characteristic: computes what it is told",
    "Hysteresis": "computes what it is told",
    "LowPass": "computes what it is told; it claims nothing of the world, its delay is its setting",
    "Pid": "a controller's arithmetic; declared with `pid_tracking`",
    "Gains": "settings of the PID",
    "RampLimiter": "computes what it is told",
    "RateCounter": "counts events that were seen",
    "ChannelSum": "adds readings of one instant; one that is missing makes it not valid",
    "GroupTotals": "adds readings of a cluster's members; one that is missing stops it",
    "LiveSpec": "addresses of what the filter reads and writes",
    "Reason": "why an estimate is not valid",
    "HYSTERESIS_RATES": "a constant of the cell's model",
}
"""What stands in the same rooms and claims nothing that could be wrong about the world."""

HEAD: Final = """# Models

Made from `edge/simems_edge/estimation/battery_models.py` and `site_models.py`; change it there, then run
`make model-pages`.

A model says a quantity that no sensor says, so it can be wrong about the world and has an error against a truth. What
only computes what it is told (a ramp, a curve, a PID) is no model: [blocks.md](blocks.md) has those, and the list at
the end says of each why. Declared elsewhere: what charging stations may still draw, with [their bridge](bridges.md);
the virtual plant, which is the truth that tests compare with, in [simulation.md](simulation.md).
"""


def page() -> str:
    """The document as it is kept in docs."""
    lines = [*_table(MODELS), "", *(line for spec in MODELS for line in _section(spec)), *_others()]
    return "\n".join([HEAD, *lines, ""])


def _table(specs: Iterable[ModelSpec]) -> Iterator[str]:
    yield "| model | says | safety impact |"
    yield "|---|---|---|"
    for spec in specs:
        said = ", ".join(f"`{out.name}`" for out in spec.outputs)
        yield f"| [{spec.type}](#{spec.type}) | {said} | {spec.safety_impact} |"


def _section(spec: ModelSpec) -> Iterator[str]:
    yield f"## {spec.type}"
    yield ""
    yield spec.kind
    yield ""
    yield f"![{spec.caption}]({spec.picture})"
    yield ""
    yield f"*{spec.caption}.*"
    yield ""
    yield f"- Owner: `{spec.owner}`"
    yield f"- Used by: {spec.used_by}"
    yield f"- Safety impact: {spec.safety_impact}"
    yield f"- Valid: {spec.valid}"
    yield f"- Fallback: {spec.fallback}"
    yield ""
    yield from _tables(spec)
    yield "Acceptance:"
    yield ""
    yield from (f"- {line}" for line in spec.acceptance)
    yield ""
    yield f"Figures: {spec.figures}"
    yield ""
    yield f"Metrics and logs: {'; '.join(spec.metrics)}."
    yield ""
    yield "Tests: " + ", ".join(f"`{path}`" for path in spec.test_plan)
    yield ""


def _tables(spec: ModelSpec) -> Iterator[str]:
    yield "| reads | unit | while it is missing, stale, bad or no number |"
    yield "|---|---|---|"
    yield from (f"| {one.name} | {one.unit} | {one.when_missing} |" for one in spec.inputs)
    yield ""
    yield "| says | unit | meaning |"
    yield "|---|---|---|"
    yield from (f"| `{out.name}` | {out.unit} | {out.text} |" for out in spec.outputs)
    yield ""
    if not spec.settings:
        yield spec.without_settings
        yield ""
        return
    yield "| setting | unit | values | default | meaning |"
    yield "|---|---|---|---|---|"
    yield from (f"| `{one.name}` | {one.unit} | {one.values} | {one.default} | {one.text} |" for one in spec.settings)
    yield ""


def _others() -> Iterator[str]:
    yield "## What is no model"
    yield ""
    yield "| in the same rooms | why |"
    yield "|---|---|"
    yield from (f"| `{name}` | {why} |" for name, why in NO_MODELS.items())


if __name__ == "__main__":
    sys.stdout.write(page())

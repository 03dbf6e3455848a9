"""From stored inputs to the files; the same inputs, the same bytes."""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any, Literal

from simems_cloud.reporting import csv_file, html_file, pdf_file
from simems_cloud.reporting.figures import Report, report
from simems_cloud.reporting.inputs import ENGINE

Format = Literal["html", "pdf", "csv"]
MADE_BY = f"{ENGINE}, typst {version('typst')}"
"""Another typesetter may set the same page in other bytes: a report says which one set it."""
MEDIA: dict[Format, str] = {
    "html": "text/html; charset=utf-8",
    "pdf": "application/pdf",
    "csv": "text/csv; charset=utf-8",
}
RENDER: dict[Format, Callable[[Report], bytes]] = {
    "html": html_file.render,
    "pdf": pdf_file.render,
    "csv": csv_file.render,
}


@dataclass(frozen=True)
class File:
    format: Format
    content: bytes

    @property
    def sha256(self) -> str:
        return hashlib.sha256(self.content).hexdigest()


def render_all(inputs: Mapping[str, Any], inputs_hash: str) -> list[File]:
    """All formats. Takes about 0.2 s: call it in a thread."""
    made = report(inputs, inputs_hash)
    return [File(form, render(made)) for form, render in RENDER.items()]

"""The report as PDF, set by typst with the font that is shipped; its date is the end of the period."""

from __future__ import annotations

import json
from dataclasses import asdict
from functools import lru_cache
from importlib.resources import files
from pathlib import Path

import typst

from simems_cloud.reporting.charts import balance
from simems_cloud.reporting.figures import Report
from simems_cloud.reporting.view import made_until, view

HERE = Path(str(files("simems_cloud.reporting")))


@lru_cache
def _fonts() -> typst.Fonts:
    """Only our own: a font of the machine would change the bytes."""
    return typst.Fonts(include_system_fonts=False, include_embedded_fonts=False, font_paths=[HERE / "fonts"])


def render(report: Report, form: str = "pdf") -> bytes:
    """``form``: ``pdf``, or ``png`` of the first page for looking at it."""
    inputs = {"view": json.dumps(asdict(view(report)), ensure_ascii=False), "chart": balance(report)}
    compiler = typst.Compiler((HERE / "template.typ").read_bytes(), font_paths=_fonts(), sys_inputs=inputs)
    if form == "png":
        pages = compiler.compile(format="png", ppi=110, timestamp=made_until(report))
        return pages[0] if isinstance(pages, list) else bytes(pages or b"")
    made = compiler.compile(format="pdf", timestamp=made_until(report), pdf_standards="a-3u")
    if not isinstance(made, bytes):
        raise TypeError("typst made no single PDF")
    return made

"""The handover report as PDF, set by typst with the fonts that it brings."""

from __future__ import annotations

import json
from dataclasses import asdict
from datetime import datetime
from importlib import import_module
from importlib.resources import files
from types import ModuleType
from typing import Literal

from simems_edge.commissioning.handover import Handover


class ReportError(ValueError):
    """It cannot be made; the message says what to do."""


def check_installed() -> None:
    """Before an examination of minutes. Raises ReportError."""
    _typst()


def _typst() -> ModuleType:
    try:
        return import_module("typst")  # an extra, and 80 MB
    except ImportError:
        raise ReportError("the report needs the package typst; install simems-edge[report]") from None


def render(document: Handover, public_key: str, form: Literal["pdf", "png"] = "pdf") -> bytes:
    """``form``: ``png``: the first page, for looking at it. Raises ReportError without typst."""
    typst = _typst()
    template = files("simems_edge.commissioning").joinpath("report.typ").read_bytes()
    inputs = {"view": json.dumps({**asdict(document), "public_key": public_key}, ensure_ascii=False)}
    fonts = typst.Fonts(include_system_fonts=False, include_embedded_fonts=True)
    compiler = typst.Compiler(template, font_paths=fonts, sys_inputs=inputs)
    made = compiler.compile(format=form, timestamp=datetime.fromisoformat(document.made_at), ppi=80)
    first = made[0] if isinstance(made, list) else made
    if not isinstance(first, bytes):
        raise ReportError("typst made no document")
    return first

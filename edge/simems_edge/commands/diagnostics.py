"""A zip file about the state of a box, for whoever helps from afar; nothing in it is secret."""

from __future__ import annotations

import io
import json
import logging
import platform
import zipfile
from collections import deque
from collections.abc import Iterator, Mapping
from importlib.metadata import distributions
from typing import Any, Final

from simems_edge.config.document import Document
from simems_edge.config.problem import HIDDEN, Path, is_secret

LINES: Final = 2000
MOST_BYTES: Final = 1024 * 1024
NOT_KEPT: Final = "simems_edge.hmi.access"
"""This logger tells the PIN of the first start, once."""


class RecentLog(logging.Handler):
    """The newest lines of the log, in memory."""

    def __init__(self, formatter: logging.Formatter) -> None:
        super().__init__()
        self.setFormatter(formatter)
        self._lines: deque[str] = deque(maxlen=LINES)

    def emit(self, record: logging.LogRecord) -> None:
        if record.name == NOT_KEPT:
            return
        try:
            self._lines.append(self.format(record))
        except Exception:  # noqa: BLE001 - the way of logging: a line that cannot be written is told, not raised
            self.handleError(record)

    def text(self) -> str:
        return "\n".join(list(self._lines)) + "\n"


def bundle(parts: Mapping[str, object], log: str, site: Document) -> bytes:
    """``parts``: JSON by name. The log is cut from its beginning until the whole is at most a megabyte."""
    whole = _zipped(parts, log, site)
    while len(whole) > MOST_BYTES and log:
        log = log[len(log) // 2 :] if len(log) > 1 else ""
        whole = _zipped(parts, log, site)
    return whole


def _zipped(parts: Mapping[str, object], log: str, site: Document) -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive:
        for name, content in parts.items():
            archive.writestr(f"{name}.json", json.dumps(content, indent=2, default=str, ensure_ascii=False))
        archive.writestr("site.json", json.dumps(without_secrets(site.data), indent=2, default=str, ensure_ascii=False))
        archive.writestr("versions.json", json.dumps(dict(_versions()), indent=2))
        archive.writestr("log.jsonl", log)
    return out.getvalue()


def without_secrets(data: Any, path: Path = ()) -> Any:  # noqa: ANN401 - plain data of a file
    """The same, with what is secret by its name hidden."""
    if path and is_secret(path):
        return HIDDEN
    if isinstance(data, dict):
        return {key: without_secrets(value, (*path, str(key))) for key, value in data.items()}
    if isinstance(data, list | tuple):
        return [without_secrets(value, (*path, number)) for number, value in enumerate(data)]
    return data


def _versions() -> Iterator[tuple[str, str]]:
    yield "python", platform.python_version()
    yield "machine", f"{platform.machine()} {platform.system()} {platform.release()}"
    yield from sorted((found.name, found.version) for found in distributions())

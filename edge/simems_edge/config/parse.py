"""YAML text to plain data, with the line of every key and item.

A careful subset: one document, text keys, no anchors, no tags, no key twice, bounded size and depth. Plain scalars
follow YAML 1.2's core schema (``no`` and ``022`` are not surprises). Lists become tuples.
"""

import re
from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import Any, Final

import yaml
from yaml.events import (
    AliasEvent,
    DocumentStartEvent,
    Event,
    MappingStartEvent,
    NodeEvent,
    ScalarEvent,
    SequenceStartEvent,
)

from simems_edge.config.document import Document
from simems_edge.config.problem import Path, Problem, path_text

MAX_BYTES: Final = 128 * 1024
MAX_DEPTH: Final = 20
_INTEGER = re.compile(r"[-+]?[0-9]{1,18}")
_FLOAT = re.compile(r"[-+]?(\.[0-9]{1,40}|[0-9]{1,1000}(\.[0-9]{0,40})?)([eE][-+]?[0-9]{1,4})?")
_SPECIAL: Final[dict[str, Any]] = {
    "": None, "~": None, "null": None, "Null": None, "NULL": None, "true": True, "True": True, "TRUE": True,
    "false": False, "False": False, "FALSE": False, ".nan": float("nan"), ".inf": float("inf"), "-.inf": float("-inf"),
}  # fmt: skip


def read_document(path: FilePath) -> Document:
    """Read and parse. Never raises for what is in the file or for a file that cannot be read."""
    document = Document(str(path))
    text = _read(path, document)
    if text is not None:
        _Builder(document).build(text)
    return document


def parse_document(text: str, file: str) -> Document:
    """Parse text that is already here."""
    document = Document(file)
    _Builder(document).build(text)
    return document


def _read(path: FilePath, document: Document) -> str | None:
    try:
        if not path.is_file():
            raise IsADirectoryError if path.exists() else FileNotFoundError
        with path.open("rb") as stream:
            raw = stream.read(MAX_BYTES + 1)
    except (OSError, ValueError) as error:
        _whole(document, 1, f"cannot be read ({_reason(error)})", "name an existing, readable YAML file")
        return None
    if len(raw) > MAX_BYTES:
        _whole(
            document, 1, f"is larger than {MAX_BYTES // 1024} KiB", "a site file is a few KiB; check that this is one"
        )
        return None
    return _decode(raw, document)


def _reason(error: Exception) -> str:
    if isinstance(error, IsADirectoryError):
        return "it is no ordinary file"
    if isinstance(error, FileNotFoundError):
        return "there is no such file"
    return (getattr(error, "strerror", None) or type(error).__name__).lower()


def _decode(raw: bytes, document: Document) -> str | None:
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        _whole(document, line, f"is not UTF-8 (byte {error.start})", "save the file in the encoding UTF-8")
        return None


def _whole(document: Document, line: int, message: str, remedy: str) -> None:
    document.problems.append(Problem(document.file, line, "(file)", "(text)", message, remedy))


class _StopBuildingError(Exception):
    """Parsing cannot go on; the problem is already noted."""


class _Builder:
    """Builds data from parser events, without recursion that the text could drive."""

    def __init__(self, document: Document) -> None:
        self._document = document
        self._events: Iterator[Event] = iter(())

    def build(self, text: str) -> None:
        try:
            self._events = yaml.parse(text, Loader=yaml.SafeLoader)
            self._document.data = self._documents()
        except _StopBuildingError:
            self._document.data = None
        except yaml.MarkedYAMLError as error:
            self._syntax(error)
        except yaml.reader.ReaderError as error:
            line = text.count("\n", 0, int(error.position)) + 1
            _whole(self._document, line, "holds a character that YAML does not allow", "remove the control character")
        except (yaml.YAMLError, ValueError, OverflowError, IndexError) as error:
            _whole(
                self._document, 1, f"is not valid YAML ({type(error).__name__})", "write it as in `simems-edge init`"
            )

    def _documents(self) -> Any:  # noqa: ANN401 - what YAML holds
        data, documents = None, 0
        for event in self._events:
            if isinstance(event, DocumentStartEvent):
                documents += 1
            elif isinstance(event, NodeEvent) and documents == 1:
                data = self._node(event, ())
            elif isinstance(event, NodeEvent):
                self._stop(event, (), "holds a second document", "keep one document; remove what follows '---'")
        return data

    def _node(self, event: NodeEvent, path: Path) -> Any:  # noqa: ANN401 - what YAML holds
        self._document.lines.setdefault(path, _line(event))
        if len(path) > MAX_DEPTH:
            self._stop(
                event, path[:3], f"is nested deeper than {MAX_DEPTH} levels", "write it as in `simems-edge init`"
            )
        if isinstance(event, AliasEvent) or event.anchor is not None:
            self._stop(event, path, "uses an anchor or alias", "write the value out where it is used")
        if getattr(event, "tag", None) is not None:
            self._stop(event, path, "uses a YAML tag", "remove the word that begins with '!'")
        if isinstance(event, MappingStartEvent):
            return self._mapping(path)
        return self._sequence(path) if isinstance(event, SequenceStartEvent) else _scalar(event)

    def _sequence(self, path: Path) -> tuple[Any, ...]:
        items: list[Any] = []
        while (event := self._next()) is not None:
            items.append(self._node(event, (*path, len(items))))
        return tuple(items)

    def _mapping(self, path: Path) -> dict[str, Any]:
        data: dict[str, Any] = {}
        while (event := self._next()) is not None:
            key = self._key(event, path)
            inner = (*path, key)
            if key in data:
                self._double(event, inner)
            self._document.lines[inner] = _line(event)
            data[key] = self._value(inner)
        return data

    def _next(self) -> NodeEvent | None:
        """The next node; None at the end of the list or section."""
        event = next(self._events)
        return event if isinstance(event, NodeEvent) else None

    def _value(self, path: Path) -> Any:  # noqa: ANN401 - what YAML holds
        event = self._next()
        return None if event is None else self._node(event, path)

    def _key(self, event: Event, path: Path) -> str:
        if not isinstance(event, ScalarEvent) or event.anchor is not None or event.tag is not None:
            self._stop(event, path, "has a key that is not plain text", "write keys as plain words")
        return _text(event)

    def _double(self, event: Event, path: Path) -> None:
        first, line = self._document.lines[path], _line(event)
        self._document.problems.append(
            Problem(
                self._document.file,
                line,
                path_text(path),
                str(path[-1]),
                f"is given twice (first on line {first})",
                "keep one of the two",
            )
        )

    def _stop(self, event: Event, path: Path, message: str, remedy: str) -> None:
        line = _line(event)
        self._document.problems.append(Problem(self._document.file, line, path_text(path), "(text)", message, remedy))
        raise _StopBuildingError

    def _syntax(self, error: yaml.MarkedYAMLError) -> None:
        mark = error.problem_mark or error.context_mark
        message = f"is not valid YAML: {error.problem or error.context}"
        _whole(self._document, mark.line + 1 if mark else 1, message, _syntax_remedy(message))


def _syntax_remedy(message: str) -> str:
    if "\\t" in message:
        return "indent with spaces, not with tabs"
    return "check indentation, colons and brackets on this line and the one before"


def _line(event: Event) -> int:
    return 1 if event.start_mark is None else event.start_mark.line + 1


def _text(event: Event) -> str:
    return str(getattr(event, "value", ""))


def _scalar(event: NodeEvent) -> Any:  # noqa: ANN401 - what YAML holds
    text = _text(event)
    if not getattr(event, "implicit", (True,))[0]:
        return text
    if text in _SPECIAL:
        return _SPECIAL[text]
    if _INTEGER.fullmatch(text):
        return int(text)
    return float(text) if _FLOAT.fullmatch(text) else text

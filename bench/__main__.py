"""``make bench``: measure everything, or what is named, and print one table."""

from __future__ import annotations

import argparse
import importlib
import pkgutil
import sys

from simems_core import BUILD_PROFILE

from bench import figures
from bench.figure import Figure, Measure, table


def main() -> int:
    measures = _measures()
    parser = argparse.ArgumentParser(prog="bench", description=__doc__, epilog="Example: python -m bench lateness")
    parser.add_argument("names", nargs="*", metavar="NAME", help=f"any of: {', '.join(measures)}")
    names = parser.parse_args().names or list(measures)
    if unknown := [name for name in names if name not in measures]:
        parser.error(f"no such figure: {', '.join(unknown)}; there are: {', '.join(measures)}")
    if BUILD_PROFILE != "release":
        print(f"bench: the core is a {BUILD_PROFILE} build; figures need a release build: make setup", file=sys.stderr)
        return 2
    rows: list[Figure] = []
    for name in names:
        print(f"bench: {name} ...", file=sys.stderr, flush=True)
        rows += measures[name]()
    print(table(rows))
    return 0


def _measures() -> dict[str, Measure]:
    """Every module of ``bench.figures`` with its function ``measure``."""
    found = (info.name for info in pkgutil.iter_modules(figures.__path__))
    return {name: importlib.import_module(f"bench.figures.{name}").measure for name in sorted(found)}


if __name__ == "__main__":
    sys.exit(main())

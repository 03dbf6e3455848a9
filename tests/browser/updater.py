"""An updater as an image would bring one: ``updater.py install URL SHA256 VERSION``; it takes version 2.0.0 alone."""

from __future__ import annotations

import sys


def main(action: str, url: str, sha256: str, version: str) -> int:
    if action != "install" or version != "2.0.0":
        print(f"the bundle at {url} is not signed for {version or 'this box'}", file=sys.stderr)  # noqa: T201 - its answer
        return 1
    print(f"installed {version} ({sha256[:8]})")  # noqa: T201 - its answer
    return 0


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]))

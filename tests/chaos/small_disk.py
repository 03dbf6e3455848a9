"""A small file system of its own that can be filled to the last byte and freed."""

from __future__ import annotations

import errno
import os
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

FILLER = "filler"


class SmallDisk:
    """Mounted at ``path``."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def fill(self) -> None:
        """Until nothing more fits; again and again, since what was being written may have let go of some."""
        with (self.path / FILLER).open("ab", buffering=0) as filler:
            for size in (1 << 16, 1 << 12, 1):
                while _fits(filler.fileno(), size):
                    continue

    def free(self) -> None:
        (self.path / FILLER).unlink(missing_ok=True)


def _fits(descriptor: int, size: int) -> bool:
    try:
        os.write(descriptor, bytes(size))
    except OSError as error:
        if error.errno != errno.ENOSPC:
            raise
        return False
    return True


@contextmanager
def small_disk(path: Path, megabytes: int) -> Iterator[SmallDisk | str]:
    """Or, where this user may not mount one, the reason."""
    path.mkdir()
    mounted = _run("mount", "-t", "tmpfs", "-o", f"size={megabytes}m,mode=0700", "simems-chaos", str(path))
    if mounted:
        yield mounted
        return
    try:
        yield SmallDisk(path)
    finally:
        _run("umount", "--lazy", str(path))


def _run(*command: str) -> str:
    """What it complains of; empty when it went well."""
    try:
        done = subprocess.run(command, capture_output=True, text=True, check=False)
    except OSError as error:
        return f"{command[0]}: {error}"
    return "" if done.returncode == 0 else done.stderr.strip() or f"{command[0]}: status {done.returncode}"

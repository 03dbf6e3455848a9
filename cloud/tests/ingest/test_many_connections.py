"""An ingest process that is started with few file descriptors asks for all that the host allows it."""

from __future__ import annotations

import asyncio
import os
import resource
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

pytestmark = pytest.mark.integration
GIVEN = 128
START = """
import resource, sys
resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv[1]), resource.getrlimit(resource.RLIMIT_NOFILE)[1]))
sys.argv = ["simems-cloud", "ingest"]
from simems_cloud.cli.main import main
main()
"""


async def test_all_that_the_host_allows_is_asked_for(tmp_path: Path, eventually: Callable[..., Any]) -> None:
    environment = {
        **os.environ,
        "SIMEMS_DATA_DIR": str(tmp_path),
        "SIMEMS_DATABASE_INGEST_URL": "postgresql://nobody@127.0.0.1:1/none",
        "SIMEMS_INGEST_ENDPOINT": "tcp://127.0.0.1:*",
    }
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    ingest = await asyncio.create_subprocess_exec(
        sys.executable, "-c", START, str(GIVEN), env=environment, stderr=subprocess.DEVNULL
    )
    try:
        await eventually(lambda: _soft_limit(ingest.pid) == hard)
    finally:
        ingest.kill()
        await ingest.wait()


def _soft_limit(pid: int) -> int:
    lines = Path(f"/proc/{pid}/limits").read_text().splitlines()
    return int(next(line for line in lines if line.startswith("Max open files")).split()[3])

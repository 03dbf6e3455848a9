"""The command line as people and scripts use it: real processes, their answers and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import zmq
from simems_cloud.cli.main import COMMANDS
from simems_cloud.kit.postgres.access import Access

SIMEMS = Path(sys.executable).parent / "simems-cloud"


def _run(*arguments: str, text: str = "", **environment: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [SIMEMS, *arguments],
        check=False,
        input=text,
        capture_output=True,
        text=True,
        env={**os.environ, **environment},
        timeout=60,
    )


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_helps_with_an_example(command: str, tmp_path: Path) -> None:
    done = _run(command, "--help", SIMEMS_DATA_DIR=str(tmp_path))
    assert done.returncode == 0
    groups = ("tenant", "user", "device", "audit", "sso")
    assert "Example" in done.stdout or command in groups


def test_help_imports_no_server() -> None:
    code = "import sys; from simems_cloud.cli import main; print('fastapi' in sys.modules, 'asyncpg' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["False", "False"]


@pytest.mark.parametrize(
    ("arguments", "environment", "code", "said"),
    [
        (["nonsense"], {}, 2, "No such command"),
        (["serve"], {"SIMEMS_HTTP_PORT": "x"}, 2, "SIMEMS_HTTP_PORT"),
        (["tenant", "list"], {"SIMEMS_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, 3, "cannot be reached"),
        (["migrate"], {"SIMEMS_DATABASE_URL": "postgresql://x@127.0.0.1:1/x"}, 3, "cannot be reached"),
        (["device", "add", "a", "--tenant", "b", "--public-key", "short"], {}, 2, "--public-key"),
        (["user", "create", "nobody", "--tenant", "b", "--password-stdin"], {}, 2, "not an e-mail"),
        (["user", "create", "a@b.c", "--tenant", "b", "--password-stdin"], {}, 2, "at least 10"),
    ],
)
def test_exit_codes(arguments: list[str], environment: dict[str, str], code: int, said: str, tmp_path: Path) -> None:
    done = _run(*arguments, **{"SIMEMS_DATA_DIR": str(tmp_path), **environment})
    assert (done.returncode, said in done.stderr) == (code, True), done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.integration
def test_from_tenant_to_device(database: Access, tmp_path: Path) -> None:
    environment = {"SIMEMS_DATABASE_URL": database.admin_url, "SIMEMS_DATA_DIR": str(tmp_path)}

    def answer(*arguments: str, text: str = "") -> Any:
        done = _run(*arguments, "--json", text=text, **environment)
        assert done.returncode == 0, done.stderr
        return json.loads(done.stdout)

    assert len(answer("keys")["server_key"]) == 40
    answer("tenant", "create", "Demo")
    answer("user", "create", "Ada@Example.com", "--tenant", "Demo", "--password-stdin", text="long enough password\n")
    key = zmq.curve_keypair()[0].decode()
    answer("device", "add", "malmo-1", "--tenant", "Demo", "--public-key", key)
    assert [row["name"] for row in answer("tenant", "list")] == ["Demo"]
    assert [row["email"] for row in answer("user", "list")] == ["ada@example.com"]
    assert [row["public_key"] for row in answer("device", "list")] == [key]
    assert answer("device", "revoke", "malmo-1", "--tenant", "Demo") == {"revoked": 1}
    again = _run("tenant", "create", "Demo", **environment)
    assert (again.returncode, "already" in again.stderr) == (1, True)
    unknown = _run("user", "create", "b@b.se", "--tenant", "No", "--password-stdin", text="x" * 12, **environment)
    assert (unknown.returncode, "'Demo'" in unknown.stderr) == (2, True)

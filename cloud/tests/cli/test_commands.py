"""The command line as people and scripts use it: real processes, their answers and exit codes."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import psycopg
import pytest
import zmq
from simems_cloud.cli.main import COMMANDS
from simems_cloud.kit.postgres.access import Access
from simems_core.claiming import fingerprint, new_code

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


@pytest.mark.integration
def test_a_box_is_claimed_approved_and_told_to_change_its_key(database: Access, tmp_path: Path) -> None:
    environment = {"SIMEMS_DATABASE_URL": database.admin_url, "SIMEMS_DATA_DIR": str(tmp_path)}

    def call(*arguments: str, code: int = 0) -> Any:
        done = _run("device", *arguments, "--tenant", "Claims", "--json", **environment)
        assert done.returncode == code, done.stderr
        return json.loads(done.stdout) if done.stdout else done.stderr

    assert _run("tenant", "create", "Claims", **environment).returncode == 0
    code, key = new_code(), zmq.curve_keypair()[0].decode()
    assert "read it again" in call("claim", code[:-1] + "U", "--name", "box", code=1)
    assert call("claim", code.lower(), "--name", "box")["state"] == "open"
    assert "entered already" in call("claim", code, "--name", "other", code=1)
    assert "no box waits" in call("approve", "box", "--fingerprint", "X", code=1)
    with psycopg.connect(database.admin_url) as connection:
        connection.execute("update device_claims set state = 'presented', public_key = %s", (key,))
    assert "another one" in call("approve", "box", "--fingerprint", "X", code=1)
    approved = call("approve", "box", "--fingerprint", fingerprint(key))
    assert (approved["state"], [row["state"] for row in call("claims")]) == ("approved", ["approved"])
    assert "which site" in call("rotate", "box", code=1)
    with psycopg.connect(database.admin_url) as connection:
        connection.execute(
            "insert into sites (tenant_id, site_id, name, time_zone) "
            "select tenant_id, 's', 's', 'UTC' from device_claims"
        )
        connection.execute("update devices set site_id = 's' where public_key = %s", (key,))
    assert call("rotate", "box")["state"] == "queued"
    assert call("command", "box", '{"kind": "restart"}')["counter"] == 2
    assert "Input tag" in call("command", "box", '{"kind": "explode"}', code=2)
    assert [row["kind"] for row in call("commands", "box")] == ["restart", "rotate_key"]
    keys = _run("tenant", "command-key", "Claims", "--json", **environment)
    assert (json.loads(keys.stdout)["number"], json.loads(keys.stdout)["devices_behind"][0]["name"]) == (0, "box")
    changed = _run("tenant", "change-command-key", "Claims", "--overlap-s", "0", "--json", **environment)
    assert json.loads(changed.stdout)["number"] == 1, changed.stderr
    refused = _run("tenant", "change-command-key", "Claims", "--lost", **environment)
    assert (refused.returncode, "--confirm 'Claims'" in refused.stderr) == (2, True)
    lost = _run("tenant", "change-command-key", "Claims", "--lost", "--confirm", "Claims", **environment)
    assert (lost.returncode, "not come yet" in lost.stdout) == (0, True), lost.stderr
    (tmp_path / "secrets" / "vault").unlink()
    sealed = _run("tenant", "change-command-key", "Claims", **environment)
    assert (sealed.returncode, "secrets/vault" in sealed.stderr, "--lost" in sealed.stderr) == (1, True, True)
    following = zmq.curve_keypair()[0].decode()
    call("replace", "box", "--name", "box2", "--public-key", following)
    assert {row["name"]: row["revoked_at"] is None for row in call("list")} == {"box": False, "box2": True}

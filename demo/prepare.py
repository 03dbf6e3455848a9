"""What the first start lays down: the site file with this machine's ports, accounts, keys, two weeks of history."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass

import yaml

from demo.commands import cloud_environment
from demo.processes import command, run
from demo.settings import Settings

USER = "demo@example.com"
TENANT = "Demo"


@dataclass(frozen=True)
class Credentials:
    user: str
    password: str
    pin: str


def credentials(settings: Settings) -> Credentials:
    """Made once, kept in the data folder, readable by the owner only."""
    path = settings.data / "credentials.json"
    if path.exists():
        return Credentials(**json.loads(path.read_text()))
    made = Credentials(user=USER, password=secrets.token_urlsafe(9), pin=f"{secrets.randbelow(10**6):06d}")
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w") as out:
        json.dump(asdict(made), out)
    return made


def write_site_file(settings: Settings, server_key: str) -> None:
    """The given site file with this run's ports and the cloud's public key."""
    site = settings.document()
    for offset, component in enumerate(site["components"]):
        component["connection"]["modbus_tcp"]["port"] = settings.modbus_port + offset
    site["cloud"] = {"endpoint": f"tcp://127.0.0.1:{settings.ingest_port}", "server_key": server_key}
    site["hmi"] = {"port": settings.hmi_port}
    scratch = settings.site_file.with_suffix(".tmp")
    scratch.write_text(yaml.safe_dump(site, sort_keys=False, allow_unicode=True))
    scratch.replace(settings.site_file)


def server_key(settings: Settings) -> str:
    keys = json.loads(run(command("simems-cloud", "keys", "--json"), cloud_environment(settings)))
    return str(keys["server_key"])


def device_key(settings: Settings) -> str:
    """The edge's public key; its secret half never leaves the edge's data folder."""
    out = run(command("simems-edge", "identity", "--data", str(settings.edge_data), "--json"), {})
    return str(json.loads(out)["public_key"])


def accounts(settings: Settings, who: Credentials) -> None:
    """Tenant, user and device, each made when it is not there yet. The database must be up."""
    environment = cloud_environment(settings)
    if not _has(environment, "tenant", "name", TENANT):
        run(command("simems-cloud", "tenant", "create", TENANT), environment)
    if not _has(environment, "user", "email", who.user):
        run(
            command(
                "simems-cloud",
                "user",
                "create",
                who.user,
                "--name",
                "Demo User",
                "--tenant",
                TENANT,
                "--password-stdin",
            ),
            environment,
            text=who.password + "\n",
        )
    key = device_key(settings)
    if not _has(environment, "device", "public_key", key):
        run(
            command(
                "simems-cloud",
                "device",
                "add",
                settings.document()["site"]["id"],
                "--tenant",
                TENANT,
                "--public-key",
                key,
            ),
            environment,
        )


def _has(environment: dict[str, str], noun: str, field: str, value: str) -> bool:
    rows = json.loads(run(command("simems-cloud", noun, "list", "--json"), environment))
    return any(row[field] == value for row in rows)

"""Settings from the environment, checked once at start."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path


class SettingsError(ValueError):
    """A variable that cannot be used; the text names it, its value and the remedy."""


@dataclass(frozen=True)
class Settings:
    """Everything a process of the cloud is told from outside."""

    data_dir: Path
    """Secrets and, without a database URL, the own PostgreSQL."""
    database_url: str | None = None
    """Of a role that may create roles and tables; None: an own PostgreSQL in the data folder."""
    app_url: str | None = None
    """Of ``simems_app``; None: made from ``database_url`` and the generated password."""
    ingest_url: str | None = None
    """Of ``simems_ingest``; as above."""
    worker_url: str | None = None
    """Of ``simems_worker``; as above."""
    http_host: str = "127.0.0.1"
    http_port: int = 8000
    ingest_endpoint: str = "tcp://127.0.0.1:7700"
    ingest_http_host: str = "127.0.0.1"
    ingest_http_port: int | None = None
    """Where ingest takes the same messages over HTTP and WebSocket, behind something that ends TLS; None: nowhere."""
    ingest_mqtt_url: str | None = None
    """``mqtts://user:password@host:8883`` of a broker where devices publish; None: none."""
    ingest_mqtt_ca: str | None = None
    ingest_mqtt_certificate: str | None = None
    ingest_mqtt_key: str | None = None
    """Files: of the broker's authority, and our client certificate with its key."""
    portal_dir: Path | None = None
    stale_after_s: float = 30.0
    """A device silent for longer raises an alarm, and its values show as stale."""
    roll_up_rest_s: float = 20.0
    """A site that is rolled up to its last frame waits so long for its next turn: its charts are as old at most."""
    token_lifetime_s: int = 8 * 3600
    smtp_url: str | None = None
    """``smtp://user:password@host:587`` (STARTTLS where offered), ``smtps://host:465``; None: no e-mail is sent."""
    mail_from: str = "Sim EMS <simems@localhost>"
    public_url: str = ""
    """Of the portal, for links in messages; empty: none."""
    webhooks_private: bool = False
    """Webhooks may go to addresses that are not on the public internet."""
    backup_dir: Path | None = None
    """Where the own PostgreSQL archives its changes and base backups lie; None: nothing is archived."""


def from_environment(environment: Mapping[str, str] | None = None) -> Settings:
    env = os.environ if environment is None else environment
    portal, backup = env.get("SIMEMS_PORTAL_DIR"), env.get("SIMEMS_BACKUP_DIR")
    return Settings(
        data_dir=Path(env.get("SIMEMS_DATA_DIR") or _default_data_dir(env)).expanduser().absolute(),
        database_url=_postgres_url(env, "SIMEMS_DATABASE_URL"),
        app_url=_postgres_url(env, "SIMEMS_DATABASE_APP_URL"),
        ingest_url=_postgres_url(env, "SIMEMS_DATABASE_INGEST_URL"),
        worker_url=_postgres_url(env, "SIMEMS_DATABASE_WORKER_URL"),
        http_host=env.get("SIMEMS_HTTP_HOST") or "127.0.0.1",
        http_port=int(_number(env, "SIMEMS_HTTP_PORT", 8000, 0, 65535)),
        ingest_endpoint=_endpoint(env),
        ingest_http_host=env.get("SIMEMS_INGEST_HTTP_HOST") or "127.0.0.1",
        ingest_http_port=_optional_port(env, "SIMEMS_INGEST_HTTP_PORT"),
        ingest_mqtt_url=_broker_url(env),
        ingest_mqtt_ca=env.get("SIMEMS_INGEST_MQTT_CA") or None,
        ingest_mqtt_certificate=env.get("SIMEMS_INGEST_MQTT_CERTIFICATE") or None,
        ingest_mqtt_key=env.get("SIMEMS_INGEST_MQTT_KEY") or None,
        portal_dir=Path(portal).expanduser().absolute() if portal else None,
        stale_after_s=_number(env, "SIMEMS_STALE_AFTER_S", 30.0, 1.0, 86_400.0),
        roll_up_rest_s=_number(env, "SIMEMS_ROLL_UP_REST_S", 20.0, 0.0, 60.0),
        token_lifetime_s=int(_number(env, "SIMEMS_TOKEN_LIFETIME_S", 8 * 3600, 60, 30 * 86_400)),
        smtp_url=_smtp_url(env),
        mail_from=env.get("SIMEMS_MAIL_FROM") or "Sim EMS <simems@localhost>",
        public_url=(env.get("SIMEMS_PUBLIC_URL") or "").rstrip("/"),
        webhooks_private=_yes(env, "SIMEMS_WEBHOOKS_PRIVATE"),
        backup_dir=Path(backup).expanduser().absolute() if backup else None,
    )


def _default_data_dir(env: Mapping[str, str]) -> str:
    if os.geteuid() == 0:
        return "/var/lib/simems"
    return str(Path(env.get("XDG_DATA_HOME") or "~/.local/share") / "simems")


def _postgres_url(env: Mapping[str, str], name: str) -> str | None:
    value = env.get(name) or None
    if value and not value.startswith(("postgresql://", "postgres://")):
        raise SettingsError(f"{name}: not a PostgreSQL URL; write postgresql://user:password@host:5432/database")
    return value


def _smtp_url(env: Mapping[str, str]) -> str | None:
    value = env.get("SIMEMS_SMTP_URL") or None
    if value and not value.startswith(("smtp://", "smtps://")):
        raise SettingsError(
            "SIMEMS_SMTP_URL: not a mail server; write smtp://user:password@host:587 or smtps://host:465"
        )
    return value


def _broker_url(env: Mapping[str, str]) -> str | None:
    value = env.get("SIMEMS_INGEST_MQTT_URL") or None
    if value and not value.startswith(("mqtts://", "mqtt://127.0.0.1", "mqtt://localhost")):
        raise SettingsError(
            "SIMEMS_INGEST_MQTT_URL: not a broker with TLS; write mqtts://user:password@host:8883 "
            "(mqtt:// only for this machine)"
        )
    return value


def _optional_port(env: Mapping[str, str], name: str) -> int | None:
    return int(_number(env, name, 0, 0, 65535)) if env.get(name) else None


def _yes(env: Mapping[str, str], name: str) -> bool:
    value = (env.get(name) or "no").lower()
    if value not in ("yes", "no"):
        raise SettingsError(f"{name}: {value!r}: write yes or no")
    return value == "yes"


def _endpoint(env: Mapping[str, str]) -> str:
    value = env.get("SIMEMS_INGEST_ENDPOINT") or "tcp://127.0.0.1:7700"
    if not value.startswith("tcp://") or ":" not in value.removeprefix("tcp://"):
        raise SettingsError(f"SIMEMS_INGEST_ENDPOINT: {value!r}: not tcp://address:port; e.g. tcp://0.0.0.0:7700")
    return value


def _number(env: Mapping[str, str], name: str, default: float, low: float, high: float) -> float:
    text = env.get(name)
    if not text:
        return default
    try:
        value = float(text)
    except ValueError:
        value = float("nan")
    if not low <= value <= high:
        raise SettingsError(f"{name}: {text!r}: not a number from {low:g} to {high:g}")
    return value

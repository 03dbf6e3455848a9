"""Settings, secrets and named SQL."""

from __future__ import annotations

import stat
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from simems_cloud.kit.postgres.access import as_role
from simems_cloud.kit.secret_files import curve_keys, secret
from simems_cloud.kit.settings import SettingsError, from_environment
from simems_cloud.kit.sql import load_queries, parse_queries


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("SIMEMS_HTTP_PORT", "http"),
        ("SIMEMS_HTTP_PORT", "70000"),
        ("SIMEMS_DATABASE_URL", "mysql://x"),
        ("SIMEMS_INGEST_ENDPOINT", "7700"),
        ("SIMEMS_STALE_AFTER_S", "nan"),
    ],
)
def test_a_wrong_variable_is_named(name: str, value: str) -> None:
    with pytest.raises(SettingsError, match=name):
        from_environment({name: value})


def test_a_secret_is_made_once_by_whoever_comes_first(tmp_path: Path) -> None:
    with ThreadPoolExecutor(8) as pool:
        made = set(pool.map(lambda _: secret(tmp_path, "one"), range(32)))
    assert len(made) == 1
    assert stat.S_IMODE((tmp_path / "secrets" / "one").stat().st_mode) == 0o600
    assert [p.name for p in (tmp_path / "secrets").iterdir()] == ["one"]


def test_curve_keys_stay(tmp_path: Path) -> None:
    keys = curve_keys(tmp_path)
    assert keys == curve_keys(tmp_path)
    assert len(keys.public) == len(keys.secret) == 40


def test_a_query_named_twice_is_refused() -> None:
    with pytest.raises(ValueError, match="twice"):
        parse_queries("-- name: a\nselect 1\n-- name: a\nselect 2\n")


@pytest.mark.parametrize("domain", ["access", "audit", "identity", "sites", "telemetry", "alarms"])
def test_every_domain_has_its_queries(domain: str) -> None:
    assert all(load_queries(f"simems_cloud.{domain}").values())


def test_another_role_of_the_same_database() -> None:
    url = as_role("postgresql://root:a%40b@db.example:5433/simems?sslmode=require", "simems_app", "p/w")
    assert url == "postgresql://simems_app:p%2Fw@db.example:5433/simems?sslmode=require"

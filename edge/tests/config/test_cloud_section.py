"""How a site file names the cloud: every kind of endpoint, and files that are relative to it."""

from __future__ import annotations

from pathlib import Path

import pytest
from simems_edge.config import load_site, read_site

DEMO = Path(__file__).parents[3] / "demo" / "site.yaml"


def _site(folder: Path, *cloud: str) -> Path:
    """The demo's site with these lines under ``cloud``."""
    lines = DEMO.read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("cloud:"))
    end = next((n for n in range(begin + 1, len(lines)) if lines[n][:1].strip(" #")), len(lines))
    path = folder / "site.yaml"
    path.write_text("\n".join([*lines[:begin], "cloud:", *(f"  {line}" for line in cloud), *lines[end:]]) + "\n")
    return path


@pytest.mark.parametrize(
    "endpoint",
    [
        *("https://ingest.example.com", "https://ingest.example.com:8443/simems", "wss://ingest.example.com/x"),
        *("mqtts://broker.example.com", "mqtts://broker.example.com:8884", "http://127.0.0.1:9000", "ws://localhost"),
        *("mqtt://localhost", "mqtts://box:secret@broker.example.com"),
    ],
)
def test_every_kind_of_endpoint_is_taken(endpoint: str, tmp_path: Path) -> None:
    found = load_site(_site(tmp_path, f"endpoint: {endpoint}")).cloud
    assert found is not None
    assert found.endpoint == endpoint


@pytest.mark.parametrize(
    ("endpoint", "said"),
    [
        ("https://ingest.example.com:99999", "has no valid port"),
        ("https://ingest.example.com:0", "has no valid port"),
        ("https://ingest.example.com:x", "has no valid port"),
        ("http://localhost:8080", "has the port of the hmi"),
        ("http://ingest.example.com", "cloud.endpoint"),
    ],
)
def test_what_cannot_be_reached_is_said(endpoint: str, said: str, tmp_path: Path) -> None:
    path = _site(tmp_path, f"endpoint: {endpoint}")
    assert said in "\n".join(str(problem) for problem in read_site(path).problems)


def test_the_files_of_the_clouds_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    files = ("ca_file: ca.pem", "certificate: keys/box.pem", f"certificate_key: {tmp_path}/box.key")
    _site(folder, "endpoint: https://ingest.example.com", *files)
    monkeypatch.chdir(tmp_path)
    settings = load_site(Path("etc/site.yaml")).cloud
    assert settings is not None
    assert settings.ca_file == str(folder / "ca.pem")
    assert settings.certificate == str(folder / "keys" / "box.pem")
    assert settings.certificate_key == str(tmp_path / "box.key")

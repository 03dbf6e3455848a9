"""Files that a site file names are relative to it, wherever the edge was started."""

from __future__ import annotations

from pathlib import Path

import pytest
from simems_edge.config import load_site

DEMO = Path(__file__).parents[3] / "demo" / "site.yaml"


def test_the_files_of_the_clouds_tls(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    folder = tmp_path / "etc"
    folder.mkdir()
    lines = DEMO.read_text().splitlines()
    begin = next(number for number, line in enumerate(lines) if line.startswith("cloud:"))
    end = next((n for n in range(begin + 1, len(lines)) if lines[n][:1].strip(" #")), len(lines))
    cloud = [
        "cloud:",
        "  endpoint: https://ingest.example.com",
        "  ca_file: ca.pem",
        "  certificate: keys/box.pem",
        f"  certificate_key: {tmp_path}/box.key",
    ]
    (folder / "site.yaml").write_text("\n".join([*lines[:begin], *cloud, *lines[end:]]) + "\n")
    monkeypatch.chdir(tmp_path)
    settings = load_site(Path("etc/site.yaml")).cloud
    assert settings is not None
    assert settings.ca_file == str(folder / "ca.pem")
    assert settings.certificate == str(folder / "keys" / "box.pem")
    assert settings.certificate_key == str(tmp_path / "box.key")

"""The built screens: files, the application page for its own routes, and nothing outside the folder."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest
from simems_edge.hmi import create_app, find_screens


@pytest.fixture
def screens_folder(tmp_path: Path) -> Path:
    folder = tmp_path / "hmi"
    (folder / "assets").mkdir(parents=True)
    (folder / "index.html").write_text("<p>application</p>")
    (folder / "assets" / "a.js").write_text("1")
    (tmp_path / "secret.txt").write_text("secret")
    (folder / "assets" / "link.txt").symlink_to(tmp_path / "secret.txt")
    return folder


def browser(folder: Path | None) -> httpx.AsyncClient:
    return httpx.AsyncClient(transport=httpx.ASGITransport(create_app(None, None, folder)), base_url="http://edge")


async def test_files_and_the_application_page(screens_folder: Path) -> None:
    async with browser(screens_folder) as web:
        assert (await web.get("/")).text == "<p>application</p>"
        assert (await web.get("/alarms/now")).text == "<p>application</p>"
        script = await web.get("/assets/a.js")
        assert (script.text, "immutable" in script.headers["cache-control"]) == ("1", True)


@pytest.mark.parametrize(
    "path", ["/assets/none.js", "/assets/link.txt", "/api/v1/none", "/assets/%2e%2e/%2e%2e/secret.txt"]
)
async def test_what_is_not_there_is_said(screens_folder: Path, path: str) -> None:
    async with browser(screens_folder) as web:
        answer = await web.get(path)
    assert answer.status_code == 404


@pytest.mark.parametrize("path", ["/../secret.txt", "/%2e%2e/secret.txt", "/..%2fsecret.txt", "//etc/passwd", "/%00"])
async def test_nothing_outside_the_folder_is_served(screens_folder: Path, path: str) -> None:
    async with browser(screens_folder) as web:
        answer = await web.get(path)
    assert "secret" not in answer.text
    assert "root:" not in answer.text
    assert answer.status_code in {200, 404}


async def test_a_missing_build_is_said_on_a_plain_page() -> None:
    async with browser(None) as web:
        answer = await web.get("/")
    assert answer.status_code == 503
    assert "not built" in answer.text


def test_the_environment_decides_where_the_screens_are(screens_folder: Path, tmp_path: Path) -> None:
    assert find_screens({"SIMEMS_HMI_DIR": str(screens_folder)}) == screens_folder.resolve()
    assert find_screens({"SIMEMS_HMI_DIR": str(tmp_path)}) is None

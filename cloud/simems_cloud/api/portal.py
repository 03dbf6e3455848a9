"""The built portal: files as they are, every other path its start page (the portal routes itself)."""

from __future__ import annotations

from importlib.resources import files
from pathlib import Path

from fastapi import FastAPI, Request
from fastapi.responses import FileResponse, HTMLResponse, Response

from simems_cloud.kit.problems import NotFoundError

RESERVED = ("api/", "healthz", "readyz", "metrics", "openapi.json")
MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sim EMS</title>
<h1>Sim EMS cloud</h1><p>The API runs; the portal has not been built. Build it with <code>npm run build</code> in
<code>ui/</code>, or point <code>SIMEMS_PORTAL_DIR</code> at a build, and start again.</p>"""


def mount(app: FastAPI, chosen: Path | None) -> None:
    """Serve the first build found; without one, a plain page that says so."""
    root = find_build(chosen)

    @app.get("/{path:path}", include_in_schema=False)
    async def page(request: Request, path: str) -> Response:
        if path.startswith(RESERVED):
            raise NotFoundError(f"no {request.url.path}")
        return HTMLResponse(MISSING, status_code=200) if root is None else _file(root, path)


def find_build(chosen: Path | None) -> Path | None:
    checkout = Path(__file__).resolve().parents[3] / "ui" / "dist" / "portal"
    candidates = [chosen] if chosen else [Path(str(files("simems_cloud") / "portal")), checkout]
    return next((path.resolve() for path in candidates if (path / "index.html").is_file()), None)


def _file(root: Path, path: str) -> Response:
    wanted = (root / path).resolve()
    if not wanted.is_relative_to(root):
        raise NotFoundError("no such file")
    if wanted.is_file() and wanted.name != "index.html":
        cache = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
        return FileResponse(wanted, headers={"Cache-Control": cache})
    if path.startswith("assets/"):
        raise NotFoundError(f"no /{path}")
    return FileResponse(root / "index.html", headers={"Cache-Control": "no-cache"})

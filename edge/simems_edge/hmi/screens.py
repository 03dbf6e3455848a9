"""Serves the built screens: files of one folder, the application page for everything else."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from fastapi import APIRouter
from starlette.responses import FileResponse, HTMLResponse, Response

from simems_edge.hmi.errors import NotFoundError

ENVIRONMENT = "SIMEMS_HMI_DIR"
RESERVED = ("api/", "healthz", "readyz", "metrics", "openapi.json")
MISSING = """<!doctype html><html lang="en"><meta charset="utf-8"><title>Sim EMS</title>
<h1>The screens are not built</h1>
<p>The edge runs and its interface answers under <code>/api/v1</code>.</p>
<p>Build the screens with <code>npm run build</code> in <code>ui/</code>, or set <code>SIMEMS_HMI_DIR</code>
to a folder that holds them.</p></html>"""


def find_screens(environment: Mapping[str, str] = os.environ) -> Path | None:
    """The first folder with an ``index.html``: the environment's, the package's, the checkout's."""
    package = Path(__file__).parent
    given = environment.get(ENVIRONMENT)
    folders = [Path(given)] if given else [package / "static", package.parents[2] / "ui" / "dist" / "hmi"]
    return next((folder.resolve() for folder in folders if (folder / "index.html").is_file()), None)


def screens_router(folder: Path | None) -> APIRouter:
    """Routes that must come last: they take every path."""
    router = APIRouter(include_in_schema=False)

    @router.get("/{path:path}")
    async def screen(path: str) -> Response:
        if path.startswith(RESERVED):
            raise NotFoundError(f"there is nothing at /{path}")
        return _missing() if folder is None else _file(folder, path)

    return router


def _missing() -> Response:
    return HTMLResponse(MISSING, status_code=503)


def _file(folder: Path, path: str) -> Response:
    """A file inside ``folder``, or the application page; never anything outside it."""
    wanted = _wanted(folder, path)
    if wanted is not None:
        lifetime = "public, max-age=31536000, immutable" if path.startswith("assets/") else "no-cache"
        return FileResponse(wanted, headers={"Cache-Control": lifetime})
    if path.startswith("assets/"):
        raise NotFoundError(f"there is no file /{path}")
    return FileResponse(folder / "index.html", headers={"Cache-Control": "no-cache"})


def _wanted(folder: Path, path: str) -> Path | None:
    try:
        wanted = (folder / path).resolve()
        return wanted if path and wanted.is_file() and wanted.is_relative_to(folder) else None
    except (ValueError, OSError) as error:
        raise NotFoundError("that is no name of a file") from error

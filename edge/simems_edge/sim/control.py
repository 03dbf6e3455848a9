"""The plant's control port, for tests and the demonstration: HTTP and JSON on the loopback interface only."""

from __future__ import annotations

import json
import math
from collections.abc import Iterator
from contextlib import contextmanager

import uvicorn
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from simems_edge.sim.process import PlantProcess


def control_app(process: PlantProcess) -> Starlette:
    """``GET /truth /clock /counter``, ``POST /silence {component, silent, mode: silent|refuse}``,
    ``POST /drive {address, value}`` (null: back to its own course)."""
    plant = process.plant

    async def truth(_request: Request) -> Response:
        process.catch_up()
        return JSONResponse({"utc_s": plant.utc_s, "time_s": plant.time_s, "values": plant.truth()})

    async def clock(_request: Request) -> Response:
        process.catch_up()
        return JSONResponse({"utc_us": round(plant.utc_s * 1e6), "time_s": plant.time_s, "speed": process.speed})

    async def counter(_request: Request) -> Response:
        process.catch_up()
        return JSONResponse({"counter": process.counter, "utc_us": round(plant.utc_s * 1e6)})

    async def silence(request: Request) -> Response:
        try:
            component, silent, refuse = _wish(json.loads(await request.body()))
            await process.silence(component, silent, refuse=refuse)
        except (ValueError, TypeError) as error:
            return JSONResponse({"detail": str(error)}, status_code=422)
        return JSONResponse({"component": component, "silent": silent})

    async def drive(request: Request) -> Response:
        try:
            address, value = _course(json.loads(await request.body()))
            process.catch_up()
            plant.drive(address, value)
        except (ValueError, TypeError) as error:
            return JSONResponse({"detail": str(error)}, status_code=422)
        return JSONResponse({"address": address, "value": value})

    return Starlette(
        routes=[
            Route("/truth", truth),
            Route("/clock", clock),
            Route("/counter", counter),
            Route("/silence", silence, methods=["POST"]),
            Route("/drive", drive, methods=["POST"]),
        ]
    )


def _wish(body: object) -> tuple[str, bool, bool]:
    if not isinstance(body, dict) or not isinstance(body.get("component"), str):
        raise TypeError('send {"component": "grid0", "silent": true}')
    silent, mode = body.get("silent", True), body.get("mode", "silent")
    if not isinstance(silent, bool) or mode not in {"silent", "refuse"}:
        raise ValueError("silent must be true or false, mode silent or refuse")
    return body["component"], silent, mode == "refuse"


def _course(body: object) -> tuple[str, float | None]:
    if not isinstance(body, dict) or not isinstance(body.get("address"), str):
        raise TypeError('send {"address": "grid/present", "value": 0}')
    value = body.get("value")
    if value is not None and (
        isinstance(value, bool) or not isinstance(value, int | float) or not math.isfinite(value)
    ):
        raise ValueError("value must be a finite number or null")
    return body["address"], None if value is None else float(value)


class ControlServer(uvicorn.Server):
    """Leaves signals to the process."""

    def __init__(self, process: PlantProcess, port: int) -> None:
        super().__init__(
            uvicorn.Config(control_app(process), host="127.0.0.1", port=port, log_level="warning", lifespan="off")
        )

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

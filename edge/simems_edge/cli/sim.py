"""``simems-edge sim``: the virtual plant as real protocol servers."""

from __future__ import annotations

import asyncio
import json
import logging
import signal
import time
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

import click
from simems_core import Clock

from simems_edge.bridges.shared_clock import ClockFileError, SharedClock, read_clock, write_clock
from simems_edge.cli.errors import UnreachableError
from simems_edge.cli.output import json_option
from simems_edge.cli.site_file import checked_site
from simems_edge.config import Site
from simems_edge.sim.control import ControlServer
from simems_edge.sim.process import PlantOptions, PlantProcess
from simems_edge.sim.servers import ServerError

EXAMPLES = """
\b
Examples:
  simems-edge sim demo/site.yaml
  simems-edge sim demo/site.yaml --control-port 1600 --state plant.json
  simems-edge sim demo/site.yaml --speed 10 --clock-file clock.json
  simems-edge run demo/site.yaml --clock-file clock.json
"""


@dataclass(frozen=True, slots=True)
class _Arguments:
    speed: float
    control_port: int | None
    clock_file: Path | None
    as_json: bool


def _instant(_context: click.Context, _parameter: click.Parameter, value: str | None) -> datetime | None:
    if value is None:
        return None
    try:
        instant = datetime.fromisoformat(value)
    except ValueError as error:
        raise click.BadParameter("write an ISO 8601 instant such as 2026-06-01T00:00:00+02:00") from error
    if instant.tzinfo is None:
        raise click.BadParameter("needs an offset, e.g. 2026-06-01T00:00:00+02:00")
    return instant


@click.command(epilog=EXAMPLES)
@click.argument("site_file", metavar="SITE.yaml", type=click.Path())
@click.option("--speed", default=1.0, show_default=True, type=click.FloatRange(0.01, 1000.0), help="Plant s per s.")
@click.option("--clock-file", type=click.Path(path_type=Path), help="Clock shared with the edge; --speed needs it.")
@click.option("--control-port", type=click.IntRange(1, 65535), help="HTTP port on loopback: truth, clock, silence.")
@click.option("--seed", type=int, help="Of the noise; default: the site file's.")
@click.option("--start", callback=_instant, help="Instant at which the plant's calendar begins; default: now.")
@click.option("--state", type=click.Path(path_type=Path), help="File that lets a restarted plant go on.")
@json_option
@click.pass_context
def command(  # noqa: PLR0913 - one parameter per option
    ctx: click.Context,
    *,
    site_file: str,
    speed: float,
    clock_file: Path | None,
    control_port: int | None,
    seed: int | None,
    start: datetime | None,
    state: Path | None,
    as_json: bool,
) -> None:
    """Serve the devices of SITE.yaml as a virtual plant: real Modbus TCP servers, recorded load and PV.

    Runs until interrupted. Exit code 0: ended by a signal; 2: bad input; 3: a port is taken.
    """
    logging.basicConfig(level=logging.WARNING, format="%(levelname)s %(name)s: %(message)s")
    site = checked_site(site_file)
    arguments = _Arguments(speed, control_port, clock_file, as_json)
    clock, plant_start = _clock(arguments, start or _origin(site))
    process = PlantProcess(site, PlantOptions(clock, plant_start, seed, state))
    asyncio.run(_serve(process, arguments))
    ctx.exit(0)


def _origin(site: Site) -> datetime | None:
    origin = site.simulation.time_origin if site.simulation else None
    return datetime.fromisoformat(origin) if origin else None


def _clock(arguments: _Arguments, start: datetime | None) -> tuple[Clock, datetime | None]:
    """The plant's clock, and where its calendar begins when that is not the clock's own time."""
    if arguments.clock_file is None:
        if arguments.speed != 1.0:
            raise ClockFileError(
                f"--speed {arguments.speed:g} needs --clock-file, so that plant and edge share one clock; "
                "give the same file to simems-edge run"
            )
        return Clock.monotonic(), start
    return _shared(arguments.clock_file, arguments.speed, start).clock(), None


def _shared(path: Path, speed: float, start: datetime | None) -> SharedClock:
    """The clock in the file when it still runs at this speed (a restarted plant), else a new one."""
    if path.exists():
        try:
            shared = read_clock(path)
        except ClockFileError:
            shared = None
        if shared is not None and shared.speed == speed:
            return shared
    origin_us = time.time_ns() // 1000 if start is None else round(start.timestamp() * 1e6)
    shared = SharedClock(time.monotonic_ns(), origin_us, speed)
    write_clock(path, shared)
    return shared


async def _serve(process: PlantProcess, arguments: _Arguments) -> None:
    """Until SIGINT or SIGTERM. Raises UnreachableError when a port is taken."""
    ready, stop = asyncio.Event(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        asyncio.get_running_loop().add_signal_handler(number, stop.set)
    tasks: list[asyncio.Task[object]] = [asyncio.create_task(stop.wait()), asyncio.create_task(process.run(ready))]
    if arguments.control_port is not None:
        tasks.append(asyncio.create_task(ControlServer(process, arguments.control_port).serve()))
    announcement = asyncio.create_task(_announce(process, ready, arguments))
    await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    for task in (*tasks, announcement):
        task.cancel()
    results = await asyncio.gather(*tasks, announcement, return_exceptions=True)
    for failure in results:
        if isinstance(failure, ServerError):
            raise UnreachableError(str(failure)) from failure
        if isinstance(failure, Exception):
            raise failure
    if not stop.is_set():
        raise UnreachableError(f"the control port {arguments.control_port} cannot be opened; end what listens there")


async def _announce(process: PlantProcess, ready: asyncio.Event, arguments: _Arguments) -> None:
    await ready.wait()
    endpoints = {name: f"{host}:{port}" for name, (host, port) in process.servers.endpoints.items()}
    if arguments.as_json:
        click.echo(json.dumps({"ready": True, "devices": endpoints, "control_port": arguments.control_port}))
    else:
        click.echo("plant ready: " + ", ".join(f"{name} at {where}" for name, where in endpoints.items()))

"""Everything of one edge in one process: the cycle's threads beside one event loop for disk, cloud and screens."""

from __future__ import annotations

import asyncio
import logging
import signal
import socket
from collections import deque
from collections.abc import AsyncIterator, Callable, Coroutine, Iterator
from contextlib import AsyncExitStack, ExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import Any

import uvicorn
from fastapi import FastAPI
from simems_core import Clock, wire

from simems_edge.bridges.kinds import bridges_of
from simems_edge.bridges.mqtt import MqttGateway
from simems_edge.bridges.ocpp.office import ChargingOffice
from simems_edge.bridges.prices import PriceFeed
from simems_edge.buffer import Buffer, StorageError
from simems_edge.cli.box import EdgeBox, judge_trial, problems_of
from simems_edge.cli.errors import BadInputError
from simems_edge.cli.limit_list import limit_list
from simems_edge.cli.limit_record import book_of, handed_over
from simems_edge.cli.systemd import Notifier
from simems_edge.commands import Actions, CommandDesk, Ledger, Trust
from simems_edge.commands.configuration import Configuration
from simems_edge.commands.diagnostics import RecentLog
from simems_edge.config import Site
from simems_edge.config.model import CloudSettings
from simems_edge.hmi import Access, House, HouseAlarms, LocalEdge, create_app, find_screens, hello, load_pin
from simems_edge.kit.side_by_side import end
from simems_edge.replay.live_recording import LiveRecording
from simems_edge.runtime import Runtime
from simems_edge.runtime.limit_record import Entry
from simems_edge.runtime.mqtt_desk import MqttDesk
from simems_edge.schedule import ScheduleStore
from simems_edge.sync import (
    About,
    Cloud,
    CloudClock,
    Identity,
    Partners,
    Provisioning,
    Pump,
    RecordedChannel,
    Uplink,
)

log = logging.getLogger(__name__)
JUDGE_S = 1.0
COMPACT_S = 60.0
RESTART_S = 1.0
PROOF_S, MOST_PROOFS = 1.0, 10_000
MEGABYTE = 1024 * 1024
Job = Callable[[], Coroutine[Any, Any, None]]


@dataclass(frozen=True)
class EdgeOptions:
    """What the command line adds to the site file."""

    data: Path
    clock: Clock
    pin: str | None = None
    hmi_port: int | None = None
    record: Path | None = None
    """INPUT.csv of a replay to write."""
    site_file: Path | None = None
    """Where the site came from; None: the cloud cannot give another one."""
    recent_log: RecentLog | None = None


async def run_edge(site: Site, options: EdgeOptions) -> bool:
    """Until SIGTERM or SIGINT, or until a part that must live ends. True: it shall be started anew."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        parts, tasks = await _compose(stack, site, options, stop)
        tasks.append(asyncio.create_task(stop.wait(), name="stop"))
        done, _ = await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
        log.info("stopping", extra={"because": ", ".join(task.get_name() for task in done)})
        Notifier().stopping()
        for task in done:
            task.result()
    return parts.box.again


async def _compose(
    stack: AsyncExitStack, site: Site, options: EdgeOptions, stop: asyncio.Event
) -> tuple[_Parts, list[asyncio.Task[Any]]]:
    """Started in order of need; the stack stops them in the opposite order."""
    listener = stack.enter_context(_listening(site.hmi.host, options.hmi_port or site.hmi.port))
    clock = options.clock
    now_us = _utc_of(clock)
    folder = options.data if site.buffer.path is None else Path(site.buffer.path)
    buffer = await Buffer.open(folder, now_us, site.buffer.max_size_mb * MEGABYTE)
    stack.push_async_callback(buffer.close)
    processes = site.controller_processes.enabled
    office = None if site.ocpp is None else ChargingOffice(options.data)
    runtime = Runtime(
        site, clock=clock, bridges=bridges_of(site, options.data, office), data=options.data, processes=processes
    )
    if options.record is not None:
        recording = LiveRecording(runtime, options.record)
        recording.start()
        stack.callback(recording.stop)
    parts = _Parts(site, options, runtime, buffer, now_us, office, stop)
    stack.push_async_callback(parts.pump.flush)
    runtime.on_event = parts.pump.add_event
    # Ends last: while cycles complete, systemd hears so, also during a slow stop.
    watched = stack.enter_context(ExitStack())
    await asyncio.to_thread(runtime.start)
    stack.push_async_callback(asyncio.to_thread, runtime.stop)
    tasks = [await stack.enter_async_context(_running(_kept_alive(job, name), name)) for name, job in parts.jobs()]
    server = await stack.enter_async_context(_serving(parts.application(), listener))
    beat = Notifier().watch(runtime.cycle, site.cycle.period_s / clock.speed)
    if beat is not None:
        watched.callback(beat.stop)
    log.info("edge runs", extra={"site": site.site.id, "port": listener.getsockname()[1]})
    return parts, [*tasks, server]


def _utc_of(clock: Clock) -> Callable[[], int]:
    def utc_us() -> int:
        return clock.utc_us(clock.now_ns())

    return utc_us


class _Parts:
    """The parts of one edge that live on the event loop."""

    def __init__(
        self,
        site: Site,
        options: EdgeOptions,
        runtime: Runtime,
        buffer: Buffer,
        now_us: Callable[[], int],
        office: ChargingOffice | None,
        stop: asyncio.Event,
    ) -> None:
        self._runtime, self._buffer, self._site, self._options = runtime, buffer, site, options
        self._now_us, self._office = now_us, office
        self.house = HouseAlarms(on_event=self._record, now_us=now_us)
        self.pump = Pump(
            runtime.recorder,
            [RecordedChannel(c.address, c.kind, c.resolution) for c in runtime.channels],
            runtime.clock,
            buffer,
            flush_s=site.recorder.flush_s / options.clock.speed,
            on_fault=self.house.fault,
        )
        self.identity = Identity(options.data)
        site_file = options.site_file or options.data / "site.yaml"
        self.box = EdgeBox(site_file, self.identity, options.recent_log, stop)
        self.configuration = Configuration(site_file, options.data, problems_of(site.site.id))
        self.cloud_clock = CloudClock()
        self.desk = self._desk()
        self.uplink = self._uplink()
        self.edge = LocalEdge(
            runtime,
            buffer,
            self.uplink,
            self.house,
            record=self._record,
            identity=self.identity,
            limits=limit_list(options.data, self.identity),
        )
        self.box.edge = self.edge
        self.configuration.checks = self.edge.trial_checks
        self.desk.decide_begun(self.configuration)

    def _record(self, event: wire.Event) -> None:
        self.pump.add_event(event)

    def _desk(self) -> CommandDesk:
        data = self._options.data
        store = None if self._runtime.schedule is None else ScheduleStore(data)
        actions = Actions(self._runtime, self.box, self.configuration, store)
        return CommandDesk(
            Trust(data), Ledger(data), actions, self.cloud_clock, record=self._record, utc_us=self._now_us
        )

    def _uplink(self) -> Uplink | None:
        cloud = self._site.cloud
        if cloud is None:
            return None
        return Uplink(
            self._buffer,
            cloud_of(cloud),
            self.identity.keys,
            lambda status, time_us: hello(
                self._runtime,
                sequence=status.last_sequence,
                oldest=status.oldest_sequence,
                time_us=time_us,
                signing_key=self.identity.signing_public,
            ),
            utc_us=self._now_us,
            on_refused=self.house.refused,
            partners=Partners(
                Provisioning(self.identity, About(version("simems-edge")), settles=False),
                self.desk,
                self.cloud_clock,
                self.identity.signing_key,
            ),
        )

    def _prices(self) -> PriceFeed:
        runtime = self._runtime
        return PriceFeed(
            self._site,
            runtime.image,
            runtime.clock,
            self._options.data,
            time_known=lambda: runtime.wall_clock.known,
            on_problem=runtime.reports.problem,
            on_clear=runtime.reports.clear,
        )

    def _gateway(self) -> MqttGateway:
        runtime = self._runtime
        return MqttGateway(
            self._site,
            runtime.image,
            runtime.clock,
            self._options.data,
            MqttDesk(runtime),
            on_problem=runtime.reports.problem,
            on_clear=runtime.reports.clear,
        )

    def jobs(self) -> Iterator[tuple[str, Job]]:
        yield "pump", self.pump.run
        yield "house", self._watch_house
        yield "compaction", self._compact
        yield "trial", self._judge_trial
        yield "proof", self._keep_proof
        if self.uplink is not None:
            yield "commands", self.desk.run
            yield "uplink", self.uplink.run
        if self._site.prices is not None:
            yield "prices", self._prices().run
        if self._site.mqtt is not None and self._site.mqtt.publish is not None:
            yield "mqtt", self._gateway().run

    async def _keep_proof(self) -> None:
        """Once a second: what the disk refuses is tried again, the newest are kept."""
        book = await asyncio.to_thread(book_of, self._options.data, self.identity, self._site.site.id)
        waiting: deque[Entry] = deque(maxlen=MOST_PROOFS)
        while True:
            waiting.extend(self._runtime.limit_record.take())
            try:
                if self.identity.unsettled:
                    await asyncio.to_thread(handed_over, book, self.identity, self._now_us())
                await asyncio.to_thread(book.append, list(waiting))
                waiting.clear()
            except OSError as error:
                log.error("the record of limits cannot be written", extra={"reason": str(error)})  # noqa: TRY400
            await asyncio.sleep(PROOF_S)

    async def _judge_trial(self) -> None:
        await judge_trial(self.configuration, self.desk, self.box)

    def application(self) -> FastAPI:
        access = Access(load_pin(self._options.data, self._options.pin))
        return create_app(self.edge, access, find_screens(), self._office)

    async def _compact(self) -> None:
        while True:
            await asyncio.sleep(COMPACT_S)
            try:
                await self._buffer.compact()
            except StorageError as error:
                log.warning("buffer not compacted", extra={"reason": str(error)})

    async def _watch_house(self) -> None:
        while True:
            status = self.uplink.status if self.uplink else None
            link, error = (status.link, status.error) if status else ("unconfigured", "")
            self.house.judge(House(self._buffer.writable, link, error))
            await asyncio.sleep(JUDGE_S)


def cloud_of(settings: CloudSettings) -> Cloud:
    """Where and how the uplink connects."""
    files = None if settings.certificate is None else (settings.certificate, settings.certificate_key or "")
    return Cloud(settings.endpoint, settings.server_key or "", settings.ca_file, files)


@contextmanager
def _listening(host: str, port: int) -> Iterator[socket.socket]:
    try:
        listener = socket.create_server((host, port), reuse_port=False)
    except OSError as error:
        raise BadInputError(
            f"hmi.port: {host}:{port}: cannot listen there ({error.strerror}); free the port or change hmi.port"
        ) from error
    with listener:
        yield listener


async def _kept_alive(job: Job, name: str) -> None:
    """A part that fails is started again; the control goes on meanwhile."""
    while True:
        try:
            await job()
        except Exception:
            log.exception("a part failed and is started again", extra={"part": name})
        await asyncio.sleep(RESTART_S)


@asynccontextmanager
async def _running(job: Coroutine[Any, Any, None], name: str) -> AsyncIterator[asyncio.Task[None]]:
    """Cancelled at the end; what it raises is raised by whoever waits for it first."""
    task = asyncio.create_task(job, name=name)
    try:
        yield task
    finally:
        await end(task)
        with suppress(asyncio.CancelledError):
            task.result()


class _Server(uvicorn.Server):
    """Leaves the signals to the process."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _serving(application: FastAPI, listener: socket.socket) -> AsyncIterator[asyncio.Task[None]]:
    config = uvicorn.Config(
        application,
        log_config=None,
        access_log=False,
        timeout_graceful_shutdown=2,
        ws_ping_interval=10.0,
        lifespan="off",
    )
    server = _Server(config)
    task = asyncio.create_task(server.serve(sockets=[listener]), name="hmi")
    try:
        yield task
    finally:
        server.should_exit = True
        await task

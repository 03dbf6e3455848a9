"""One device behind a link: found, checked, polled, written; and found again after every failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from simems_core import Clock, ProcessImage

from simems_edge.bridges.modbus import discovery
from simems_edge.bridges.modbus.actuator import ActuatorWriter
from simems_edge.bridges.modbus.breaker import CircuitBreaker
from simems_edge.bridges.modbus.errors import DeviceError, RefusedError, UnsuitableError
from simems_edge.bridges.modbus.link import ModbusLink
from simems_edge.bridges.modbus.plan import Schedule, model_registers, spans
from simems_edge.bridges.modbus.publisher import Publisher
from simems_edge.bridges.modbus.reporter import Reporter
from simems_edge.bridges.modbus.setpoints import SetpointStore
from simems_edge.config import Component
from simems_edge.devices.definition import has_definition, load_definition
from simems_edge.devices.mapping import read_plan
from simems_edge.devices.profile import Profile
from simems_edge.devices.sunspec import ModelBlock, Value, decode_model

_LOG = logging.getLogger(__name__)
_CLOSING_S = 0.5
NANOSECONDS = 1e-9


def _raise_when_cancelled() -> None:
    """A cancellation in the same moment as an answer is lost in Python 3.11's ``wait_for`` (used by pymodbus)."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every device of a bridge shares."""

    image: ProcessImage
    clock: Clock
    store: SetpointStore
    random: Callable[[], float]


class ModbusDevice:
    def __init__(
        self, component: Component, profile: Profile, link: ModbusLink, around: Surroundings, reporter: Reporter
    ) -> None:
        connection = component.connection.modbus_tcp
        self.id = component.id
        self.answering = False
        self.woken = asyncio.Event()
        self._unit, self._timeout_s = connection.unit, connection.timeout_s
        self._profile, self._link, self._around, self._reporter = profile, link, around, reporter
        self._communication = around.image.find(f"{component.id}/communication")
        self._publisher = Publisher(component.id, profile, around.image)
        self._breaker = CircuitBreaker(around.random)
        self._writers = [
            ActuatorWriter(f"{component.id}/{channel.name}", channel, around.store, reporter)
            for channel in profile.channels
            if channel.settable
        ]
        self._refused: set[int] = set()
        self._layout: dict[int, ModelBlock] = {}
        self._models: dict[int, dict[str, Value]] = {}

    # ---- life

    async def run(self) -> None:
        """Until cancelled; then the device is handed back to itself."""
        try:
            while True:
                _raise_when_cancelled()
                await self._attempt()
                await asyncio.sleep(self._breaker.wait_s())
        finally:
            await self._release()

    async def _attempt(self) -> None:
        try:
            await self._session()
        except UnsuitableError as error:
            self._breaker.trip()
            self._lost(error.code, str(error))
        except DeviceError as error:
            self._breaker.failure()
            if self._breaker.open:
                self._lost(error.code, str(error))
        except (ValueError, LookupError, TypeError) as error:
            _LOG.exception("unexpected data from %s", self.id)
            self._breaker.trip()
            self._lost("device_data", f"the device's data cannot be understood: {type(error).__name__}")

    async def _session(self) -> None:
        """One connection's life: ends only by an error."""
        await self._find()
        plan = {m: s for m, s in read_plan(self._profile, self._layout).items() if has_definition(m)}
        await self._read_models(list(plan), first=True)
        schedule = Schedule(plan, self._now_s())
        for writer in self._writers:
            writer.new_session()
        while True:
            _raise_when_cancelled()
            await self._poll(schedule.take(self._now_s()))
            self.woken.clear()
            await self._serve_setpoints()
            await self._wait(schedule.next_s)

    async def _find(self) -> None:
        self._models = {}
        self._refused.clear()
        self._layout = await discovery.discover(self._read)
        discovery.check_profile(self._profile, self._layout)
        await discovery.check_speed(self._read, self._layout, self._around.clock.speed)

    async def _wait(self, until_s: float) -> None:
        host_s = max((until_s - self._now_s()) / self._around.clock.speed, 0.0)
        try:
            async with asyncio.timeout(min(host_s, 1.0)):
                await self.woken.wait()
        except TimeoutError:
            return

    # ---- reading

    async def _poll(self, due: Sequence[int]) -> None:
        if not due:
            return
        try:
            await self._read_models(due)
        except RefusedError as error:
            self._refused.update(due)
            self._reporter.problem(error.code, str(error))
            return
        self._refused.difference_update(due)

    async def _read_models(self, models: Sequence[int], *, first: bool = False) -> None:
        blocks = [self._layout[model] for model in models]
        words: dict[int, int] = {}
        arrived_ns: dict[int, int] = {}
        for span in spans(blocks):
            registers = await self._read(span.address, span.count)
            now_ns = self._around.clock.now_ns()
            words.update(zip(range(span.address, span.end), registers, strict=True))
            arrived_ns.update({b.id: now_ns for b in blocks if span.address <= b.address < span.end})
        for block in blocks:
            self._models[block.id] = decode_model(load_definition(block.id), model_registers(block, words))
        if first:
            self._publisher.bind(self._layout, self._models)
        self._publisher.publish(models, self._models, arrived_ns)
        self._answered()

    async def _read(self, address: int, count: int) -> list[int]:
        return await self._link.read(self._unit, address, count, self._timeout_s)

    # ---- writing

    async def _serve_setpoints(self) -> None:
        for writer in self._writers:
            try:
                armed = await writer.serve(self._layout, self._models, self._read, self._write, self._now_s())
            except RefusedError as error:
                self._reporter.problem("setpoint_refused", f"{writer.address}: {error}")
                continue
            self._reporter.clear("setpoint_refused")
            if armed:
                await self._read_models(self._written_models(writer))

    def _written_models(self, writer: ActuatorWriter) -> list[int]:
        points = [sink.sunspec for sink in writer.channel.write if sink.sunspec]
        return [next(m for p in points for m in p.models if m in self._layout)]

    async def _write(self, address: int, registers: Sequence[int]) -> None:
        await self._link.write(self._unit, address, registers, self._timeout_s)

    async def _release(self) -> None:
        try:
            async with asyncio.timeout(_CLOSING_S):
                for writer in self._writers:
                    if self.answering:
                        await writer.release(self._layout, self._write)
        except (DeviceError, TimeoutError, ValueError):
            _LOG.info("%s could not be handed back to itself; its own watchdog ends the setpoint", self.id)

    # ---- telling

    def _now_s(self) -> float:
        return self._around.clock.now_ns() * NANOSECONDS

    def _answered(self) -> None:
        self._breaker.success()
        self._reporter.clear(
            "communication_lost", "wrong_answer", "not_sunspec", "profile_mismatch", "clock_speed",
            "device_data",
        )  # fmt: skip
        if not self._refused:
            self._reporter.clear(RefusedError.code)
        if not self.answering:
            self.answering = True
            self.publish_communication()

    def _lost(self, code: str, text: str) -> None:
        self._reporter.problem(code, text)
        self.answering = False
        self.publish_communication()

    def publish_communication(self) -> None:
        """Now, whether the bridge talks to the device."""
        if self._communication is not None:
            self._around.image.publish(self._communication, float(self.answering), self._around.clock.now_ns())

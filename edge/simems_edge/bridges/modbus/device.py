"""One device behind a link: found, checked, polled, written; and found again after every failure."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from dataclasses import dataclass

from simems_core import Clock, ProcessImage

from simems_edge.bridges.connection import ConnectionState
from simems_edge.bridges.modbus import discovery
from simems_edge.bridges.modbus.actuator import ActuatorWriter
from simems_edge.bridges.modbus.breaker import CircuitBreaker
from simems_edge.bridges.modbus.errors import DeviceError, ForbiddenError, RefusedError, UnsuitableError
from simems_edge.bridges.modbus.link import ModbusLink
from simems_edge.bridges.modbus.plan import Schedule, Span, Words, serves, spans
from simems_edge.bridges.modbus.publisher import Publisher
from simems_edge.bridges.modbus.reporter import Reporter
from simems_edge.bridges.modbus.setpoints import SetpointStore
from simems_edge.config import Component
from simems_edge.devices.numbers import Block
from simems_edge.devices.profile import Profile
from simems_edge.devices.tables import Table
from simems_edge.devices.view import DeviceView, Write

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
        self,
        component: Component,
        profile: Profile,
        link: ModbusLink,
        around: Surroundings,
        reporter: Reporter,
        *,
        shared: bool = False,
    ) -> None:
        """``shared``: other units speak over the same link."""
        connection = component.connection.modbus
        self.id = component.id
        self.answering = False
        self._told: ConnectionState | None = None
        self.woken = asyncio.Event()
        self._unit, self._timeout_s = connection.unit, connection.timeout_s
        self._profile, self._link, self._around, self._reporter = profile, link, around, reporter
        self._communication = around.image.find(f"{component.id}/communication")
        self._publisher = Publisher(component.id, profile, around.image)
        self._state = around.image.find(f"{component.id}/connection_state")
        self._breaker = CircuitBreaker(around.random, link.cost_s(self._timeout_s) if shared else 0.0)
        self._writers = [
            ActuatorWriter(f"{component.id}/{channel.name}", channel, around.store, reporter)
            for channel in profile.channels
            if channel.settable
        ]
        self._view: DeviceView | None = None
        self._refused: tuple[str, ...] = ()
        self._asked: dict[tuple[Block, ...], list[tuple[Span, list[Block]]]] = {}

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
            else:
                self.publish_communication()
        except (ValueError, LookupError, TypeError) as error:
            _LOG.exception("unexpected data from %s", self.id)
            self._breaker.trip()
            self._lost("device_data", f"the device's data cannot be understood: {type(error).__name__}")

    async def _session(self) -> None:
        """One connection's life: ends only by an error."""
        self._refused = ()
        self._asked = {}
        view = self._view = await discovery.find(self._read, self._profile, self._around.clock.speed)
        blocks = await self._first_read(view)
        schedule = Schedule({block: block.poll_s for block in blocks}, self._now_s())
        for writer in self._writers:
            writer.new_session()
        while True:
            _raise_when_cancelled()
            await self._poll(view, schedule.take(self._now_s()))
            self.woken.clear()
            await self._serve_setpoints(view)
            await self._wait(schedule.next_s)

    async def _first_read(self, view: DeviceView) -> list[Block]:
        """Everything once. Leaves what is worth polling: all but what the device refused of optional channels."""
        refused = await self._read_blocks(view, view.blocks)
        if must := [text for block, text in refused.items() if not block.apart]:
            raise RefusedError(must[0])
        view.bind()
        kept = [block for block in view.blocks if block not in refused]
        if not kept:
            raise RefusedError("the device refused every register of the profile")
        self._publisher.publish(view, kept, dict.fromkeys(kept, self._around.clock.now_ns()))
        return kept

    async def _wait(self, until_s: float) -> None:
        host_s = max((until_s - self._now_s()) / self._around.clock.speed, 0.0)
        try:
            async with asyncio.timeout(min(host_s, 1.0)):
                await self.woken.wait()
        except TimeoutError:
            return

    # ---- reading

    async def _poll(self, view: DeviceView, due: tuple[Block, ...]) -> None:
        if not due:
            return
        refused = await self._read_blocks(view, due)
        self._refused = tuple(refused.values())
        if self._refused:
            self._reporter.problem(RefusedError.code, self._refused[0])
        else:
            self._reporter.clear(RefusedError.code)

    async def _read_blocks(self, view: DeviceView, blocks: tuple[Block, ...]) -> dict[Block, str]:
        """Reads and publishes; leaves the blocks that the device refused, with what it said."""
        words, arrived_ns, refused = Words(), dict[Block, int](), dict[Block, str]()
        for span, inside in self._requests(blocks):
            try:
                words.add(span, await self._read(span.unit, span.table, span.address, span.count))
            except RefusedError as error:
                refused |= dict.fromkeys(inside, str(error))
                continue
            now_ns = self._around.clock.now_ns()
            for block in inside:
                arrived_ns.setdefault(block, now_ns)
        got = [block for block in blocks if block not in refused]
        for block in got:
            if (found := words.of(block)) is not None:
                view.update(block, found)
        for block in refused:
            view.forget(block)
        self._publisher.publish(view, got, arrived_ns)
        self._answered()
        return refused

    def _requests(self, blocks: tuple[Block, ...]) -> list[tuple[Span, list[Block]]]:
        """The requests for these blocks, and which blocks each serves. Worked out once."""
        if blocks not in self._asked:
            self._asked[blocks] = [
                (span, [block for block in blocks if serves(span, block)])
                for span in spans(blocks, self._profile.max_registers)
            ]
        return self._asked[blocks]

    async def _read(self, unit: int | None, table: Table, address: int, count: int) -> list[int]:
        asked = self._unit if unit is None else unit
        return await self._link.read(asked, table, address, count, self._timeout_s)

    # ---- writing

    async def _serve_setpoints(self, view: DeviceView) -> None:
        for writer in self._writers:
            try:
                armed = await writer.serve(view, self._read_back, self._write, self._now_s())
            except (RefusedError, ForbiddenError) as error:
                self._reporter.problem("setpoint_refused", f"{writer.address}: {error}")
                continue
            self._reporter.clear("setpoint_refused")
            if armed:
                await self._read_blocks(view, tuple(view.written_blocks(writer.channel)))

    async def _read_back(self, row: Write) -> list[int]:
        return await self._read(row.unit, row.table, row.address, len(row.registers))

    async def _write(self, row: Write) -> None:
        """The last gate: what the profile does not list is never sent."""
        if self._view is None or row.area not in self._view.allowed():
            raise ForbiddenError(f"register {row.address} is not among those that profile {self._profile.id} writes")
        unit = self._unit if row.unit is None else row.unit
        await self._link.write(unit, row.table, row.address, row.registers, self._timeout_s, single=row.single)

    async def _release(self) -> None:
        view = self._view
        try:
            async with asyncio.timeout(_CLOSING_S):
                for writer in self._writers:
                    if self.answering and view is not None:
                        await writer.release(view, self._write)
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
        if not self.answering or self._told != self._breaker.state:
            self.answering = True
            self.publish_communication()

    def _lost(self, code: str, text: str) -> None:
        self._reporter.problem(code, text)
        self.answering = False
        self.publish_communication()

    def publish_communication(self) -> None:
        """Now, whether the bridge talks to the device, and what it does about it."""
        now_ns, self._told = self._around.clock.now_ns(), self._breaker.state
        for handle, value in ((self._communication, float(self.answering)), (self._state, float(self._told))):
            if handle is not None:
                self._around.image.publish(handle, value, now_ns)

"""One device behind a link: found, checked, polled, written; and found again after every failure."""

from __future__ import annotations

import asyncio
import logging

from simems_edge.bridges.breaker import CircuitBreaker
from simems_edge.bridges.connection import ConnectionState
from simems_edge.bridges.errors import DeviceError, ForbiddenError, RefusedError, UnsuitableError
from simems_edge.bridges.modbus import discovery
from simems_edge.bridges.modbus.actuator import ActuatorWriter
from simems_edge.bridges.modbus.link import ModbusLink
from simems_edge.bridges.modbus.publisher import Publisher
from simems_edge.bridges.modbus.reading import BlockReader, Round
from simems_edge.bridges.poll_schedule import Schedule
from simems_edge.bridges.reporter import Reporter
from simems_edge.bridges.surroundings import NANOSECONDS, Surroundings
from simems_edge.config import Component
from simems_edge.devices.numbers import Block
from simems_edge.devices.profile import Profile
from simems_edge.devices.tables import Table
from simems_edge.devices.view import DeviceView, Write

_LOG = logging.getLogger(__name__)
_CLOSING_S = 0.5


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
        settle_s: float = 0.0,
    ) -> None:
        """``shared``: other units speak over the same link. ``settle_s``: so long after the first reading of its life
        nothing is written: what was asked for before anybody knew the device (a breaker closed, three phases) is of
        no use to it."""
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
        self._settle_s = settle_s
        self._known_s: float | None = None
        """Since when."""

    # ---- life

    def wake(self) -> None:
        """A setpoint is in the store."""
        self.woken.set()

    async def run(self) -> None:
        """Until cancelled; then the device is handed back to itself."""
        try:
            while True:
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
        view = self._view = await discovery.find(self._read, self._profile, self._around.clock.speed)
        reader = BlockReader(view, self._read, self._around.clock.now_ns)
        first = await reader.read_all()
        self._took(view, first)
        self._known_s = self._now_s() if self._known_s is None else self._known_s
        self._tell_refused(first)
        schedule = Schedule({block: block.poll_s for block in first.read}, self._now_s())
        for writer in self._writers:
            writer.new_session()
        while True:
            await self._poll(view, reader, schedule.take(self._now_s()))
            self.woken.clear()
            await self._serve_setpoints(view, reader)
            await self._wait(schedule.next_s)

    async def _wait(self, until_s: float) -> None:
        host_s = max((until_s - self._now_s()) / self._around.clock.speed, 0.0)
        try:
            async with asyncio.timeout(min(host_s, 1.0)):
                await self.woken.wait()
        except TimeoutError:
            return

    # ---- reading

    async def _poll(self, view: DeviceView, reader: BlockReader, due: tuple[Block, ...]) -> None:
        if not due:
            return
        got = await reader.read(due)
        self._took(view, got)
        if must := got.must():
            self._reporter.problem(RefusedError.code, must[0])
        else:
            self._reporter.clear(RefusedError.code)

    def _tell_refused(self, first: Round) -> None:
        """What this device does not have, although the profile does not call it optional: left alone, and told."""
        if must := first.must():
            self._reporter.problem("registers_refused", f"{must[0]}; its channels are missing, the others are read")
        else:
            self._reporter.clear("registers_refused")

    def _took(self, view: DeviceView, got: Round) -> None:
        """The device answered: its values go into the image."""
        self._publisher.publish(view, got.read, got.arrived_ns)
        self._answered()

    async def _read(self, unit: int | None, table: Table, address: int, count: int) -> list[int]:
        asked = self._unit if unit is None else unit
        return await self._link.read(asked, table, address, count, self._timeout_s)

    # ---- writing

    async def _serve_setpoints(self, view: DeviceView, reader: BlockReader) -> None:
        if self._known_s is None or self._now_s() - self._known_s < self._settle_s:
            return
        for writer in self._writers:
            try:
                armed = await writer.serve(view, self._read_back, self._write, self._now_s())
            except (RefusedError, ForbiddenError) as error:
                self._reporter.problem("setpoint_refused", f"{writer.address}: {error}")
                continue
            self._reporter.clear("setpoint_refused")
            if armed:
                self._took(view, await reader.read(tuple(view.written_blocks(writer.channel))))

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

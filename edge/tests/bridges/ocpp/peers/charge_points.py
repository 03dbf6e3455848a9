"""Charging stations built on the client side of the ``ocpp`` package: independent of what they are to prove.

They keep charging profiles as the standard has it (highest stack level that is valid now, TxProfile above
TxDefaultProfile, the station's maximum above all) and count the energy that their car takes.
"""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from ocpp import messages
from ocpp.routing import after, on
from ocpp.v16 import ChargePoint as ClientBase16
from ocpp.v16 import call as call16
from ocpp.v16 import call_result as result16
from ocpp.v201 import ChargePoint as ClientBase201
from ocpp.v201 import call as call201
from ocpp.v201 import call_result as result201

messages.ASYNC_VALIDATION = False
"""Threads would make simulated time jump while they work."""
VOLTAGE_V = 230.0


@dataclass
class Profile:
    purpose: str
    stack: int
    limit_a: float
    transaction: str | None
    start: datetime | None
    duration_s: float | None

    def valid(self, now: datetime) -> bool:
        if self.start is None or self.duration_s is None:
            return True
        return self.start <= now < self.start + timedelta(seconds=self.duration_s)


@dataclass
class Outlet:
    """One connector with at most one car."""

    number: int
    utc: Callable[[], datetime]
    seconds: Callable[[], float]
    car_a: float = 32.0
    phases: int = 3
    profiles: dict[int, Profile] = field(default_factory=dict)
    plugged: bool = False
    transaction: str | None = None
    meter_wh: float = 1000.0
    factory_a: float = 32.0
    """Without any profile."""
    follow_s: float = 3.0
    """How long the car takes to do what it is allowed."""
    _drawn_a: float = 0.0
    _target: tuple[float, float] = (0.0, 0.0)
    _counted_s: float | None = None

    def allowed_a(self) -> float:
        now = self.utc()
        valid = [one for one in self.profiles.values() if one.valid(now)]
        own = [one for one in valid if one.purpose == "TxProfile" and one.transaction == self.transaction]
        default = [one for one in valid if one.purpose == "TxDefaultProfile"]
        chosen = max(own or default, key=lambda one: one.stack, default=None)
        return self.factory_a if chosen is None else chosen.limit_a

    def draws_a(self) -> float:
        """Per phase. A car follows what it is allowed after a while; below 6 A it takes nothing."""
        now_s = self.seconds()
        allowed_a = self.allowed_a() if self.plugged and self.transaction is not None else 0.0
        wish_a = min(allowed_a, self.car_a) if allowed_a >= 6.0 else 0.0
        if wish_a != self._target[0]:
            self._target = (wish_a, now_s + self.follow_s)
        if not self.plugged or self.transaction is None:
            self._drawn_a = 0.0
        elif now_s >= self._target[1]:
            self._drawn_a = self._target[0]
        self._count(now_s)
        return self._drawn_a

    def power_w(self) -> float:
        return self.draws_a() * self.phases * VOLTAGE_V

    def _count(self, now_s: float) -> None:
        if self._counted_s is not None:
            self.meter_wh += self._drawn_a * self.phases * VOLTAGE_V * (now_s - self._counted_s) / 3600.0
        self._counted_s = now_s

    def samples(self) -> list[tuple[str, float, str | None, str]]:
        drawn_a = self.draws_a()
        rows: list[tuple[str, float, str | None, str]] = [
            ("Energy.Active.Import.Register", self.meter_wh, None, "Wh"),
            ("Power.Active.Import", self.power_w(), None, "W"),
        ]
        return rows + [("Current.Import", drawn_a, f"L{phase}", "A") for phase in range(1, self.phases + 1)]


def iso(time: datetime) -> str:
    return time.isoformat(timespec="seconds").replace("+00:00", "Z")


class Station:
    """What both versions share. ``wrong_clock``: how far its clock is off."""

    def __init__(
        self,
        identity: str,
        connectors: int = 1,
        *,
        utc: Callable[[], datetime] | None = None,
        seconds: Callable[[], float] | None = None,
        wrong_clock: timedelta = timedelta(0),
    ) -> None:
        self.identity = identity
        own = utc or (lambda: datetime.now(UTC))
        self.utc = lambda: own() + wrong_clock
        monotonic = seconds or (lambda: asyncio.get_running_loop().time())
        self.outlets = {n: Outlet(n, self.utc, monotonic) for n in range(1, connectors + 1)}
        self.heard: list[tuple[str, Any]] = []
        self.changed = asyncio.Event()
        self.maximum_a: float | None = None
        self.before_answer: Callable[[str], Any] | None = None
        """Awaited before a request is answered: to be late, or to fail."""
        self.tells_meter: Callable[[Any], Any] | None = None
        """Awaited with the client after it was asked for meter values."""

    async def noted(self, action: str, payload: Any) -> None:
        self.heard.append((action, payload))
        self.changed.set()
        if self.before_answer is not None:
            await self.before_answer(action)

    def take(self, connector: int, number: int, profile: Profile) -> str:
        self.changed.set()
        if profile.purpose in {"ChargePointMaxProfile", "ChargingStationMaxProfile"}:
            assert connector == 0
            self.maximum_a = profile.limit_a
            return "Accepted"
        outlet = self.outlets[connector]
        if profile.purpose == "TxProfile" and profile.transaction != outlet.transaction:
            return "Rejected"
        outlet.profiles[number] = profile
        return "Accepted"

    async def triggered(self, client: Any, requested: str) -> None:
        if requested == "MeterValues" and self.tells_meter is not None:
            await self.tells_meter(client)

    async def until(self, true: Callable[[], bool], within_s: float = 10.0) -> None:
        async with asyncio.timeout(within_s):
            while not true():
                self.changed.clear()
                try:
                    async with asyncio.timeout(0.02):
                        await self.changed.wait()
                except TimeoutError:
                    continue


class Client16(ClientBase16):  # type: ignore[misc]
    def __init__(self, station: Station, connection: Any, answer_s: float = 5.0) -> None:
        super().__init__(station.identity, connection, response_timeout=answer_s)
        self.station = station

    async def boot(self) -> Any:
        return await self.call(call16.BootNotification("Model", "Maker", firmware_version="1.0"), suppress=False)

    async def say_status(self, connector: int, status: str) -> None:
        now = iso(self.station.utc())
        await self.call(call16.StatusNotification(connector, "NoError", status, timestamp=now), suppress=False)

    async def authorise(self, tag: str) -> str:
        answer = await self.call(call16.Authorize(tag), suppress=False)
        return str(answer.id_tag_info["status"])

    async def start_transaction(self, connector: int, tag: str, at: datetime | None = None) -> str:
        outlet = self.station.outlets[connector]
        request = call16.StartTransaction(connector, tag, round(outlet.meter_wh), iso(at or self.station.utc()))
        answer = await self.call(request, suppress=False)
        outlet.transaction = str(answer.transaction_id)
        return outlet.transaction

    async def stop_transaction(self, transaction: str, meter_wh: float, at: datetime | None = None) -> None:
        time = iso(at or self.station.utc())
        await self.call(call16.StopTransaction(round(meter_wh), time, int(transaction), "Local"), suppress=False)

    async def meter(self, connector: int) -> None:
        outlet = self.station.outlets[connector]
        rows = [
            {"value": f"{value:.1f}", "measurand": name, "unit": unit} | ({"phase": phase} if phase else {})
            for name, value, phase, unit in outlet.samples()
        ]
        number = None if outlet.transaction is None else int(outlet.transaction)
        values = [{"timestamp": iso(self.station.utc()), "sampledValue": rows}]
        await self.call(call16.MeterValues(connector, values, transaction_id=number), suppress=False)

    async def beat(self) -> None:
        await self.call(call16.Heartbeat(), suppress=False)

    @on("SetChargingProfile")
    async def _profile(self, connector_id: int, cs_charging_profiles: dict[str, Any]) -> Any:
        await self.station.noted("SetChargingProfile", (connector_id, cs_charging_profiles))
        schedule = cs_charging_profiles["charging_schedule"]
        number = cs_charging_profiles.get("transaction_id")
        profile = _profile_of(cs_charging_profiles, schedule, None if number is None else str(number))
        status = self.station.take(connector_id, cs_charging_profiles["charging_profile_id"], profile)
        return result16.SetChargingProfile(status)

    @on("ChangeConfiguration")
    async def _configure(self, key: str, value: str) -> Any:
        await self.station.noted("ChangeConfiguration", (key, value))
        return result16.ChangeConfiguration("Accepted" if key != "AllowOfflineTxForUnknownId" else "NotSupported")

    @on("SendLocalList")
    async def _list(self, list_version: int, update_type: str, local_authorization_list: list[Any]) -> Any:
        await self.station.noted("SendLocalList", local_authorization_list)
        return result16.SendLocalList("Accepted")

    @on("TriggerMessage")
    async def _trigger(self, requested_message: str, connector_id: int | None = None) -> Any:
        await self.station.noted("TriggerMessage", requested_message)
        return result16.TriggerMessage("Accepted")

    @after("TriggerMessage")
    async def _triggered(self, requested_message: str, connector_id: int | None = None) -> None:
        await self.station.triggered(self, requested_message)

    @on("RemoteStartTransaction")
    async def _remote_start(self, id_tag: str, connector_id: int) -> Any:
        await self.station.noted("RemoteStart", (connector_id, id_tag))
        return result16.RemoteStartTransaction("Accepted")

    @on("RemoteStopTransaction")
    async def _remote_stop(self, transaction_id: int) -> Any:
        await self.station.noted("RemoteStop", str(transaction_id))
        return result16.RemoteStopTransaction("Accepted")

    @on("Reset")
    async def _reset(self, type: str) -> Any:  # noqa: A002 - OCPP's word
        await self.station.noted("Reset", type)
        return result16.Reset("Accepted")

    @on("UpdateFirmware")
    async def _firmware(self, location: str, retrieve_date: str) -> Any:
        await self.station.noted("UpdateFirmware", location)
        return result16.UpdateFirmware()

    @on("GetDiagnostics")
    async def _diagnostics(self, location: str) -> Any:
        await self.station.noted("GetDiagnostics", location)
        return result16.GetDiagnostics(file_name="log.zip")


class Client201(ClientBase201):  # type: ignore[misc]
    def __init__(self, station: Station, connection: Any, answer_s: float = 5.0) -> None:
        super().__init__(station.identity, connection, response_timeout=answer_s)
        self.station = station
        self.sequence: dict[str, int] = {}

    async def boot(self) -> Any:
        request = call201.BootNotification({"model": "Model", "vendor_name": "Maker"}, "PowerUp")
        return await self.call(request, suppress=False)

    async def say_status(self, connector: int, status: str) -> None:
        status = status if status in {"Available", "Reserved", "Unavailable", "Faulted"} else "Occupied"
        request = call201.StatusNotification(iso(self.station.utc()), status, connector, 1)
        await self.call(request, suppress=False)

    async def authorise(self, tag: str) -> str:
        answer = await self.call(call201.Authorize({"id_token": tag, "type": "Central"}), suppress=False)
        return str(answer.id_token_info["status"])

    async def event(self, kind: str, connector: int, transaction: str, tag: str | None = None, **more: Any) -> Any:
        outlet = self.station.outlets[connector]
        number = more.pop("sequence", None)
        if number is None:
            number = self.sequence.get(transaction, -1) + 1
            self.sequence[transaction] = number
        request = call201.TransactionEvent(
            event_type=kind,
            timestamp=iso(more.pop("at", None) or self.station.utc()),
            trigger_reason="Authorized" if kind == "Started" else "MeterValuePeriodic",
            seq_no=number,
            transaction_info={"transaction_id": transaction, "charging_state": "Charging"},
            evse={"id": connector},
            id_token=None if tag is None else {"id_token": tag, "type": "Central"},
            meter_value=[{"timestamp": iso(self.station.utc()), "sampled_value": self._rows(outlet)}],
            **more,
        )
        return await self.call(request, suppress=False)

    def _rows(self, outlet: Outlet) -> list[dict[str, Any]]:
        return [
            {"value": value, "measurand": name, "unit_of_measure": {"unit": unit}} | ({"phase": phase} if phase else {})
            for name, value, phase, unit in outlet.samples()
        ]

    async def start_transaction(self, connector: int, tag: str, at: datetime | None = None) -> str:
        outlet = self.station.outlets[connector]
        outlet.transaction = str(uuid.uuid4())
        await self.event("Started", connector, outlet.transaction, tag, at=at)
        return outlet.transaction

    async def stop_transaction(self, transaction: str, meter_wh: float, at: datetime | None = None) -> None:
        connector = next(n for n, one in self.station.outlets.items() if one.transaction == transaction)
        await self.event("Ended", connector, transaction, at=at)

    async def meter(self, connector: int) -> None:
        transaction = self.station.outlets[connector].transaction
        if transaction is not None:
            await self.event("Updated", connector, transaction)

    async def beat(self) -> None:
        await self.call(call201.Heartbeat(), suppress=False)

    @on("SetChargingProfile")
    async def _profile(self, evse_id: int, charging_profile: dict[str, Any]) -> Any:
        await self.station.noted("SetChargingProfile", (evse_id, charging_profile))
        schedule = charging_profile["charging_schedule"][0]
        profile = _profile_of(charging_profile, schedule, charging_profile.get("transaction_id"))
        return result201.SetChargingProfile(self.station.take(evse_id, charging_profile["id"], profile))

    @on("SetVariables")
    async def _configure(self, set_variable_data: list[Any]) -> Any:
        await self.station.noted("SetVariables", set_variable_data)
        rows = [
            {"attribute_status": "Accepted", "component": row["component"], "variable": row["variable"]}
            for row in set_variable_data
        ]
        return result201.SetVariables(rows)

    @on("SendLocalList")
    async def _list(self, version_number: int, update_type: str, local_authorization_list: list[Any]) -> Any:
        await self.station.noted("SendLocalList", local_authorization_list)
        return result201.SendLocalList("Accepted")

    @on("TriggerMessage")
    async def _trigger(self, requested_message: str, evse: Any = None) -> Any:
        await self.station.noted("TriggerMessage", requested_message)
        return result201.TriggerMessage("Accepted")

    @after("TriggerMessage")
    async def _triggered(self, requested_message: str, evse: Any = None) -> None:
        await self.station.triggered(self, requested_message)

    @on("RequestStartTransaction")
    async def _remote_start(self, id_token: Any, remote_start_id: int, evse_id: int) -> Any:
        await self.station.noted("RemoteStart", (evse_id, id_token["id_token"]))
        return result201.RequestStartTransaction("Accepted")

    @on("RequestStopTransaction")
    async def _remote_stop(self, transaction_id: str) -> Any:
        await self.station.noted("RemoteStop", transaction_id)
        return result201.RequestStopTransaction("Accepted")

    @on("Reset")
    async def _reset(self, type: str) -> Any:  # noqa: A002 - OCPP's word
        await self.station.noted("Reset", type)
        return result201.Reset("Accepted")

    @on("UpdateFirmware")
    async def _firmware(self, request_id: int, firmware: Any) -> Any:
        await self.station.noted("UpdateFirmware", firmware["location"])
        return result201.UpdateFirmware("Accepted")

    @on("GetLog")
    async def _diagnostics(self, log_type: str, request_id: int, log: Any) -> Any:
        await self.station.noted("GetDiagnostics", log["remote_location"])
        return result201.GetLog("Accepted")


CLIENTS: dict[str, Any] = {"ocpp1.6": Client16, "ocpp2.0.1": Client201}
Client = Client16 | Client201


def _profile_of(body: dict[str, Any], schedule: dict[str, Any], transaction: str | None) -> Profile:
    start = schedule.get("start_schedule")
    limit = float(schedule["charging_schedule_period"][0]["limit"])
    phases = schedule["charging_schedule_period"][0].get("number_phases", 3)
    return Profile(
        purpose=body["charging_profile_purpose"],
        stack=body["stack_level"],
        limit_a=limit if schedule["charging_rate_unit"] == "A" else limit / VOLTAGE_V / phases,
        transaction=transaction,
        start=None if start is None else datetime.fromisoformat(start),
        duration_s=schedule.get("duration"),
    )

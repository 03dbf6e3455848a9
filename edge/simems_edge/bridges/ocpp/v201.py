"""OCPP 2.0.1: its messages to reports and values, orders to its requests. An EVSE counts as a connector."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, Final

from simems_edge.bridges.ocpp.measurands import ENERGY, measured
from simems_edge.bridges.ocpp.orders import (
    LIMIT_STACK,
    SAFE_STACK,
    Action,
    Configure,
    DefaultCurrent,
    Desk,
    GetDiagnostics,
    LocalList,
    Order,
    RemoteStart,
    RemoteStop,
    Reset,
    SessionCurrent,
    StationMaximum,
    Trigger,
    UpdateFirmware,
)
from simems_edge.bridges.ocpp.peer import Connection, Handler, Payload, Peer, RefusedError
from simems_edge.bridges.ocpp.sessions import Kind, Report
from simems_edge.bridges.ocpp.times import parse_us, text_of
from simems_edge.bridges.ocpp.unit import LimitUnit

VERSION: Final = "2.0.1"
SUBPROTOCOL: Final = "ocpp2.0.1"
_KINDS: Final[Mapping[str, Kind]] = {"Started": "started", "Updated": "updated", "Ended": "ended"}
_STATES: Final = {
    "Charging": "Charging", "EVConnected": "Preparing", "SuspendedEV": "SuspendedEV",
    "SuspendedEVSE": "SuspendedEVSE", "Idle": "Finishing",
}  # fmt: skip
_HEARD: Final = (
    "NotifyReport", "NotifyEvent", "NotifyMonitoringReport", "NotifyChargingLimit", "ClearedChargingLimit",
    "ReportChargingProfiles", "NotifyCustomerInformation", "NotifyDisplayMessages", "ReservationStatusUpdate",
)  # fmt: skip
_TRIGGERS: Final = {"DiagnosticsStatusNotification": "LogStatusNotification"}
_RFID: Final = re.compile(r"^(?:[0-9A-Fa-f]{8}|[0-9A-Fa-f]{14}|[0-9A-Fa-f]{20})$")


class Link201:
    """A station that speaks 2.0.1."""

    version = VERSION

    def __init__(
        self, station: str, connection: Connection, desk: Desk, unit: LimitUnit, *, answer_s: float, heartbeat_s: float
    ) -> None:
        self._station, self._desk, self._unit, self._heartbeat_s = station, desk, unit, heartbeat_s
        self._peer = Peer(connection, VERSION, self._handlers(), answer_s)
        self._requests_made = 0

    async def run(self) -> None:
        await self._peer.run()

    # ---- what the station says

    def _handlers(self) -> dict[str, Handler]:
        return {
            "BootNotification": self._boot,
            "Heartbeat": lambda _: {"currentTime": text_of(self._desk.utc_us())},
            "StatusNotification": self._status,
            "Authorize": lambda payload: {"idTokenInfo": self._token(payload["idToken"])},
            "TransactionEvent": self._transaction,
            "MeterValues": self._meter_values,
            "NotifyEVChargingNeeds": self._needs,
            "DataTransfer": lambda _: {"status": "UnknownVendorId"},
            "FirmwareStatusNotification": lambda payload: self._told("firmware", payload["status"]),
            "LogStatusNotification": lambda payload: self._told("diagnostics", payload["status"]),
            "SecurityEventNotification": lambda payload: self._told("security event", payload["type"]),
            **dict.fromkeys(_HEARD, lambda _: {}),
        }

    def _boot(self, payload: Payload) -> Payload:
        station = payload["chargingStation"]
        self._desk.booted(station["vendorName"], station["model"], station.get("firmwareVersion", ""))
        now = text_of(self._desk.utc_us())
        return {"status": "Accepted", "currentTime": now, "interval": round(self._heartbeat_s)}

    def _status(self, payload: Payload) -> Payload:
        self._desk.told_time(parse_us(payload["timestamp"]))
        status = payload["connectorStatus"]
        self._desk.status(payload["evseId"], status, "Faulted" if status == "Faulted" else "NoError")
        return {}

    def _transaction(self, payload: Payload) -> Payload:
        info, token = payload["transactionInfo"], payload.get("idToken")
        evse = payload.get("evse", {}).get("id", 0)
        if not payload.get("offline", False):
            self._desk.told_time(parse_us(payload["timestamp"]))
        session = self._desk.report(self._report(payload, evse))
        self._values(session.connector, payload.get("meterValue", ()))
        state = _STATES.get(info.get("chargingState", ""))
        if state is not None and session.open:
            self._desk.status(session.connector, state, "NoError")
        return {} if token is None else {"idTokenInfo": self._token(token)}

    def _report(self, payload: Payload, evse: int) -> Report:
        info, time_us = payload["transactionInfo"], parse_us(payload["timestamp"])
        return Report(
            station=self._station,
            connector=evse,
            kind=_KINDS[payload["eventType"]],
            identity=f"tx:{info['transactionId']}",
            time_us=self._desk.utc_us() if time_us is None else time_us,
            transaction=info["transactionId"],
            id_tag=payload.get("idToken", {}).get("idToken", ""),
            meter_wh=_energy_wh(payload.get("meterValue", ()), last=payload["eventType"] != "Started"),
            sequence=payload["seqNo"],
            reason=info.get("stoppedReason", ""),
        )

    def _meter_values(self, payload: Payload) -> Payload:
        self._values(payload["evseId"], payload["meterValue"])
        return {}

    def _values(self, evse: int, rows: Any) -> None:  # noqa: ANN401 - a list of the schema
        for row in rows:
            self._desk.told_time(parse_us(row["timestamp"]))
            self._desk.measured(evse, measured(row["sampledValue"]))

    def _needs(self, payload: Payload) -> Payload:
        needs = payload["chargingNeeds"]
        energy_wh = needs.get("acChargingParameters", {}).get("energyAmount")
        departure_us = parse_us(needs.get("departureTime"))
        self._desk.needs(payload["evseId"], None if energy_wh is None else float(energy_wh), departure_us)
        return {"status": "Accepted"}

    def _token(self, token: Payload) -> Payload:
        allowed = token["type"] == "NoAuthorization" or self._desk.allows(token["idToken"])
        return {"status": "Accepted" if allowed else "Invalid"}

    def _told(self, what: str, text: str) -> Payload:
        self._desk.told(what, text)
        return {}

    # ---- what it is asked

    async def ask(self, order: Order) -> None:
        if isinstance(order, Configure) and order.part > 0:
            return  # the first took all of them
        action, payload = self._request(order)
        answer = await self._peer.call(action, payload)
        status = answer.get("status", "Accepted")
        if status != "Accepted" and not isinstance(order, Configure | LocalList):
            raise RefusedError(f"{action}: {status}")

    def _request(self, order: Order) -> tuple[str, Payload]:
        match order:
            case DefaultCurrent() | StationMaximum() | SessionCurrent():
                return "SetChargingProfile", self._profile(order)
            case Configure():
                return "SetVariables", {"setVariableData": _variables(order)}
            case LocalList(version, tags):
                return "SendLocalList", _local_list(version, tags)
            case RemoteStart(connector, tag):
                self._requests_made += 1
                token = {"idToken": tag, "type": _token_type(tag)}
                payload = {"remoteStartId": self._requests_made, "idToken": token, "evseId": connector}
                return "RequestStartTransaction", payload
            case _:
                return _action(order)

    def _profile(self, order: DefaultCurrent | StationMaximum | SessionCurrent) -> Payload:
        match order:
            case StationMaximum(limit_a):
                return {"evseId": 0, "chargingProfile": self._body(1, "ChargingStationMaxProfile", SAFE_STACK, limit_a)}
            case DefaultCurrent(connector, limit_a):
                body = self._body(10 * connector + 2, "TxDefaultProfile", SAFE_STACK, limit_a)
                return {"evseId": connector, "chargingProfile": body}
            case SessionCurrent(connector):
                return {"evseId": connector, "chargingProfile": self._session_body(order)}

    def _session_body(self, order: SessionCurrent) -> Payload:
        ends = order.duration_s is not None
        stack = LIMIT_STACK if ends else SAFE_STACK
        body = self._body(10 * order.connector + 3 + stack, "TxProfile", stack, order.limit_a, order.phases)
        body["transactionId"] = order.transaction
        if ends and order.start_us is not None:
            body["chargingProfileKind"] = "Absolute"
            schedule = {"startSchedule": text_of(order.start_us), "duration": order.duration_s}
            body["chargingSchedule"][0].update(schedule)
        return body

    def _body(self, number: int, purpose: str, stack: int, limit_a: float, phases: int | None = None) -> Payload:
        period: dict[str, Any] = {"startPeriod": 0, "limit": self._unit.limit(limit_a, phases)}
        if phases is not None:
            period["numberPhases"] = phases
        schedule = {"id": number, "chargingRateUnit": self._unit.name, "chargingSchedulePeriod": [period]}
        return {
            "id": number,
            "stackLevel": stack,
            "chargingProfilePurpose": purpose,
            "chargingProfileKind": "Relative",
            "chargingSchedule": [schedule],
        }


def _action(order: Action) -> tuple[str, Payload]:
    match order:
        case Trigger():
            return "TriggerMessage", _trigger(order)
        case RemoteStart():
            raise TypeError("a remote start has a number of its link")
        case RemoteStop(transaction):
            return "RequestStopTransaction", {"transactionId": transaction}
        case Reset(hard):
            return "Reset", {"type": "Immediate" if hard else "OnIdle"}
        case UpdateFirmware(location, retrieve_us, request):
            firmware = {"location": location, "retrieveDateTime": text_of(retrieve_us)}
            return "UpdateFirmware", {"requestId": request, "firmware": firmware}
        case GetDiagnostics(location, request):
            log = {"remoteLocation": location}
            return "GetLog", {"logType": "DiagnosticsLog", "requestId": request, "log": log}


def _trigger(order: Trigger) -> Payload:
    body: Payload = {"requestedMessage": _TRIGGERS.get(order.what, order.what)}
    if order.connector is None:
        return body
    one = {"connectorId": 1} if order.what == "StatusNotification" else {}
    return {**body, "evse": {"id": order.connector, **one}}


def _energy_wh(rows: Any, *, last: bool) -> float | None:  # noqa: ANN401 - a list of the schema
    """The register's last (or first) reading in these rows; None without one."""
    found = [values[ENERGY] for row in rows if ENERGY in (values := measured(row["sampledValue"]).values)]
    return None if not found else found[-1] if last else found[0]


def _variables(order: Configure) -> list[Payload]:
    rows = (
        ("SampledDataCtrlr", "TxUpdatedInterval", str(order.sample_s)),
        (
            "SampledDataCtrlr",
            "TxUpdatedMeasurands",
            "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC",
        ),
        ("SampledDataCtrlr", "TxEndedMeasurands", "Energy.Active.Import.Register"),
        ("OCPPCommCtrlr", "HeartbeatInterval", str(order.heartbeat_s)),
        ("AuthCtrlr", "LocalAuthorizeOffline", "true" if order.offline_charging else "false"),
        ("AuthCtrlr", "OfflineTxForUnknownIdEnabled", "false"),
        ("TxCtrlr", "StopTxOnInvalidId", "true"),
    )
    return [
        {"component": {"name": component}, "variable": {"name": name}, "attributeValue": value}
        for component, name, value in rows
    ]


def _token_type(tag: str) -> str:
    return "ISO14443" if _RFID.match(tag) else "Central"


def _local_list(version: int, id_tags: tuple[str, ...]) -> Payload:
    rows = [
        {"idToken": {"idToken": tag, "type": _token_type(tag)}, "idTokenInfo": {"status": "Accepted"}}
        for tag in id_tags
    ]
    body: Payload = {"versionNumber": version, "updateType": "Full"}
    return {**body, "localAuthorizationList": rows} if rows else body

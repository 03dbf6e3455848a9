"""OCPP 1.6J: its messages to reports and values, orders to its requests."""

from __future__ import annotations

from typing import Any, Final

from simems_edge.bridges.ocpp.measurands import ENERGY, measured, register_wh
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
from simems_edge.bridges.ocpp.sessions import Report
from simems_edge.bridges.ocpp.times import parse_us, text_of
from simems_edge.bridges.ocpp.unit import LimitUnit

VERSION: Final = "1.6"
SUBPROTOCOL: Final = "ocpp1.6"
_FINE: Final = frozenset({"NotSupported"})
"""Of a list that the station does not keep: it goes on without."""


class Link16:
    """A station that speaks 1.6."""

    version = VERSION

    def __init__(
        self, station: str, connection: Connection, desk: Desk, unit: LimitUnit, *, answer_s: float, heartbeat_s: float
    ) -> None:
        self._station, self._desk, self._unit, self._heartbeat_s = station, desk, unit, heartbeat_s
        self._peer = Peer(connection, VERSION, self._handlers(), answer_s)

    async def run(self) -> None:
        await self._peer.run()

    # ---- what the station says

    def _handlers(self) -> dict[str, Handler]:
        return {
            "BootNotification": self._boot,
            "Heartbeat": lambda _: {"currentTime": text_of(self._desk.utc_us())},
            "StatusNotification": self._status,
            "Authorize": lambda payload: {"idTagInfo": self._tag(payload["idTag"])},
            "StartTransaction": self._start,
            "StopTransaction": self._stop,
            "MeterValues": self._meter_values,
            "DataTransfer": lambda _: {"status": "UnknownVendorId"},
            "FirmwareStatusNotification": lambda payload: self._told("firmware", payload["status"]),
            "DiagnosticsStatusNotification": lambda payload: self._told("diagnostics", payload["status"]),
        }

    def _boot(self, payload: Payload) -> Payload:
        self._desk.booted(payload["chargePointVendor"], payload["chargePointModel"], payload.get("firmwareVersion", ""))
        now = text_of(self._desk.utc_us())
        return {"status": "Accepted", "currentTime": now, "interval": round(self._heartbeat_s)}

    def _status(self, payload: Payload) -> Payload:
        if "timestamp" in payload:
            self._desk.told_time(parse_us(payload["timestamp"]))
        self._desk.status(payload["connectorId"], payload["status"], payload["errorCode"])
        return {}

    def _start(self, payload: Payload) -> Payload:
        connector, tag, meter_wh, time = (payload[key] for key in ("connectorId", "idTag", "meterStart", "timestamp"))
        report = Report(
            station=self._station,
            connector=connector,
            kind="started",
            identity=f"start:{connector}:{meter_wh}:{time}",
            time_us=self._time_us(time),
            id_tag=tag,
            meter_wh=register_wh(meter_wh),
        )
        session = self._desk.report(report)
        return {"transactionId": int(session.transaction), "idTagInfo": self._tag(tag)}

    def _stop(self, payload: Payload) -> Payload:
        number, meter_wh, time = payload["transactionId"], payload["meterStop"], payload["timestamp"]
        report = Report(
            station=self._station,
            connector=0,
            kind="ended",
            identity=f"stop:{number}:{meter_wh}:{time}",
            time_us=self._time_us(time),
            transaction=str(number),
            id_tag=payload.get("idTag", ""),
            meter_wh=register_wh(meter_wh),
            reason=payload.get("reason", "Local"),
        )
        self._desk.report(report)
        return {"idTagInfo": self._tag(payload["idTag"])} if "idTag" in payload else {}

    def _meter_values(self, payload: Payload) -> Payload:
        connector, number = payload["connectorId"], payload.get("transactionId")
        for row in payload["meterValue"]:
            time_us = parse_us(row["timestamp"])
            self._desk.told_time(time_us)
            found = measured(row["sampledValue"])
            if number is not None and ENERGY in found.values:
                self._progress(connector, number, self._time_us(row["timestamp"]), found.values[ENERGY])
            self._desk.measured(connector, found)
        return {}

    def _progress(self, connector: int, number: int, time_us: int, energy_wh: float) -> None:
        identity, transaction = f"progress:{number}", str(number)
        report = Report(self._station, connector, "updated", identity, time_us, transaction, meter_wh=energy_wh)
        self._desk.progress(report)

    def _time_us(self, text: str) -> int:
        """By the station's clock; what cannot be read counts as now: a transaction is never refused for its time."""
        known = parse_us(text)
        return self._desk.utc_us() if known is None else known

    def _tag(self, id_tag: str) -> Payload:
        return {"status": "Accepted" if self._desk.allows(id_tag) else "Invalid"}

    def _told(self, what: str, text: str) -> Payload:
        self._desk.told(what, text)
        return {}

    # ---- what it is asked

    async def ask(self, order: Order) -> None:
        action, payload = self._request(order)
        answer = await self._peer.call(action, payload)
        status = answer.get("status", "Accepted")
        lenient = isinstance(order, Configure) or (isinstance(order, LocalList) and status in _FINE)
        if status != "Accepted" and not lenient:
            raise RefusedError(f"{action}: {status}")

    def _request(self, order: Order) -> tuple[str, Payload]:
        match order:
            case DefaultCurrent() | StationMaximum() | SessionCurrent():
                return "SetChargingProfile", self._profile(order)
            case Configure():
                key, value = _settings(order)[order.part]
                return "ChangeConfiguration", {"key": key, "value": value}
            case LocalList(version, tags):
                return "SendLocalList", _local_list(version, tags)
            case _:
                return _action(order)

    def _profile(self, order: DefaultCurrent | StationMaximum | SessionCurrent) -> Payload:
        match order:
            case StationMaximum(limit_a):
                return {"connectorId": 0, "csChargingProfiles": self._body(1, "ChargePointMaxProfile", 0, limit_a)}
            case DefaultCurrent(connector, limit_a):
                body = self._body(10 * connector + 2, "TxDefaultProfile", SAFE_STACK, limit_a)
                return {"connectorId": connector, "csChargingProfiles": body}
            case SessionCurrent(connector):
                return {"connectorId": connector, "csChargingProfiles": self._session_body(order)}

    def _session_body(self, order: SessionCurrent) -> Payload:
        ends = order.duration_s is not None
        stack = LIMIT_STACK if ends else SAFE_STACK
        body = self._body(10 * order.connector + 3 + stack, "TxProfile", stack, order.limit_a, order.phases)
        body["transactionId"] = int(order.transaction)
        if ends and order.start_us is not None:
            body["chargingProfileKind"] = "Absolute"
            body["chargingSchedule"]["startSchedule"] = text_of(order.start_us)
            body["chargingSchedule"]["duration"] = order.duration_s
        return body

    def _body(self, number: int, purpose: str, stack: int, limit_a: float, phases: int | None = None) -> Payload:
        period: dict[str, Any] = {"startPeriod": 0, "limit": self._unit.limit(limit_a, phases)}
        if phases is not None:
            period["numberPhases"] = phases
        return {
            "chargingProfileId": number,
            "stackLevel": stack,
            "chargingProfilePurpose": purpose,
            "chargingProfileKind": "Relative",
            "chargingSchedule": {"chargingRateUnit": self._unit.name, "chargingSchedulePeriod": [period]},
        }


def _action(order: Action) -> tuple[str, Payload]:
    match order:
        case Trigger(what, connector):
            target = {} if connector is None else {"connectorId": connector}
            return "TriggerMessage", {"requestedMessage": what, **target}
        case RemoteStart(connector, tag):
            return "RemoteStartTransaction", {"connectorId": connector, "idTag": tag}
        case RemoteStop(transaction):
            return "RemoteStopTransaction", {"transactionId": int(transaction)}
        case Reset(hard):
            return "Reset", {"type": "Hard" if hard else "Soft"}
        case UpdateFirmware(location, retrieve_us):
            return "UpdateFirmware", {"location": location, "retrieveDate": text_of(retrieve_us)}
        case GetDiagnostics(location):
            return "GetDiagnostics", {"location": location}


def _settings(order: Configure) -> list[tuple[str, str]]:
    return [
        ("MeterValueSampleInterval", str(order.sample_s)),
        (
            "MeterValuesSampledData",
            "Energy.Active.Import.Register,Power.Active.Import,Current.Import,Voltage,SoC",
        ),
        ("HeartbeatInterval", str(order.heartbeat_s)),
        ("LocalAuthorizeOffline", "true" if order.offline_charging else "false"),
        ("AllowOfflineTxForUnknownId", "false"),
        ("StopTransactionOnInvalidId", "true"),
    ]


def _local_list(version: int, id_tags: tuple[str, ...]) -> Payload:
    rows = [{"idTag": tag, "idTagInfo": {"status": "Accepted"}} for tag in id_tags]
    return {"listVersion": version, "updateType": "Full", "localAuthorizationList": rows}

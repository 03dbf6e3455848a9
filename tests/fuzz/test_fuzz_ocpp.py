"""What charging stations may send, on mutated messages: an answer of OCPP or none, never an error that nobody catches,
and never a session that the store cannot give back.

``SIMEMS_FUZZ_EXECUTIONS`` of the messages in both versions; ``make fuzz-long`` runs millions.
"""

from __future__ import annotations

import json
import logging
import math
import os
import random
from pathlib import Path
from typing import Any

import pytest
from simems_core import Channel, Clock, ProcessImage
from simems_edge.bridges.connection import connection_channels
from simems_edge.bridges.ocpp.access import DeniedError, Gate, hash_of
from simems_edge.bridges.ocpp.bridge import OcppBridge
from simems_edge.bridges.ocpp.times import parse_us
from simems_edge.bridges.ocpp.unit import LimitUnit
from simems_edge.bridges.ocpp.v16 import Link16
from simems_edge.bridges.ocpp.v201 import Link201
from simems_edge.config import OcppSettings, Site
from simems_edge.devices import load_profile

from tests.fuzz.mutation import mutated

log = logging.getLogger(__name__)
EXECUTIONS = max(int(os.environ.get("SIMEMS_FUZZ_EXECUTIONS", "20000")) // 5, 1)
TIME = "2026-11-26T02:00:00Z"


def _call(action: str, payload: dict[str, Any]) -> bytes:
    return json.dumps([2, "17", action, payload]).encode()


_ROW = {"value": "16.1", "measurand": "Current.Import", "phase": "L1", "unit": "A"}
MESSAGES_16 = [
    _call("BootNotification", {"chargePointVendor": "V", "chargePointModel": "M"}),
    _call("StatusNotification", {"connectorId": 1, "errorCode": "NoError", "status": "Charging", "timestamp": TIME}),
    _call("StartTransaction", {"connectorId": 1, "idTag": "TAG", "meterStart": 1000, "timestamp": TIME}),
    _call("StopTransaction", {"transactionId": 7, "meterStop": 2000, "timestamp": TIME, "reason": "Local"}),
    _call(
        "MeterValues",
        {"connectorId": 1, "transactionId": 7, "meterValue": [{"timestamp": TIME, "sampledValue": [_ROW]}]},
    ),
    _call("Authorize", {"idTag": "TAG"}),
    _call("FirmwareStatusNotification", {"status": "Installed"}),
    json.dumps([3, "17", {"status": "Accepted"}]).encode(),
    json.dumps([4, "17", "InternalError", "", {}]).encode(),
]
_VALUE = {"timestamp": TIME, "sampledValue": [{"value": 16.1, "unitOfMeasure": {"unit": "Wh", "multiplier": 3}}]}
_NEEDS = {"requestedEnergyTransfer": "AC_three_phase", "departureTime": TIME}
MESSAGES_201 = [
    _call("BootNotification", {"reason": "PowerUp", "chargingStation": {"model": "M", "vendorName": "V"}}),
    _call("StatusNotification", {"timestamp": TIME, "connectorStatus": "Occupied", "evseId": 1, "connectorId": 1}),
    _call(
        "TransactionEvent",
        {
            "eventType": "Started", "timestamp": TIME, "triggerReason": "Authorized", "seqNo": 0, "evse": {"id": 1},
            "transactionInfo": {"transactionId": "a-1", "chargingState": "Charging"}, "meterValue": [_VALUE],
            "idToken": {"idToken": "TAG", "type": "Central"},
        },
    ),
    _call("MeterValues", {"evseId": 1, "meterValue": [_VALUE]}),
    _call("NotifyEVChargingNeeds", {"evseId": 1, "chargingNeeds": _NEEDS}),
    _call("Authorize", {"idToken": {"idToken": "TAG", "type": "Central"}}),
]  # fmt: skip


class _Nobody:
    async def recv(self) -> str:
        raise ConnectionAbortedError

    async def send(self, message: str) -> None:
        raise ConnectionAbortedError


def _bridge(folder: Path) -> OcppBridge:
    component = {"id": "evcs0", "profile": "ocpp_charger", "connection": {"ocpp": {"station": "CP1"}}, "control": {}}
    limits = {"import_limit_w": 50_000, "export_limit_w": 0}
    data = {
        "site": {"id": "fuzz-1", "time_zone": "UTC", "currency": "EUR", "grid": limits},
        "components": [component],
        "ocpp": {"stations": [{"id": "CP1"}], "security_profile": 0, "id_tags": ["TAG"]},
    }
    site = Site.model_validate_json(json.dumps(data))
    profile = load_profile("ocpp_charger")
    rows = [Channel(f"evcs0/{row.name}", unit=row.unit, stale_after_s=row.stale_after_s) for row in profile.channels]
    image = ProcessImage(rows + connection_channels(site))
    clock = Clock.simulated(1_790_000_000_000_000)
    return OcppBridge(
        site, {"evcs0": profile}, image, clock, on_problem=lambda *_: None, on_clear=lambda *_: None, data=folder
    )


@pytest.mark.timeout(600)
@pytest.mark.parametrize(("kind", "samples"), [(Link16, MESSAGES_16), (Link201, MESSAGES_201)], ids=["1.6", "2.0.1"])
def test_messages_of_stations(
    tmp_path: Path, kind: Any, samples: list[bytes], caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.CRITICAL, "simems_edge")
    bridge = _bridge(tmp_path)
    bridge.store._database.execute(
        "pragma synchronous = off"
    )  # thousands of commits: their durability is tried elsewhere
    link = kind("CP1", _Nobody(), bridge.stations["CP1"], LimitUnit("A"), answer_s=1.0, heartbeat_s=60.0)
    taken = _hear(link._peer, samples)
    for session in bridge.store.newest(1_000_000):
        assert session.energy_wh is None or session.energy_wh >= 0.0
    caplog.set_level(logging.INFO, __name__)
    log.info("fuzz: %d executions: messages of OCPP %s, %d taken", EXECUTIONS, kind.version, taken)
    assert taken > 0


def _hear(peer: Any, samples: list[bytes]) -> int:
    taken = 0
    for seed in range(EXECUTIONS):
        dice = random.Random(seed)
        raw = mutated(dice, samples) if seed % 4 else dice.choice(samples)
        answer = peer.hear(raw.decode("utf-8", "replace") if seed % 2 else raw)
        if answer is not None:
            kind, number, content, *_ = json.loads(answer)
            assert kind in {3, 4}
            assert isinstance(number, str)
            assert content != "InternalError", raw
            taken += kind == 3
    return taken


def test_times_and_paths() -> None:
    station = {"id": "CP1", "password_hash": hash_of("a-long-enough-password")}
    gate = Gate(OcppSettings.model_validate({"stations": [station], "security_profile": 3, "certificate": "a",
                                             "private_key": "b", "client_authority": "c"}))  # fmt: skip
    for seed in range(EXECUTIONS):
        raw = mutated(random.Random(seed), [TIME.encode(), b"2026-11-26T02:00:00.123456+01:00", b"/ocpp/CP1"])
        text = raw.decode("utf-8", "replace")
        time_us = parse_us(text)
        assert time_us is None or math.isfinite(time_us)
        try:
            gate.admit(text, {}, ["CP2"])
        except DeniedError:
            continue
        pytest.fail(f"{text!r} was let in with another station's certificate")
    log.info("fuzz: %d executions: times and addresses of stations", EXECUTIONS)

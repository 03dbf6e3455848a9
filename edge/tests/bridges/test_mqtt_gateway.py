"""The site at a real Mosquitto: what it tells, its last will, and who may ask what of it."""

from __future__ import annotations

import asyncio
import json
import math
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any
from uuid import uuid4

import aiomqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_core import Channel, Clock, ProcessImage
from simems_edge.bridges.mqtt import MqttGateway
from simems_edge.bridges.mqtt.requests import RequestError, UsedIds, asked, signature
from simems_edge.config import MqttRequest, Site

from .broker import Authority, broker_of, peer, until
from .conftest import bridge_site

SECRET = "a-secret-of-this-test-alone"
ROOT = "simems/bridge-1"
IMPORT = "site/external_import_limit_w"
CHANNELS = [
    Channel("grid0/active_power_w", unit="W", resolution=1.0, stale_after_s=5.0),
    Channel("grid0/import_energy_wh", unit="Wh", resolution=1.0, stale_after_s=60.0),
    Channel("ess0/soc_pct", unit="%", resolution=0.1, stale_after_s=60.0),
    Channel("ess0/operating_state", kind="enum", labels={0: "off", 3: "running"}, stale_after_s=60.0),
    Channel("ess0/communication", kind="bool", stale_after_s=60.0),
    Channel("secret0/pin", stale_after_s=60.0),
    Channel(IMPORT, unit="W", stale_after_s=math.inf),
    Channel("site/external_export_limit_w", unit="W", stale_after_s=math.inf),
]


class Desk:
    """Notes what reaches it."""

    def __init__(self) -> None:
        self.overrides: list[tuple[str, float, float, str]] = []
        self.told: list[tuple[str, str]] = []
        self.known = True

    def override(self, target: str, value: float, *, duration_s: float, reason: str, actor: str) -> None:
        if value > 50_000:
            raise ValueError("50001 is outside the range")
        self.overrides.append((target, value, duration_s, f"{actor}: {reason}"))

    def tell(self, code: str, text: str, actor: str) -> None:
        self.told.append((code, f"{actor}: {text}"))

    def time_known(self) -> bool:
        return self.known


class House:
    """A gateway under way."""

    def __init__(self, port: int, folder: Path, **mqtt: Any) -> None:
        (folder / "secret").write_text(SECRET + "\n")
        (folder / "secret").chmod(0o600)
        ess = {"id": "ess0", "profile": "sunspec_storage", "connection": {"modbus_tcp": {"host": "127.0.0.1"}}}
        publish = {"channels": ["grid0/*", "ess0/*"], "interval": 0.2}
        requests = [
            {"name": "import", "sets": "import_limit", "secret_file": str(folder / "secret"), "minimum": 4200,
             "maximum": 100_000, "longest": 600},
            {"name": "battery", "sets": "ess0/active_power_w", "secret_file": str(folder / "secret"),
             "minimum": -60_000, "maximum": 60_000, "longest": 60},
        ]  # fmt: skip
        section = {"host": "127.0.0.1", "port": port, "publish": publish, "requests": requests} | mqtt
        data = bridge_site(ess).model_dump(mode="json", by_alias=True, exclude_none=True) | {"mqtt": section}
        self.site, self.folder, self.desk = Site.model_validate_json(json.dumps(data)), folder, Desk()
        self.clock, self.problems = Clock.monotonic(), dict[str, str]()
        self.image = ProcessImage(CHANNELS)
        self.gateway = MqttGateway(
            self.site, self.image, self.clock, folder, self.desk,
            on_problem=lambda _c, code, text: self.problems.__setitem__(code, text),
            on_clear=lambda _c, code: self.problems.__delitem__(code),
        )  # fmt: skip

    def publish(self, address: str, value: float) -> None:
        self.image.publish(self.image.handle(address), value, self.clock.now_ns())
        self.image.latch(self.clock.now_ns())

    def value(self, address: str) -> float:
        return self.image.latch(self.clock.now_ns()).value(self.image.handle(address))


@asynccontextmanager
async def running(port: int, folder: Path, **mqtt: Any) -> AsyncIterator[House]:
    house = House(port, folder, **mqtt)
    task = asyncio.create_task(house.gateway.run())
    try:
        yield house
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def signed(name: str, secret: str = SECRET, **changes: Any) -> bytes:
    body = {"id": uuid4().hex, "time": time.time(), "value": 10_000.0, "duration_s": 60.0, "reason": "grid operator",
            "actor": "control room"} | changes  # fmt: skip
    text = json.dumps(body)
    return json.dumps({"body": text, "mac": signature(secret, f"{ROOT}/request/{name}", text)}).encode()


@pytest.mark.integration
async def test_channels_are_told_retained_with_quality_and_only_those_on_the_list(tmp_path: Path) -> None:
    async with broker_of(tmp_path) as broker, running(broker.port, tmp_path) as house:
        house.publish("grid0/active_power_w", -1234.4)
        house.publish("ess0/operating_state", 3.0)
        house.publish("secret0/pin", 1234.0)
        async with peer(broker) as (_, heard):
            topic = f"{ROOT}/channel/grid0/active_power_w"
            await until(lambda: json.loads(heard.newest.get(topic, "{}")).get("value") == -1234.0)
            told = json.loads(heard.newest[topic])
            assert told["quality"] == "good"
            assert abs(time.time() - _utc(told["time"])) < 10
            assert heard.newest[f"{ROOT}/status"] == "online"
            await until(lambda: f"{ROOT}/channel/ess0/operating_state" in heard.newest)
            assert json.loads(heard.newest[f"{ROOT}/channel/ess0/operating_state"])["label"] == "running"
            assert json.loads(heard.newest[f"{ROOT}/channel/ess0/soc_pct"]) == {"value": None, "quality": "stale"}
            assert not [one for one in heard.newest if "secret0" in one]
            count = len(heard.every)
            house.publish("grid0/active_power_w", -1234.3)
            house.publish("ess0/soc_pct", 55.5)
            await until(lambda: json.loads(heard.newest[f"{ROOT}/channel/ess0/soc_pct"])["value"] == 55.5)
            fresh = [one for one, _ in heard.every[count:]]
            assert topic not in fresh, "what changed by less than its resolution is not told again"
        async with peer(broker) as (_, late):
            await until(lambda: topic in late.newest)


def _utc(text: str) -> float:
    from datetime import datetime

    return datetime.fromisoformat(text).timestamp()


@pytest.mark.integration
async def test_last_will_and_orderly_end(tmp_path: Path) -> None:
    async with broker_of(tmp_path) as broker, peer(broker) as (_, heard):
        async with running(broker.port, tmp_path):
            await until(lambda: heard.newest.get(f"{ROOT}/status") == "online")
        await until(lambda: heard.newest.get(f"{ROOT}/status") == "offline")
        house = House(broker.port, tmp_path)
        task = asyncio.create_task(house.gateway.run())
        await until(lambda: heard.newest.get(f"{ROOT}/status") == "online")
        client = house.gateway._link.client
        assert client is not None
        client._client._sock.shutdown(socket.SHUT_RDWR)  # type: ignore[union-attr]  # as a process that is killed
        await until(lambda: [text for topic, text in heard.every if topic == f"{ROOT}/status"].count("offline") >= 2)
        await until(lambda: heard.newest.get(f"{ROOT}/status") == "online")
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.mark.integration
async def test_home_assistant_finds_everything(tmp_path: Path) -> None:
    async with broker_of(tmp_path) as broker, peer(broker) as (_, heard), running(broker.port, tmp_path):
        energy = "homeassistant/sensor/simems_bridge_1/grid0_import_energy_wh/config"
        await until(lambda: len([one for one in heard.newest if one.startswith("homeassistant/")]) == 5)
        found = json.loads(heard.newest[energy])
        assert (found["device_class"], found["state_class"], found["unit_of_measurement"]) == (
            "energy", "total_increasing", "Wh",
        )  # fmt: skip
        assert found["state_topic"] == f"{ROOT}/channel/grid0/import_energy_wh"
        assert found["availability"][0]["topic"] == f"{ROOT}/status"
        ids = [json.loads(text)["unique_id"] for topic, text in heard.newest.items() if topic.endswith("/config")]
        assert len(ids) == len(set(ids))
        state = json.loads(heard.newest["homeassistant/sensor/simems_bridge_1/ess0_operating_state/config"])
        assert (state["device_class"], state["options"]) == ("enum", ["off", "running"])
        assert "homeassistant/binary_sensor/simems_bridge_1/ess0_communication/config" in heard.newest


@pytest.mark.integration
async def test_a_signed_request_is_carried_out_once_and_ends(tmp_path: Path) -> None:
    async with broker_of(tmp_path) as broker, peer(broker) as (client, heard), running(broker.port, tmp_path) as house:
        await until(lambda: heard.newest.get(f"{ROOT}/status") == "online")
        limit = signed("import", value=10_000.0, duration_s=3.0)
        await client.publish(f"{ROOT}/request/import", limit, qos=1)
        await until(lambda: house.value(IMPORT) == 10_000.0)
        await client.publish(f"{ROOT}/request/import", limit, qos=1)
        await until(lambda: any("already sent" in text for _, text in house.desk.told))
        await client.publish(f"{ROOT}/request/battery", signed("battery", value=-5000.0), qos=1)
        await until(lambda: len(house.desk.overrides) == 1)
        target, value, left_s, why = house.desk.overrides[0]
        assert (target, value, why) == ("ess0/active_power_w", -5000.0, "mqtt:control room: grid operator")
        assert 50.0 < left_s <= 60.0
        await until(lambda: house.value(IMPORT) == 100_000.0)
        await until(lambda: ("mqtt_request.ended", "system: import_limit: its time is over") in house.desk.told)
        await until(lambda: '{"accepted": true}' in [text for topic, text in heard.every if "/response/" in topic])


@pytest.mark.integration
async def test_a_retained_request_is_never_carried_out(tmp_path: Path) -> None:
    async with broker_of(tmp_path) as broker, peer(broker) as (client, heard):
        await client.publish(f"{ROOT}/request/import", signed("import"), qos=1, retain=True)
        async with running(broker.port, tmp_path) as house:
            await until(lambda: any("retained" in text for _, text in house.desk.told))
            await client.publish(f"{ROOT}/request/battery", signed("battery"), qos=1, retain=True)
            await until(lambda: heard.newest.get(f"{ROOT}/status") == "online")
            marker = signed("battery", value=1.0)
            await client.publish(f"{ROOT}/request/battery", marker, qos=1)
            await until(lambda: house.desk.overrides)
            assert [value for _, value, _, _ in house.desk.overrides] == [1.0], "live but marked as retained: refused"
            assert math.isnan(house.value(IMPORT))


@pytest.mark.integration
async def test_a_limit_outlasts_a_restart_as_long_as_its_time(tmp_path: Path) -> None:
    async with broker_of(tmp_path) as broker, peer(broker) as (client, heard):
        async with running(broker.port, tmp_path) as house:
            await until(lambda: heard.newest.get(f"{ROOT}/status") == "online")
            await client.publish(f"{ROOT}/request/import", signed("import", value=7000.0), qos=1)
            await until(lambda: house.value(IMPORT) == 7000.0)
        async with running(broker.port, tmp_path) as again:
            await until(lambda: again.value(IMPORT) == 7000.0)
        (tmp_path / "mqtt_limits.json").write_text('[{"sets": "import_limit", "value_w": -1e9')
        async with running(broker.port, tmp_path) as damaged:
            await until(lambda: heard.newest.get(f"{ROOT}/status") == "online")
            assert math.isnan(damaged.value(IMPORT))


@pytest.mark.integration
async def test_tls_client_certificate_user_and_a_refusal(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("simems_edge.bridges.mqtt.session.ANSWER_S", 1.0)
    authority = Authority(tmp_path)
    server, key = authority.issue("broker")
    own, own_key = authority.issue("site")
    lines = [f"cafile {authority.file}", f"certfile {server}", f"keyfile {key}", "require_certificate true",
             "use_identity_as_username true"]  # fmt: skip
    async with broker_of(tmp_path, *lines) as broker:
        tls = {"ca_file": str(authority.file), "certificate_file": str(own), "key_file": str(own_key)}
        async with running(broker.port, tmp_path, tls=tls) as house:
            await until(lambda: house.gateway._link.client is not None)
        async with running(broker.port, tmp_path, tls={"ca_file": str(authority.file)}) as without:
            await until(lambda: "broker_lost" in without.problems)
            assert without.gateway._link.client is None


@pytest.mark.integration
@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_user_and_password_from_a_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, password: str) -> None:
    monkeypatch.setattr("simems_edge.bridges.mqtt.session.ANSWER_S", 1.0)
    tool = shutil.which("mosquitto_passwd")
    if tool is None:
        pytest.skip("mosquitto_passwd is not installed (Debian package mosquitto)")
    users, secret = tmp_path / "users", tmp_path / "broker.secret"
    await asyncio.to_thread(subprocess.run, [tool, "-b", "-c", str(users), "simems", "right"], check=True)
    users.chmod(0o644)
    secret.write_text(password + "\n")
    secret.chmod(0o600)
    async with broker_of(tmp_path, "allow_anonymous false", f"password_file {users}") as broker:
        access = {"user": "simems", "password_file": str(secret)}
        async with running(broker.port, tmp_path, **access) as house:
            if password == "right":
                await until(lambda: house.gateway._link.client is not None)
                return
            await until(lambda: "refuses us" in house.problems.get("broker_lost", ""))
            assert "wrong" not in house.problems["broker_lost"]


FORGED = {
    "not signed": json.dumps({"body": "{}", "mac": "0" * 64}).encode(),
    "signed with another secret": signed("import", "another-secret-altogether"),
    "signed for another topic": signed("battery"),
    "plain": b"10000",
    "empty": b"",
    "garbage": b"\xff\x00{",
    "too long": b"x" * 5000,
    "a bomb": b"[" * 1900,
    "a number above": signed("import", value=1e9),
    "a number below": signed("import", value=0.0),
    "NaN": signed("import", value=math.nan),
    "a text": signed("import", value="10000"),
    "yesterday": signed("import", time=time.time() - 86_400),
    "tomorrow": signed("import", time=time.time() + 86_400),
    "for ever": signed("import", duration_s=1e9),
    "for no time": signed("import", duration_s=0.0),
    "without reason": signed("import", reason=""),
    "with an unknown key": signed("import", admin=True),
    "with control characters": signed("import", reason="a\nb"),
}


def _request() -> MqttRequest:
    return MqttRequest.model_validate(
        {"name": "import", "sets": "import_limit", "secret_file": "s", "minimum": 4200, "maximum": 1e5, "longest": 600}
    )


@pytest.mark.parametrize("payload", FORGED.values(), ids=list(FORGED))
def test_what_is_forged_or_absurd_is_refused(payload: bytes) -> None:
    topic = f"{ROOT}/request/import"
    with pytest.raises(RequestError):
        asked(payload, topic, SECRET, _request(), time.time(), retained=False)


def test_the_right_one_is_taken_unless_retained_or_short_of_secret() -> None:
    topic, payload = f"{ROOT}/request/import", signed("import")
    assert asked(payload, topic, SECRET, _request(), time.time(), retained=False).value == 10_000.0
    for secret, retained in ((SECRET, True), ("short", False)):
        with pytest.raises(RequestError):
            asked(payload, topic, secret, _request(), time.time(), retained=retained)


def test_an_id_is_used_once_and_memory_is_bounded() -> None:
    used = UsedIds()
    used.use("a" * 8, 0.0)
    with pytest.raises(RequestError):
        used.use("a" * 8, 89.0)
    used.use("a" * 8, 91.0)
    for number in range(9_999):
        used.use(str(number), 91.0)
    with pytest.raises(RequestError, match="too many"):
        used.use("one more", 91.0)


@given(st.binary(max_size=300))
def test_no_bytes_but_signed_ones_are_a_request(raw: bytes) -> None:
    with suppress(RequestError):
        asked(raw, f"{ROOT}/request/import", SECRET, _request(), 1.0, retained=False)
        raise AssertionError(raw)


@pytest.mark.integration
async def test_without_requests_in_the_site_file_nothing_is_heard(tmp_path: Path) -> None:
    async with broker_of(tmp_path) as broker, running(broker.port, tmp_path, requests=[]) as house:
        async with aiomqtt.Client("127.0.0.1", broker.port) as client:
            await until(lambda: house.gateway._link.client is not None)
            await client.publish(f"{ROOT}/request/import", signed("import"), qos=1)
            house.publish("grid0/active_power_w", 1.0)
        async with peer(broker) as (_, heard):
            await until(lambda: "1.0" in heard.newest.get(f"{ROOT}/channel/grid0/active_power_w", ""))
        assert math.isnan(house.value(IMPORT))
        assert not house.desk.told

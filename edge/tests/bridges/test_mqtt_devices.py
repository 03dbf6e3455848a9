"""Devices behind a real Mosquitto: values as of their arrival, nothing retained, nothing broken, nothing old."""

from __future__ import annotations

import asyncio
import itertools
import json
import math
from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import aiomqtt
import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_edge.bridges.mqtt.payload import content_of
from simems_edge.config import Site
from simems_edge.devices import load_profile
from simems_edge.devices.content_view import ContentView
from simems_edge.devices.json_content import ContentError

from .broker import Broker, broker_of, peer, until
from .conftest import bridge_site

COUNT = itertools.count(1)


def mqtt_site(broker: Broker, *components: dict[str, Any], **settings: Any) -> Site:
    site = bridge_site(*components).model_dump(mode="json", by_alias=True, exclude_none=True)
    return Site.model_validate_json(json.dumps(site | {"mqtt": {"host": "127.0.0.1", "port": broker.port} | settings}))


def component(name: str, profile: str, topic: str, timeout_s: float = 60.0) -> dict[str, Any]:
    return {"id": name, "profile": profile, "connection": {"mqtt": {"topic": topic, "timeout": timeout_s}}}


def reading(power_w: Any = 1500.0, **more: Any) -> str:
    return json.dumps({"count": next(COUNT), "active_power_w": power_w, "frequency_hz": 50.0} | more)


@asynccontextmanager
async def meter_bench(run_bench: Any, folder: Path, timeout_s: float = 60.0) -> AsyncIterator[Any]:
    """A broker, a meter's voice and the bridge that has heard it."""
    async with broker_of(folder) as broker, peer(broker) as (client, _):
        site = mqtt_site(broker, component("grid0", "generic_mqtt_meter", "meters/main", timeout_s))
        async with run_bench(site) as bench:

            async def say(text: str | bytes, *, retain: bool = False) -> None:
                await client.publish("meters/main", text, qos=1, retain=retain)

            await _heard(bench, say)
            yield bench, say, broker


async def _heard(bench: Any, say: Any, power_w: float = 1500.0) -> None:
    async with asyncio.timeout(15):
        while bench.value("grid0/active_power_w") != power_w:
            await say(reading(power_w))
            await asyncio.sleep(0.05)


@pytest.mark.integration
async def test_what_is_right_is_taken_and_what_is_not_is_bad_or_told(run_bench: Any, tmp_path: Path) -> None:
    async with meter_bench(run_bench, tmp_path) as (bench, say, _):
        assert bench.value("grid0/communication") == 1.0
        assert bench.value("grid0/frequency_hz") == 50.0
        for wrong in ('"1500"', True, None, [1], {"a": 1}):
            await say(reading(json.loads(wrong) if isinstance(wrong, str) else wrong))
            await bench.until(lambda: not bench.valid("grid0/active_power_w"))
            await _heard(bench, say)
        for broken in (b"{", b"[" * 5000, b"\xff\xfe", b"", b'{"active_power_w": NaN}', b"x" * 5000):
            before = bench.last("grid0/active_power_w")
            await say(broken)
            await bench.until(lambda: ("grid0", "wrong_answer") in bench.problems)
            assert bench.last("grid0/active_power_w") == before
            await _heard(bench, say, before + 1.0)
            await bench.until(lambda: not bench.problems)


@pytest.mark.integration
async def test_a_retained_message_is_never_taken_for_a_fresh_one(run_bench: Any, tmp_path: Path) -> None:
    async with broker_of(tmp_path) as broker, peer(broker) as (client, _):
        await client.publish("meters/main", reading(9999.0), qos=1, retain=True)
        await client.publish("meters/other", reading(9999.0), qos=1, retain=True)
        site = mqtt_site(
            broker,
            component("grid0", "generic_mqtt_meter", "meters/main"),
            component("other0", "generic_mqtt_meter", "meters/other", 0.5),
        )
        async with run_bench(site) as bench:
            await bench.until(lambda: ("other0", "communication_lost") in bench.problems)
            assert not bench.valid("grid0/active_power_w")

            async def say(text: str) -> None:
                await client.publish("meters/main", text, qos=1)

            await _heard(bench, say)
            assert not bench.valid("other0/active_power_w")


@pytest.mark.integration
async def test_a_device_that_repeats_itself_is_not_believed(run_bench: Any, tmp_path: Path) -> None:
    shipped = load_profile("generic_mqtt_meter")
    alive = tuple(one.model_copy(update={"within_s": 0.3}) for one in shipped.alive)
    async with broker_of(tmp_path) as broker, peer(broker) as (client, _):
        site = mqtt_site(broker, component("grid0", "generic_mqtt_meter", "m"))
        profiles = {"grid0": shipped.model_copy(update={"alive": alive})}
        async with run_bench(site, profiles=profiles) as bench:

            async def say(text: str) -> None:
                await client.publish("m", text, qos=1)

            await _heard(bench, say)
            same = reading()

            async with asyncio.timeout(10):
                while ("grid0", "device_frozen") not in bench.problems:
                    await say(same)
                    await asyncio.sleep(0.05)
            assert not bench.valid("grid0/active_power_w")
            await _heard(bench, say, 7.0)
            await bench.until(lambda: not bench.problems)


@pytest.mark.integration
async def test_silence_is_told_and_ends(run_bench: Any, tmp_path: Path) -> None:
    async with meter_bench(run_bench, tmp_path, timeout_s=1.0) as (bench, say, _):
        await bench.until(lambda: ("grid0", "communication_lost") in bench.problems)
        assert bench.value("grid0/communication") == 0.0
        await _heard(bench, say, 1.0)
        await bench.until(lambda: not bench.problems)


@pytest.mark.integration
async def test_a_broker_that_dies_is_told_and_comes_back_without_a_person(run_bench: Any, tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        broker = await stack.enter_async_context(broker_of(tmp_path))
        site = mqtt_site(broker, component("grid0", "generic_mqtt_meter", "m"))
        bench = await stack.enter_async_context(run_bench(site))

        async def say(text: str) -> None:
            with suppress(aiomqtt.MqttError):
                async with aiomqtt.Client("127.0.0.1", broker.port, timeout=2.0) as client:
                    await client.publish("m", text, qos=1)

        await _heard(bench, say)
        await broker.kill()
        await bench.until(lambda: ("grid0", "communication_lost") in bench.problems)
        assert bench.value("grid0/connection_state") == 3.0
        await broker.start()
        await _heard(bench, say, 42.0)
        await bench.until(lambda: not bench.problems)


@pytest.mark.integration
async def test_a_plug_is_switched_confirmed_and_handed_back(run_bench: Any, tmp_path: Path) -> None:
    state = {"state": "OFF"}
    async with broker_of(tmp_path) as broker, peer(broker) as (client, heard):

        async def plug() -> None:
            """As Zigbee2MQTT does: obeys, and says its state."""
            told = 0
            while True:
                for _, text in [row for row in heard.every[told:] if row[0] == "z/plug/set"]:
                    state.update(json.loads(text))
                told = len(heard.every)
                await client.publish("z/plug", json.dumps(state), qos=1)
                await asyncio.sleep(0.05)

        task = asyncio.create_task(plug())
        async with run_bench(mqtt_site(broker, component("r0", "zigbee2mqtt_plug", "z/plug"))) as bench:
            await bench.until(lambda: bench.value("r0/state") == 0.0)
            bench.write("r0/state", 1.0)
            await bench.until(lambda: bench.value("r0/state") == 1.0)
            bench.write("r0/state", math.nan)
            await bench.until(lambda: ("r0", "setpoint_rejected") in bench.problems)
            sent = [text for topic, text in heard.every if topic == "z/plug/set"]
            assert sent == ['{"state": "ON"}']
        await until(lambda: state["state"] == "OFF")
        task.cancel()


@given(st.binary(max_size=300))
def test_any_payload_is_content_or_refused(raw: bytes) -> None:
    with suppress(ContentError):
        content_of(raw)


@given(st.recursive(st.none() | st.booleans() | st.floats() | st.integers() | st.text(max_size=5),
                    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(
                        st.sampled_from(["active_power_w", "frequency_hz", "state", "POWER", "count", "a"]), inner,
                        max_size=5), max_leaves=12),
       st.sampled_from(["generic_mqtt_meter", "zigbee2mqtt_plug", "tasmota_mqtt_plug"]))  # fmt: skip
def test_no_document_makes_a_value_that_is_none(document: Any, name: str) -> None:
    profile = load_profile(name)
    view = ContentView(profile)
    for part in view.parts:
        for channel, value, _ in view.update(part.key, document, 1):
            assert value is None or math.isfinite(value)
            assert value is None or profile.channel(channel).kind != "bool" or value in (0.0, 1.0)

"""The edge's HTTP interface over a real runtime, buffer and event loop; nothing behind it is replaced."""

from __future__ import annotations

import asyncio
import json
import socket
import time
from collections.abc import AsyncIterator, Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
import uvicorn
import websockets
from fastapi import FastAPI
from simems_core import Clock, wire
from simems_edge.buffer import Buffer, BufferFault
from simems_edge.cli.limit_list import limit_list
from simems_edge.config import load_site
from simems_edge.hmi import Access, House, HouseAlarms, LocalEdge, create_app
from simems_edge.hmi.access import PinHash
from simems_edge.hmi.openapi import document
from simems_edge.proof import ProofBook
from simems_edge.runtime import Runtime
from simems_edge.runtime.limit_record import Entry as LimitEntry
from simems_edge.sync import Identity, Pump, RecordedChannel

ROOT = Path(__file__).parents[3]
PIN = "271828"
TARGET = "ess0/active_power_w"
OVERRIDE = {"target": TARGET, "value": 1000.0, "duration_s": 60.0, "reason": "test"}


@dataclass
class Stack:
    """One edge without bridges: its devices are silent."""

    app: FastAPI
    runtime: Runtime
    buffer: Buffer
    pump: Pump
    house: HouseAlarms
    api: httpx.AsyncClient

    async def sign_in(self) -> dict[str, str]:
        answer = await self.api.post("/api/v1/auth/pin", json={"pin": PIN})
        assert answer.status_code == 200
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def events(self) -> list[wire.Event]:
        """Everything that was made durable so far."""
        await self.pump.flush()
        messages = [wire.decode_from_edge(frame.body) for frame in await self.buffer.read_after(0, 10_000)]
        return [event for message in messages if isinstance(message, wire.Events) for event in message.events]


@pytest.fixture
async def edge_stack(tmp_path: Path) -> AsyncIterator[Stack]:
    clock = Clock.monotonic()

    def now_us() -> int:
        return clock.utc_us(clock.now_ns())

    def record(event: wire.Event) -> None:
        pump.add_event(event)

    site = load_site(ROOT / "demo" / "site.yaml")
    buffer = await Buffer.open(tmp_path, now_us)
    runtime = Runtime(site, clock=clock)
    house = HouseAlarms(on_event=record, now_us=now_us)
    channels = [RecordedChannel(c.address, c.kind, c.resolution) for c in runtime.channels]
    pump = Pump(runtime.recorder, channels, clock, buffer, flush_s=1.0, on_fault=house.fault)
    runtime.on_event = pump.add_event
    runtime.start()
    identity = Identity(tmp_path / "identity")
    limits = limit_list(tmp_path, identity)
    edge = LocalEdge(runtime, buffer, None, house, record=pump.add_event, identity=identity, limits=limits)
    app = create_app(edge, Access(PinHash.of(PIN)))
    transport = httpx.ASGITransport(app)
    async with httpx.AsyncClient(transport=transport, base_url="http://edge") as api:
        await asyncio.to_thread(runtime.cycle.wait, 1, 10.0)
        yield Stack(app, runtime, buffer, pump, house, api)
    await asyncio.to_thread(runtime.stop)
    await buffer.close()


def is_problem(answer: httpx.Response, status: int) -> bool:
    body = answer.json()
    return (
        answer.status_code == status
        and answer.headers["content-type"] == "application/problem+json"
        and body["status"] == status
        and bool(body["title"])
    )


async def test_the_site_and_its_values_share_their_addresses(edge_stack: Stack) -> None:
    site = (await edge_stack.api.get("/api/v1/site")).json()
    latest = (await edge_stack.api.get("/api/v1/latest")).json()
    described = [c["address"] for c in site["channels"]]
    described += [c["address"] for component in site["components"] for c in component["channels"]]
    assert set(described) == set(latest["values"])
    assert [component["kind"] for component in site["components"]] == ["meter", "pv", "ess"]
    assert site["settings"]["peak0/threshold_w"] == 60_000.0
    assert latest["values"]["grid0/active_power_w"] == {"value": None, "quality": "stale", "time": None}
    assert latest["why"]["text"]


async def test_history_is_what_was_recorded(edge_stack: Stack) -> None:
    now_us = time.time_ns() // 1000 // 1_000_000 * 1_000_000
    column = wire.Column(channel="ess0/soc_pct", resolution=0.1, values=[500, 510])
    edge_stack.buffer.append_telemetry([now_us - 10_000_000, now_us - 9_000_000], [column])
    await edge_stack.buffer.flush()
    start = time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime(now_us / 1e6 - 60))
    answer = await edge_stack.api.get("/api/v1/history", params={"channel": "ess0/soc_pct", "from": start})
    assert answer.status_code == 200
    series = answer.json()["series"]["ess0/soc_pct"]
    assert [value for value in series["mean"] if value is not None] == [50.0, 51.0]


@pytest.mark.parametrize(
    ("query", "status"),
    [
        ("channel=no/such", 404),
        ("", 422),
        ("channel=ess0/soc_pct&from=2026-01-01T00:00:00", 422),
        ("channel=ess0/soc_pct&from=2026-01-02T00:00:00Z&to=2026-01-01T00:00:00Z", 422),
        ("channel=ess0/soc_pct&max_points=0", 422),
        ("channel=ess0/soc_pct&from=yesterday", 422),
        ("&".join(["channel=ess0/soc_pct"] * 33), 422),
    ],
)
async def test_a_history_nobody_can_answer_is_a_problem(edge_stack: Stack, query: str, status: int) -> None:
    assert is_problem(await edge_stack.api.get(f"/api/v1/history?{query}"), status)


@pytest.mark.parametrize(
    ("method", "path"),
    [
        ("POST", "/overrides"),
        ("DELETE", f"/overrides/{TARGET}"),
        ("POST", "/alarms/1/acknowledge"),
        ("POST", "/faults/x/clear"),
    ],
)
@pytest.mark.parametrize("headers", [{}, {"Authorization": "Bearer guess"}, {"Authorization": "Basic YTpi"}])
async def test_whatever_acts_needs_a_token(edge_stack: Stack, method: str, path: str, headers: dict[str, str]) -> None:
    answer = await edge_stack.api.request(method, f"/api/v1{path}", json=OVERRIDE, headers=headers)
    assert is_problem(answer, 401)
    assert answer.headers["www-authenticate"] == "Bearer"
    assert edge_stack.runtime.overrides.standing() == []


async def test_an_override_is_set_seen_cleared_and_audited(edge_stack: Stack) -> None:
    headers = await edge_stack.sign_in()
    api = edge_stack.api
    made = await api.post("/api/v1/overrides", json=OVERRIDE, headers=headers)
    assert made.status_code == 201
    assert [o["target"] for o in (await api.get("/api/v1/overrides")).json()] == [TARGET]
    assert (await api.delete(f"/api/v1/overrides/{TARGET}", headers=headers)).status_code == 204
    assert is_problem(await api.delete(f"/api/v1/overrides/{TARGET}", headers=headers), 404)
    actions = [(e.code, e.actor) for e in await edge_stack.events() if e.kind == "action"]
    assert actions == [("sign_in.accepted", "operator"), ("override.set", "operator"), ("override.cleared", "operator")]


@pytest.mark.parametrize(
    ("changes", "status"),
    [
        ({"target": "no/such"}, 404),
        ({"target": "grid0/active_power_w"}, 404),
        ({"value": "much"}, 422),
        ({"duration_s": 0}, 422),
        ({"duration_s": 1e9}, 422),
        ({"reason": ""}, 422),
        ({"extra": 1}, 422),
    ],
)
async def test_an_override_that_cannot_be_is_refused(edge_stack: Stack, changes: dict[str, Any], status: int) -> None:
    headers = await edge_stack.sign_in()
    answer = await edge_stack.api.post("/api/v1/overrides", json=OVERRIDE | changes, headers=headers)
    assert is_problem(answer, status)


@pytest.mark.parametrize("value", ["NaN", "Infinity", "-Infinity", "1e999"])
async def test_a_value_that_is_no_number_never_reaches_the_cycle(edge_stack: Stack, value: str) -> None:
    headers = await edge_stack.sign_in() | {"Content-Type": "application/json"}
    body = json.dumps(OVERRIDE).replace("1000.0", value)
    assert is_problem(await edge_stack.api.post("/api/v1/overrides", content=body, headers=headers), 422)


async def test_an_alarm_is_listed_acknowledged_and_audited(edge_stack: Stack) -> None:
    edge_stack.house.fault(BufferFault("buffer.quota", "full", "effect", "remedy"))
    edge_stack.house.judge(House(writable=True, link="up", error=""))
    headers = await edge_stack.sign_in()
    alarms = (await edge_stack.api.get("/api/v1/alarms", params={"active": True})).json()
    alarm = next(a for a in alarms if a["code"] == "buffer.quota")
    answer = await edge_stack.api.post(f"/api/v1/alarms/{alarm['id']}/acknowledge", headers=headers)
    assert (answer.status_code, answer.json()["acknowledged_by"]) == (200, "operator")
    assert is_problem(await edge_stack.api.post("/api/v1/alarms/none/acknowledge", headers=headers), 404)
    kinds = [event.kind for event in await edge_stack.events() if event.code == "buffer.quota"]
    assert kinds == ["raised", "acknowledged"]


async def test_five_wrong_pins_lock_the_door_even_for_the_right_one(edge_stack: Stack) -> None:
    wrong = [await edge_stack.api.post("/api/v1/auth/pin", json={"pin": "0"}) for _ in range(5)]
    assert all(is_problem(answer, 401) for answer in wrong)
    locked = await edge_stack.api.post("/api/v1/auth/pin", json={"pin": PIN})
    assert is_problem(locked, 429)
    assert 0 < int(locked.headers["retry-after"]) <= 60
    assert [e.code for e in await edge_stack.events() if e.kind == "action"] == ["sign_in.refused"] * 5


async def test_wrong_pins_at_the_same_time_are_counted_one_by_one(edge_stack: Stack) -> None:
    tries = [edge_stack.api.post("/api/v1/auth/pin", json={"pin": "0"}) for _ in range(12)]
    statuses = [answer.status_code for answer in await asyncio.gather(*tries)]
    assert sorted(statuses) == [401] * 5 + [429] * 7


async def test_health_readiness_and_metrics(edge_stack: Stack) -> None:
    assert (await edge_stack.api.get("/healthz")).json() == {"status": "alive"}
    ready = await edge_stack.api.get("/readyz")
    assert (ready.status_code, ready.json()["checks"]) == (503, {"cycle": True, "buffer": True, "bridge": False})
    image = edge_stack.runtime.image
    image.publish(image.handle("grid0/communication"), 1.0, edge_stack.runtime.clock.now_ns())
    await asyncio.to_thread(edge_stack.runtime.cycle.wait, edge_stack.runtime.cycle.number + 1, 10.0)
    assert (await edge_stack.api.get("/readyz")).status_code == 200
    text = (await edge_stack.api.get("/metrics")).text
    for name in (
        "simems_cycles_total",
        'simems_cycle_lateness_seconds{quantile="0.999"}',
        'simems_cycle_lateness_1min_seconds{quantile="1"}',
        'simems_cycle_phase_seconds{phase="propose_wait",quantile="0.99"}',
        "simems_cycle_input_age_seconds",
        "simems_cycle_realtime",
        "simems_cycle_memory_locked",
        "simems_buffer_queue_frames",
        "simems_buffer_thinned_rows_total",
        "simems_active_alarms",
        "simems_bridge_up 1.0",
    ):
        assert name in text


async def test_cycle_and_sync_answer(edge_stack: Stack) -> None:
    cycle = (await edge_stack.api.get("/api/v1/cycle")).json()
    assert cycle["running"]
    assert cycle["cycles"] > 0
    assert list(cycle["phases"]) == ["latch", "estimate", "propose_wait", "arbitrate", "guard", "publish"]
    assert 0.0 < cycle["phases"]["guard"]["us_p50"] <= cycle["phases"]["guard"]["us_p99"]
    assert cycle["lateness_1min_us_max"] <= cycle["lateness_us_max"]
    sync = (await edge_stack.api.get("/api/v1/sync")).json()
    assert (sync["link"], sync["acked_sequence"]) == ("unconfigured", 0)
    losses = ("dropped_frames", "dropped_events", "thinned_rows", "refused_frames", "lost_in_memory")
    assert [sync[name] for name in losses] == [0] * 5


async def test_an_unknown_path_is_a_problem_and_headers_protect(edge_stack: Stack) -> None:
    answer = await edge_stack.api.get("/api/v1/nothing")
    assert is_problem(answer, 404)
    assert "frame-ancestors 'none'" in answer.headers["content-security-policy"]
    assert answer.headers["x-content-type-options"] == "nosniff"
    assert answer.headers["cache-control"] == "no-store"


@pytest.mark.integration
async def test_the_live_stream_says_at_once_and_again(edge_stack: Stack) -> None:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
        server = uvicorn.Server(uvicorn.Config(edge_stack.app, log_config=None, lifespan="off"))
        task = asyncio.create_task(server._serve([listener]))
        async with asyncio.timeout(20), websockets.connect(f"ws://127.0.0.1:{port}/api/v1/live") as stream:
            messages = [json.loads(await stream.recv()) for _ in range(3)]
        cycles = [message["cycle"] for message in messages]
        assert cycles == sorted(set(cycles))
        assert messages[0]["values"].keys() == messages[-1]["values"].keys()
        await _until(lambda: edge_stack.app.state.crowd.count == 0)
        server.should_exit = True
        with suppress(asyncio.CancelledError):
            await task


async def _until(condition: Callable[[], bool]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110 - bounded; what is watched has no event
            await asyncio.sleep(0.01)


def test_the_kept_openapi_document_is_up_to_date() -> None:
    kept = (ROOT / "docs" / "edge-openapi.json").read_text("utf-8")
    assert kept == document(), "write it again: python -m simems_edge.hmi.openapi > docs/edge-openapi.json"


async def actions_of(stack: Stack, **query: Any) -> list[tuple[str, str]]:
    answer = await stack.api.get("/api/v1/actions", params=query)
    assert answer.status_code == 200
    return [(one["code"], one["actor"]) for one in answer.json()]


async def test_what_was_done_is_listed_newest_first_also_before_it_is_on_the_disk(edge_stack: Stack) -> None:
    headers = await edge_stack.sign_in()
    await edge_stack.api.post("/api/v1/overrides", json=OVERRIDE, headers=headers)
    await edge_stack.pump.flush()
    await edge_stack.api.delete(f"/api/v1/overrides/{TARGET}", headers=headers)
    edge_stack.buffer.append_events(
        [
            wire.Event(
                id="c",
                kind="action",
                code="command.done",
                severity="info",
                component="commands",
                time_us=time.time_ns() // 1000 + 1_000_000,
                text="override from the cloud: done",
                actor="ada@example.com",
            )
        ]
    )
    listed = [("command.done", "ada@example.com"), ("override.set", "operator"), ("sign_in.accepted", "operator")]
    assert await actions_of(edge_stack) == listed
    await edge_stack.pump.flush()
    assert await actions_of(edge_stack) == [listed[0], ("override.cleared", "operator"), *listed[1:]]
    assert await actions_of(edge_stack, limit=2) == [listed[0], ("override.cleared", "operator")]


async def test_seeing_an_alarm_is_an_action_and_an_alarm_is_none(edge_stack: Stack) -> None:
    edge_stack.house.fault(BufferFault("buffer.quota", "full", "effect", "remedy"))
    edge_stack.house.judge(House(writable=True, link="up", error=""))
    headers = await edge_stack.sign_in()
    (alarm,) = [a for a in (await edge_stack.api.get("/api/v1/alarms")).json() if a["code"] == "buffer.quota"]
    await edge_stack.api.post(f"/api/v1/alarms/{alarm['id']}/acknowledge", headers=headers)
    await edge_stack.pump.flush()
    assert await actions_of(edge_stack) == [("alarm.acknowledged", "operator"), ("sign_in.accepted", "operator")]


@pytest.mark.parametrize("path", ["actions?limit=0", "actions?limit=1001", "actions?limit=x", "limits?limit=0"])
async def test_a_list_that_nobody_can_give_is_a_problem(edge_stack: Stack, path: str) -> None:
    assert is_problem(await edge_stack.api.get(f"/api/v1/{path}"), 422)


async def test_a_list_that_the_disk_does_not_give_is_refused_with_its_reason(edge_stack: Stack, tmp_path: Path) -> None:
    await edge_stack.sign_in()
    await edge_stack.pump.flush()
    (tmp_path / "buffer.sqlite").rename(tmp_path / "gone.sqlite")
    assert is_problem(await edge_stack.api.get("/api/v1/actions"), 409)


async def test_limits_from_outside_are_listed_with_what_their_signature_says(edge_stack: Stack, tmp_path: Path) -> None:
    assert (await edge_stack.api.get("/api/v1/limits")).json() == []
    book = ProofBook(tmp_path, Identity(tmp_path / "identity").signing_key, "malmo-1")
    book.append([LimitEntry("dimming", "received", 1_780_000_000_000_000, 4200.0, "contact", 9000.0)])
    book.append([LimitEntry("dimming", "released", 1_780_000_060_000_000, None, "", None)])
    released, received = (await edge_stack.api.get("/api/v1/limits")).json()
    assert (released["what"], released["limit_w"], released["intact"]) == ("released", None, True)
    assert received == {
        "number": 1,
        "code": "dimming",
        "what": "received",
        "time": "2026-05-28T20:26:40Z",
        "limit_w": 4200.0,
        "state": "contact",
        "power_w": 9000.0,
        "intact": True,
    }

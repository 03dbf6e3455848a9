"""A person and the faults: over HTTP and with `simems-edge fault`, against a live cycle on a real port."""

from __future__ import annotations

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass
from pathlib import Path

import httpx
import pytest
import uvicorn
from simems_core import Clock
from simems_core.wire import Event
from simems_edge.buffer import Buffer
from simems_edge.cli.main import run
from simems_edge.config import load_site
from simems_edge.hmi import Access, HouseAlarms, LocalEdge, create_app
from simems_edge.hmi.access import PinHash
from simems_edge.runtime import Runtime
from simems_edge.sync import Identity

ROOT = Path(__file__).parents[3]
PIN = "271828"
ESTOP = "emergency_stop"


@dataclass
class FaultyEdge:
    runtime: Runtime
    events: list[Event]
    url: str
    api: httpx.AsyncClient

    async def sign_in(self) -> dict[str, str]:
        answer = await self.api.post("/auth/pin", json={"pin": PIN})
        return {"Authorization": f"Bearer {answer.json()['access_token']}"}

    async def until(self, condition: Callable[[], bool]) -> None:
        """Looks after each cycle."""
        for _ in range(100):
            if condition():
                return
            await asyncio.to_thread(self.runtime.cycle.wait_decisions, self.runtime.cycle.number, 5.0)
        pytest.fail("did not come about within 100 cycles")

    async def press(self, *, pressed: bool) -> None:
        self.runtime.requests.set_estop(pressed=pressed, actor="test")
        clearable = not pressed
        await self.until(lambda: [f.clearable for f in self.runtime.faults.standing()] == [clearable])


@pytest.fixture
async def faulty_edge(tmp_path: Path) -> AsyncIterator[FaultyEdge]:
    clock, events = Clock.monotonic(), list[Event]()

    def now_us() -> int:
        return clock.utc_us(clock.now_ns())

    buffer = await Buffer.open(tmp_path, now_us)
    runtime = Runtime(load_site(ROOT / "demo" / "site.yaml"), clock=clock, data=tmp_path)
    runtime.on_event = events.append
    await asyncio.to_thread(runtime.start)
    house = HouseAlarms(on_event=events.append, now_us=now_us)
    identity = Identity(tmp_path / "identity")
    edge = LocalEdge(runtime, buffer, None, house, record=events.append, identity=identity, limits=lambda _limit: [])
    with socket.create_server(("127.0.0.1", 0)) as listener:
        url = f"http://127.0.0.1:{listener.getsockname()[1]}"
        app = create_app(edge, Access(PinHash.of(PIN)))
        server = uvicorn.Server(uvicorn.Config(app, log_config=None, lifespan="off"))
        task = asyncio.create_task(server._serve([listener]))
        async with httpx.AsyncClient(base_url=f"{url}/api/v1", timeout=20) as api:
            yield FaultyEdge(runtime, events, url, api)
        server.should_exit = True
        await task
    await asyncio.to_thread(runtime.stop)
    assert runtime.state == "SHUTDOWN"
    await buffer.close()


@pytest.mark.integration
async def test_a_fault_is_listed_refused_and_cleared(faulty_edge: FaultyEdge) -> None:
    api = faulty_edge.api
    assert (await api.get("/faults")).json() == []
    await faulty_edge.press(pressed=True)
    (fault,) = (await api.get("/faults")).json()
    assert (fault["id"], fault["latched"], fault["clearable"]) == ("emergency_stop:site", True, False)
    assert (await api.get("/latest")).json()["state"] == "FAULT"
    await faulty_edge.until(lambda: any(a.latched for a in faulty_edge.runtime.alarms.list(active=True)))
    (alarm,) = [a for a in (await api.get("/alarms?active=true")).json() if a["latched"]]
    assert (alarm["code"], alarm["component"]) == (ESTOP, "site")
    headers = await faulty_edge.sign_in()
    refused = await api.post(f"/faults/{ESTOP}/clear", headers=headers)
    assert refused.status_code == 409
    assert "while its cause stands" in refused.json()["detail"]
    await faulty_edge.press(pressed=False)
    assert (await api.post(f"/faults/{ESTOP}/clear")).status_code == 401
    assert (await api.get("/faults")).json()[0]["clearable"]
    cleared = await api.post(f"/faults/{ESTOP}:site/clear", headers=headers)
    assert (cleared.status_code, cleared.json()) == (200, {"cleared": ["emergency_stop:site"]})
    await faulty_edge.until(lambda: faulty_edge.runtime.state != "FAULT")
    assert (await api.post(f"/faults/{ESTOP}/clear", headers=headers)).status_code == 409
    assert (await api.post("/faults/nonsense/clear", headers=headers)).status_code == 404
    actions = [(e.code, e.actor) for e in faulty_edge.events if e.kind == "action" and e.code.startswith("fault.")]
    refusal = ("fault.clear_refused", "operator")
    assert actions == [refusal, ("fault.cleared", "operator"), refusal]


@pytest.mark.integration
async def test_the_command_line(
    faulty_edge: FaultyEdge, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    async def told(*arguments: str) -> tuple[int, str]:
        code = await asyncio.to_thread(run, ["fault", *arguments, "--url", faulty_edge.url])
        printed = capsys.readouterr()
        return code, printed.out + printed.err

    monkeypatch.setenv("SIMEMS_HMI_PIN", PIN)
    assert await told("list") == (0, "no fault stands\n")
    await faulty_edge.press(pressed=True)
    code, text = await told("list")
    assert code == 1
    assert "its cause stands" in text
    code, text = await told("clear", ESTOP)
    assert code == 1
    assert "cannot be cleared while its cause stands" in text
    await faulty_edge.press(pressed=False)
    code, text = await told("list", "--json")
    assert json.loads(text)[0]["clearable"]
    assert await told("clear", ESTOP) == (0, "cleared: emergency_stop:site\n")
    assert (await told("clear", "nonsense"))[0] == 2
    monkeypatch.setenv("SIMEMS_HMI_PIN", "0")
    code, text = await told("clear", ESTOP)
    assert code == 2
    assert "wrong PIN" in text


def test_nobody_answers(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setenv("SIMEMS_HMI_PIN", PIN)
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    assert run(["fault", "list", "--url", f"http://127.0.0.1:{port}"]) == 3
    assert run(["fault", "clear", ESTOP, "--url", f"http://127.0.0.1:{port}"]) == 3
    assert run(["fault", "list", "--url", "ftp://127.0.0.1"]) == 2
    assert "no answer" in capsys.readouterr().err

"""From a person at the API to what the box does and says: signed, sent, judged, done, answered, once."""

from __future__ import annotations

import asyncio
import io
import zipfile
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from simems_cloud.kit.database import Pool, transaction
from simems_core import Clock, wire
from simems_edge.commands import Actions, CommandDesk, Ledger, Trust
from simems_edge.commands.configuration import Configuration
from simems_edge.config import load_site
from simems_edge.runtime import Runtime
from simems_edge.schedule import ScheduleStore
from simems_edge.sync import CloudClock

pytestmark = pytest.mark.integration
ROOT = Path(__file__).parents[3]
TARGET = "ess0/active_power_w"
OVERRIDE = {"kind": "override", "target": TARGET, "value": 1000.0, "duration_s": 60.0, "reason": "test"}


class Mechanic:
    """What the process of an edge would do."""

    def __init__(self) -> None:
        self.restarts: list[str] = []
        self.rotations = 0

    def restart(self, because: str) -> None:
        self.restarts.append(because)

    async def diagnostics(self) -> bytes:
        out = io.BytesIO()
        with zipfile.ZipFile(out, "w") as archive:
            archive.writestr("x.json", "{}")
        return out.getvalue()

    def rotate_key(self) -> str:
        self.rotations += 1
        return ""


class Control:
    """A runtime with its command desk; ``desk`` again is what a restarted process has."""

    def __init__(self, runtime: Runtime, data: Path) -> None:
        self.runtime, self.data = runtime, data
        self.mechanic = Mechanic()
        self.events: list[wire.Event] = []
        self.clock = CloudClock()

    def desk(self) -> CommandDesk:
        configuration = Configuration(self.data / "site.yaml", self.data, lambda path: [])
        actions = Actions(self.runtime, self.mechanic, configuration, ScheduleStore(self.data))
        parts = (Trust(self.data), Ledger(self.data), actions, self.clock)
        desk = CommandDesk(*parts, record=self.events.append, utc_us=lambda: 1)
        desk.decide_begun(configuration)
        return desk

    @property
    def partners(self) -> dict[str, Any]:
        return {"commands": self.desk(), "clock": self.clock}


@pytest.fixture
async def control(tmp_path: Path) -> AsyncIterator[Control]:
    runtime = Runtime(load_site(ROOT / "demo" / "site.yaml"), clock=Clock.monotonic(), data=tmp_path)
    await asyncio.to_thread(runtime.start)
    yield Control(runtime, tmp_path)
    await asyncio.to_thread(runtime.stop)


class Sender:
    """Sends orders and waits for their end."""

    def __init__(self, person: Any, customer: Any, eventually: Any) -> None:
        self._person, self._customer, self._eventually = person, customer, eventually

    async def send(self, order: dict[str, Any], expected: int | None = None, **more: Any) -> Any:
        path = f"/sites/{self._customer.site}/commands"
        return await self._person.post(path, {"order": order, **more}, expected)

    async def until(self, command: Any, *states: str) -> Any:
        async def there() -> Any:
            found = await self._person.get(f"/commands/{command['id']}")
            return found if found["state"] in states else None

        return await self._eventually(there)

    async def ended(self, order: dict[str, Any], **more: Any) -> Any:
        return await self.until(await self.send(order, **more), "done", "rejected", "expired")


@pytest.fixture
def sender(person: Any, customer: Any, eventually: Any) -> Sender:
    return Sender(person, customer, eventually)


async def test_each_kind_does_what_the_screen_does(
    make_box: Any, take_in: Any, control: Control, sender: Sender, person: Any, customer: Any
) -> None:
    box = make_box()
    async with box.running(**control.partners):
        await take_in(box)
        first = await sender.ended(OVERRIDE)
        assert (first["state"], first["counter"], first["requested_by"]) == ("done", 1, customer.email)
        (standing,) = control.runtime.overrides.standing()
        assert (standing.value, standing.actor) == (1000.0, customer.email)
        assert (await sender.ended({**OVERRIDE, "clear": True}))["state"] == "done"
        assert control.runtime.overrides.standing() == []
        absurd = await sender.ended({**OVERRIDE, "reason": " "})
        assert (absurd["state"], "reason of 1" in absurd["reason"]) == ("rejected", True)
        unknown = await sender.ended({**OVERRIDE, "target": "no/such"})
        assert "cannot be overridden" in unknown["reason"]
        fault = await sender.ended({"kind": "clear_fault", "code": "nothing"})
        assert "no fault that this site can have" in fault["reason"]
        assert (await sender.ended({"kind": "mode", "mode": "STANDBY"}))["state"] in ("done", "rejected")
        assert "no updater" in (await sender.ended(_update()))["reason"]
        assert (await sender.ended({"kind": "rotate_key"}))["state"] == "done"
        assert control.mechanic.rotations == 1
        bundle = await sender.ended({"kind": "diagnostics"})
        answer = await person._api.client.get(
            f"/api/v1/commands/{bundle['id']}/result", headers={"Authorization": f"Bearer {person.token}"}
        )
        assert zipfile.ZipFile(io.BytesIO(answer.content)).namelist() == ["x.json"]
    codes = {event.code for event in control.events}
    assert {"command.accepted", "command.done", "command.rejected"} <= codes
    newest = await person.get(f"/sites/{customer.site}/commands", limit=2)
    assert [row["counter"] for row in newest] == [9, 8]


def _update() -> dict[str, Any]:
    return {"kind": "update", "url": "https://updates.example.com/x.raucb", "sha256": "0" * 64}


async def test_a_schedule_is_checked_and_followed(
    make_box: Any, take_in: Any, control: Control, sender: Sender
) -> None:
    slot = {"begin": "2026-03-01T00:00:00Z", "end": "2026-03-01T01:00:00Z", "mode": "IDLE"}
    schedule = {"version": 1, "id": "p1", "site": control.runtime.site.site.id, "issued_at": slot["begin"]}
    box = make_box()
    async with box.running(**control.partners):
        await take_in(box)
        foreign = await sender.ended({"kind": "schedule", "schedule": {**schedule, "site": "x", "slots": [slot]}})
        assert (foreign["state"], "is not this site" in foreign["reason"]) == ("rejected", True)
        empty = await sender.ended({"kind": "schedule", "schedule": {**schedule, "slots": []}})
        assert "has no slots" in empty["reason"]
        done = await sender.ended({"kind": "schedule", "schedule": {**schedule, "slots": [slot]}})
        assert done["state"] == "done", done["reason"]
        stored = ScheduleStore(control.data).load()
        assert stored is not None
        assert stored.id == "p1"
        assert (await sender.ended({"kind": "schedule", "schedule": None}))["state"] == "done"
        assert ScheduleStore(control.data).load() is None


async def test_what_waits_is_done_when_the_box_comes_and_what_is_over_is_not(
    make_box: Any, take_in: Any, control: Control, sender: Sender, owner_pool: Pool, customer: Any, eventually: Any
) -> None:
    box = make_box()
    async with box.running(**control.partners):
        await take_in(box)
        await sender.ended(OVERRIDE)
    late, waiting = await sender.send(OVERRIDE), await sender.send({**OVERRIDE, "value": 7.0})
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute(
            "update commands set expires_at = now(), not_before = now() - interval '1 hour' where command_id = $1",
            late["id"],
        )
    async with box.running(**control.partners):
        done = await sender.until(waiting, "done", "rejected")
        assert done["state"] == "done"
        over = await sender.until(late, "expired")
        assert "not sent in its time" in over["reason"]
    assert [one.value for one in control.runtime.overrides.standing()] == [7.0]


async def test_a_restart_is_over_when_the_box_is_back_and_nothing_is_done_twice(
    make_box: Any, take_in: Any, control: Control, sender: Sender, owner_pool: Pool, customer: Any, eventually: Any
) -> None:
    box = make_box()
    async with box.running(**control.partners):
        await take_in(box)
        command = await sender.send({"kind": "restart"})
        await sender.until(command, "accepted")
        await eventually(lambda: control.mechanic.restarts)
    async with box.running(**control.partners):
        assert (await sender.until(command, "done"))["reason"] == "restarted"
    assert len(control.mechanic.restarts) == 1
    async with transaction(owner_pool, tenant=customer.tenant_id) as connection:
        await connection.execute("update commands set state = 'sent'")
    async with box.running(**control.partners):
        await sender.until(command, "done")
    assert len(control.mechanic.restarts) == 1


async def test_many_sites_at_once_each_with_its_result(
    make_box: Any, take_in: Any, control: Control, person: Any, customer: Any, eventually: Any
) -> None:
    box = make_box()
    async with box.running(**control.partners):
        await take_in(box)
        sites = [customer.site, "nowhere", customer.site]
        batch = await person.post("/command-batches", {"site_ids": sites, "order": OVERRIDE})
        assert [(row["site_id"], row["error"]) for row in batch["results"]] == [
            *((customer.site, None), ("nowhere", "no site 'nowhere'")),
        ]

        async def over() -> bool:
            found = await person.get(f"/command-batches/{batch['id']}")
            return [row["command"]["state"] for row in found["results"]] == ["done"]

        await eventually(over)


async def test_who_may_not_cannot(api: Any, customer: Any, person: Any, new_customer: Any, sender: Sender) -> None:
    viewer = await new_customer(role="viewer")
    token = await api.sign_in(viewer)
    headers = {"Authorization": f"Bearer {token}"}
    body = {"order": OVERRIDE}
    answer = await api.client.post(f"/api/v1/sites/{customer.site}/commands", headers=headers, json=body)
    assert answer.status_code == 403
    stranger = await api.sign_in(await new_customer())
    path = f"/api/v1/sites/{customer.site}/commands"
    answer = await api.client.post(path, headers={"Authorization": f"Bearer {stranger}"}, json=body)
    assert answer.status_code == 404
    await sender.send(OVERRIDE, 404)


async def test_a_command_for_a_site_without_a_device_is_refused(
    api: Any, customer: Any, connect: Any, person: Any, sender: Sender
) -> None:
    await connect(customer).hello()
    await person.post(f"/devices/{customer.device_id}/revoke")
    answer = await sender.send(OVERRIDE, 409)
    assert "no device" in answer["detail"]


@pytest.mark.parametrize(
    "order",
    [
        {"kind": "nonsense"},
        {**OVERRIDE, "value": "x"},
        {**OVERRIDE, "more": 1},
        {"kind": "update", "url": "http://plain", "sha256": "0" * 64},
        {"kind": "restart", "now": True},
    ],
)
async def test_what_cannot_be_asked_is_refused_by_the_api(sender: Sender, order: dict[str, Any]) -> None:
    await sender.send(order, 422)

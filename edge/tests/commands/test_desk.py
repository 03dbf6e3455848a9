"""The desk over power cuts, damaged files, full disks and commands that fail."""

from __future__ import annotations

import json
from typing import Any

import pytest
from simems_core import wire
from simems_edge.commands import trust
from simems_edge.commands.actions import Outcome
from simems_edge.sync.cloud_clock import CloudClock

SERVER_US = 1_770_000_000_000_000


@pytest.fixture
def ready(tenant: Any, bench: Any) -> Any:
    desk = bench.desk()
    desk.welcome(tenant.welcome)
    bench.hear_the_time()
    return desk


async def test_the_counter_is_on_the_disk_before_anything_is_done(tenant: Any, bench: Any, ready: Any) -> None:
    class Cut(BaseException):
        """The power goes."""

    async def cut(command: wire.Command) -> Outcome:
        assert json.loads((bench.folder / trust.FILE).read_text())["counter"] == command.counter
        raise Cut

    bench.notes.perform = cut
    command = tenant.command(1)
    with pytest.raises(Cut):
        await ready.handle(command)
    del bench.notes.perform
    again = bench.reboot(0)
    bench.hear_the_time()
    assert (await again.handle(command)).state == "accepted"
    assert bench.notes.done == []


async def test_a_full_disk_means_not_done(tenant: Any, bench: Any, ready: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(path: object, content: bytes) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(trust, "write_private", full)
    ack = await ready.handle(tenant.command(1))
    assert (ack.state, "No space left" in ack.reason, bench.notes.done) == ("rejected", True, [])
    monkeypatch.undo()
    assert (await ready.handle(tenant.command(1))).state == "done"


async def test_a_damaged_trust_is_set_aside_and_begins_again_at_the_newest_counter(tenant: Any, bench: Any) -> None:
    desk = bench.desk()
    desk.welcome(tenant.welcome)
    bench.hear_the_time()
    old = tenant.command(5)
    await desk.handle(old)
    (bench.folder / trust.FILE).write_text("{")
    (bench.folder / "commands.json").unlink()
    again = bench.desk()
    assert "not been told" in (await again.handle(old)).reason
    import msgspec

    again.welcome(msgspec.structs.replace(tenant.welcome, command_counter=5))
    assert "counter 5" in (await again.handle(old)).reason
    assert len(bench.notes.done) == 1
    assert (await again.handle(tenant.command(6))).state == "done"


async def test_a_later_welcome_changes_nothing(tenant: Any, another_tenant: Any, bench: Any, ready: Any) -> None:
    other = another_tenant()
    ready.welcome(other.welcome)
    assert (await ready.handle(other.command(9))).state == "rejected"
    assert (await ready.handle(tenant.command(1))).state == "done"


async def test_a_welcome_without_keys_is_no_welcome(tenant: Any, bench: Any) -> None:
    desk = bench.desk()
    desk.welcome(wire.Welcome(tenant=tenant.id, device=tenant.device))
    assert not (bench.folder / trust.FILE).exists()
    assert (await desk.handle(tenant.command(1))).state == "rejected"


async def test_what_breaks_is_rejected_and_the_desk_goes_on(tenant: Any, bench: Any, ready: Any) -> None:
    bench.notes.fails = True
    ack = await ready.handle(tenant.command(1))
    assert (ack.state, "RuntimeError" in ack.reason) == ("rejected", True)
    bench.notes.fails = False
    assert (await ready.handle(tenant.command(2))).state == "done"


async def test_what_was_cut_off_is_said_to_be_unknown_and_a_restart_to_be_over(
    tenant: Any, bench: Any, ready: Any
) -> None:
    from simems_edge.commands.configuration import Configuration

    bench.notes.outcome = Outcome(True, over=False)
    commands = [tenant.command(1, kind="restart", payload="{}"), tenant.command(2)]
    for command in commands:
        assert (await ready.handle(command)).state == "accepted"
    desk = bench.desk()
    desk.decide_begun(Configuration(bench.folder / "site.yaml", bench.folder, lambda path: []))
    states = [(await desk.handle(command)).state for command in commands]
    assert states == ["done", "rejected"]


async def test_forgeries_are_told_once_a_minute_with_their_number(tenant: Any, bench: Any, ready: Any) -> None:
    import msgspec

    for _ in range(50):
        await ready.handle(msgspec.structs.replace(tenant.command(1), signature="00" * 64))
    assert [event.code for event in bench.events] == ["command.forged"]
    bench.wall_us += 61_000_000
    await ready.handle(msgspec.structs.replace(tenant.command(1), signature="00" * 64))
    assert "50 refused" in bench.events[-1].text
    assert bench.events[-1].severity == "warning"


def test_the_clouds_time_is_an_interval_that_holds_the_truth() -> None:
    now = [0.0]
    clock = CloudClock(lambda: now[0])
    assert clock.moment() is None
    clock.answered(7, SERVER_US)
    assert clock.moment() is None, "an answer nobody asked for"
    clock.asked(7)
    now[0] += 0.4
    clock.answered(7, SERVER_US)
    moment = clock.moment()
    assert moment is not None
    assert moment.earliest_us <= SERVER_US <= moment.latest_us <= SERVER_US + 401_000
    clock.asked(8)
    now[0] += 9.0
    clock.answered(8, SERVER_US + 5_000_000)
    wide = clock.moment()
    assert wide is not None
    assert wide.latest_us - wide.earliest_us < 500_000, "a slower answer does not replace a better one"
    now[0] += 90_000.0
    assert clock.moment() is None, "a day without an answer ends it"


@pytest.mark.parametrize(("asked_s", "server_us"), [(11.0, SERVER_US), (0.1, 0), (0.1, -5)])
def test_answers_that_tell_too_little_are_no_news(asked_s: float, server_us: int) -> None:
    now = [0.0]
    clock = CloudClock(lambda: now[0])
    clock.asked(1)
    now[0] += asked_s
    clock.answered(1, server_us)
    clock.answered(1, SERVER_US)
    assert clock.moment() is None

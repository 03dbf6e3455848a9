"""Whole sessions with real clients of both versions, and stations that misbehave."""

from __future__ import annotations

import asyncio
import contextlib
import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from charge_points import Station
from charging_bench import Bench, Running, charging_site, connector, listening, until, unused_port
from ocpp.exceptions import NotSupportedError, OCPPError
from simems_edge.bridges.ocpp import sessions
from simems_edge.bridges.ocpp.orders import (
    CONFIGURE_PARTS,
    GetDiagnostics,
    RemoteStart,
    RemoteStop,
    Reset,
    Trigger,
    UpdateFirmware,
)
from simems_edge.bridges.ocpp.store import FILE
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

pytestmark = pytest.mark.integration
both_versions = pytest.mark.parametrize("version", ["ocpp1.6", "ocpp2.0.1"])


def profiles(station: Station) -> list[dict[str, Any]]:
    return [payload[1] for action, payload in station.heard if action == "SetChargingProfile"]


@both_versions
async def test_a_whole_session(running: Running, version: str) -> None:
    station = Station("CP1")
    async with running(connector("evcs0", "CP1")) as bench:
        bench.want("evcs0", 16.0)
        async with bench.connected(station, version) as client:
            assert (await client.boot()).status == "Accepted"
            await client.say_status(1, "Available")
            outlet = station.outlets[1]
            await station.until(lambda: outlet.allowed_a() == 6.0)
            assert [one["charging_profile_purpose"] for one in profiles(station)] == ["TxDefaultProfile"]
            assert await client.authorise("tag") == "Accepted"
            assert await client.authorise("OTHER") == "Invalid"
            outlet.plugged = True
            await client.say_status(1, "Preparing")
            transaction = await client.start_transaction(1, "TAG")
            await station.until(lambda: outlet.allowed_a() == 16.0)
            await client.say_status(1, "Charging")
            await _takes(outlet, 16.0)
            await client.meter(1)
            await until(lambda: bench.value("evcs0/current_a") == 48.0)
            assert bench.value("evcs0/active_power_w") == pytest.approx(3 * 16 * 230)
            assert bench.value("evcs0/phases") == 3.0
            await until(lambda: bench.value("evcs0/status") == 3.0)
            await until(lambda: bench.value("evcs0/reserved_current_a") == 16.0)
            bench.want("evcs0", 8.0)
            await station.until(lambda: outlet.allowed_a() == 8.0)
            outlet.meter_wh = 4321.0
            await client.stop_transaction(transaction, outlet.meter_wh)
            outlet.transaction, outlet.plugged = None, False
            await client.say_status(1, "Available")
            await until(lambda: bench.value("evcs0/active_power_w") == 0.0)
        (session,) = bench.store.newest()
        assert (session.open, session.id_tag, session.remark) == (False, "TAG", "")
        assert session.meter_stop_wh == pytest.approx(outlet.meter_wh, abs=1.0)
        assert session.energy_wh == session.meter_stop_wh - session.meter_start_wh
        stacks = {(one["charging_profile_purpose"], one["stack_level"]) for one in profiles(station)}
        assert stacks == {("TxDefaultProfile", 0), ("TxProfile", 0), ("TxProfile", 1)}


async def _takes(outlet: Any, current_a: float) -> None:
    outlet.draws_a()
    await until(lambda: outlet.draws_a() == current_a)


@both_versions
async def test_a_station_is_told_what_this_edge_relies_on(running: Running, version: str) -> None:
    station = Station("CP1")
    stations = [{"id": "CP1", "maximum_current_a": 20}]
    async with (
        running(connector("evcs0", "CP1"), ocpp={"stations": stations}) as bench,
        bench.connected(station, version) as client,
    ):
        await client.boot()
        await station.until(lambda: station.maximum_a == 20.0)
        await station.until(lambda: "SendLocalList" in {action for action, _ in station.heard})
        if version == "ocpp1.6":
            keys = {payload[0] for action, payload in station.heard if action == "ChangeConfiguration"}
            assert len(keys) == CONFIGURE_PARTS
        await station.until(lambda: ("TriggerMessage", "StatusNotification") in station.heard)


@both_versions
@pytest.mark.parametrize("obliging", [True, False])
async def test_a_change_is_followed_by_a_question_for_values(running: Running, version: str, obliging: bool) -> None:
    """Its own turn may be minutes away. A station that does not tell when it is asked is asked once."""
    station, asked = Station("CP1"), ("TriggerMessage", "MeterValues")
    outlet = station.outlets[1]
    outlet.plugged = True

    async def refuse(action: str) -> None:
        if action == "TriggerMessage" and station.heard[-1] == asked and not obliging:
            raise NotSupportedError

    station.before_answer, station.tells_meter = refuse, lambda client: client.meter(1)
    async with running(connector("evcs0", "CP1")) as bench, bench.connected(station, version) as client:
        await client.boot()
        bench.want("evcs0", 16.0)
        await client.start_transaction(1, "TAG")
        await _takes(outlet, 16.0)
        await station.until(lambda: asked in station.heard)
        if obliging:
            await until(lambda: bench.value("evcs0/current_a") == 48.0)
        bench.want("evcs0", 10.0)
        await _takes(outlet, 10.0)
        if obliging:
            await until(lambda: bench.value("evcs0/current_a") == 30.0)
            assert station.heard.count(asked) == 2
        else:
            for current_a in (8.0, 12.0):  # a raise comes a second after the last limit: time to ask for that
                bench.want("evcs0", current_a)
                await _takes(outlet, current_a)
            assert station.heard.count(asked) == 1


@both_versions
async def test_the_limit_ends_by_itself_when_nobody_speaks(running: Running, version: str) -> None:
    """Stack 1 has a duration, and beneath it stack 0 is the safe current, without end."""
    station = Station("CP1")
    async with running(connector("evcs0", "CP1")) as bench, bench.connected(station, version) as client:
        await client.boot()
        bench.want("evcs0", 20.0)
        await client.start_transaction(1, "TAG")
        outlet = station.outlets[1]
        await station.until(lambda: outlet.allowed_a() == 20.0 and len(outlet.profiles) == 3)
        later = datetime.now(UTC) + timedelta(seconds=75)
        valid = [one for one in outlet.profiles.values() if one.purpose == "TxProfile" and one.valid(later)]
        assert [(one.stack, one.limit_a) for one in valid] == [(0, 6.0)]


@both_versions
async def test_a_session_goes_on_over_a_lost_connection_and_a_restart(running: Running, version: str) -> None:
    station = Station("CP1")
    outlet = station.outlets[1]
    async with running(connector("evcs0", "CP1")) as bench:
        async with bench.connected(station, version) as client:
            await client.boot()
            transaction = await client.start_transaction(1, "TAG")
        outlet.profiles.clear()
        bench.want("evcs0", 12.0)
        async with bench.connected(station, version) as client:  # it does not boot: it was never off
            await station.until(lambda: outlet.allowed_a() == 12.0)
    outlet.profiles.clear()
    async with running(connector("evcs0", "CP1")) as bench:
        bench.want("evcs0", 14.0)
        async with bench.connected(station, version) as client:
            await station.until(lambda: outlet.allowed_a() == 14.0)
            outlet.meter_wh += 5000.0
            await client.stop_transaction(transaction, outlet.meter_wh)
        (session,) = bench.store.newest()
        assert not session.open
        assert session.energy_wh == pytest.approx(5000.0, abs=1.0)


@both_versions
async def test_told_twice_is_one_session(running: Running, version: str) -> None:
    """A station that lost the answer tells its start and its end again, after it connected again."""
    station = Station("CP1")
    at = datetime.now(UTC)
    async with running(connector("evcs0", "CP1")) as bench:
        async with bench.connected(station, version) as client:
            first = await client.start_transaction(1, "TAG", at)
        async with bench.connected(station, version) as client:
            if version == "ocpp1.6":
                assert await client.start_transaction(1, "TAG", at) == first
            else:
                await client.event("Started", 1, first, "TAG", sequence=0, at=at)
            for _ in range(2):
                await client.stop_transaction(first, 5000.0, at + timedelta(minutes=5))
        assert [one.open for one in bench.store.newest()] == [False]


async def test_the_end_of_an_unknown_transaction_is_accepted_and_kept(running: Running) -> None:
    station = Station("CP1")
    async with running(connector("evcs0", "CP1")) as bench, bench.connected(station) as client:
        await client.stop_transaction("-1", 7000.0)
        (session,) = bench.store.newest()
        assert (session.meter_stop_wh, session.remark) == (7000.0, sessions.NEVER_STARTED)


async def test_who_is_not_listed_gets_no_current(running: Running) -> None:
    station = Station("CP1")
    async with running(connector("evcs0", "CP1")) as bench, bench.connected(station) as client:
        await client.boot()
        bench.want("evcs0", 16.0)
        await client.start_transaction(1, "STRANGER")
        await station.until(lambda: station.outlets[1].allowed_a() == 0.0)
        assert bench.store.newest()[0].id_tag == "STRANGER"


async def test_a_clock_that_is_hours_off_still_gets_its_limit(running: Running) -> None:
    station = Station("CP1", wrong_clock=timedelta(hours=-5))
    async with running(connector("evcs0", "CP1")) as bench, bench.connected(station) as client:
        await client.boot()
        await client.say_status(1, "Preparing")
        bench.want("evcs0", 16.0)
        await client.start_transaction(1, "TAG")
        await station.until(lambda: station.outlets[1].allowed_a() == 16.0)
        await until(lambda: ("evcs0", "device_clock_off") in bench.problems)


async def test_a_second_socket_takes_the_place_of_the_first(running: Running) -> None:
    one, two = Station("CP1"), Station("CP1")
    async with running(connector("evcs0", "CP1")) as bench, bench.connected(one) as first:
        await first.boot()
        async with bench.connected(two) as second:
            await second.boot()
            with pytest.raises((ConnectionClosed, TimeoutError)):
                await first.beat()
            await second.beat()


async def test_garbage_unknown_and_broken_messages_cost_only_themselves(running: Running) -> None:
    station = Station("CP1")
    async with running(connector("evcs0", "CP1")) as bench, bench.connected(station) as client:
        for raw in ("", "{}", "[", "[2]", '[2,"1","Heartbeat"]', "[9,1,1,1]", "[" * 5000, '[2,["x"],{},{}]', "null"):
            await client._connection.send(raw)
        await client.boot()
        with pytest.raises(OCPPError):
            await _raw_call(client, "SelfDestruct", {})
        with pytest.raises(OCPPError):
            await _raw_call(client, "StartTransaction", {"connectorId": 1})
        await client.beat()
        assert bench.store.count() == 0


async def test_only_garbage_ends_the_connection(running: Running) -> None:
    station = Station("CP1")
    async with running(connector("evcs0", "CP1")) as bench, bench.connected(station) as client:
        for _ in range(20):
            await client._connection.send("{}")
        await asyncio.wait_for(client._connection.wait_closed(), 5.0)


async def _raw_call(client: Any, action: str, payload: dict[str, Any]) -> Any:
    """Past the client's own checks."""
    await client._connection.send(json.dumps([2, action, action, payload]))
    async with asyncio.timeout(5.0):
        answer = await client._get_specific_response(action, 5.0)
    if answer.message_type_id == 4:
        raise answer.to_exception()
    return answer


async def test_a_request_with_a_known_number_gets_its_answer_again(running: Running) -> None:
    station = Station("CP1")
    time = datetime.now(UTC).isoformat()
    payload = {"connectorId": 1, "idTag": "TAG", "meterStart": 5, "timestamp": time}
    async with running(connector("evcs0", "CP1")) as bench, bench.connected(station) as client:
        first = await _raw_call(client, "StartTransaction", payload)
        again = await _raw_call(client, "StartTransaction", payload)
        assert first.payload == again.payload
        assert bench.store.count() == 1


@both_versions
async def test_every_request_reaches_the_station(running: Running, version: str) -> None:
    station = Station("CP1")
    async with running(connector("evcs0", "CP1")) as bench, bench.connected(station, version) as client:
        await client.boot()
        transaction = await client.start_transaction(1, "TAG")
        link = bench.bridge.stations["CP1"].link
        assert link is not None
        for order in (
            RemoteStart(1, "TAG"),
            RemoteStop(transaction),
            Reset(hard=True),
            Trigger("MeterValues", 1),
            UpdateFirmware("https://updates.example/a.bin", 1_790_000_000_000_000),
            GetDiagnostics("https://logs.example/"),
        ):
            await link.ask(order)
        heard = [action for action, _ in station.heard]
        expected = ["RemoteStart", "RemoteStop", "Reset", "TriggerMessage", "UpdateFirmware", "GetDiagnostics"]
        assert set(expected) <= set(heard)


@both_versions
async def test_phases_change_only_at_rest(running: Running, version: str) -> None:
    station = Station("CP1")
    outlet = station.outlets[1]

    def offered() -> list[int]:
        key = "charging_schedule"
        schedules = [one[key][0] if isinstance(one[key], list) else one[key] for one in profiles(station)]
        return [one["charging_schedule_period"][0].get("number_phases", 0) for one in schedules if "duration" in one]

    async with (
        running(connector("evcs0", "CP1", switch_phases=True)) as bench,
        bench.connected(station, version) as client,
    ):
        await client.boot()
        outlet.plugged = True
        await client.start_transaction(1, "TAG")
        bench.want("evcs0", 10.0)
        await _takes(outlet, 10.0)
        await client.meter(1)
        bench.wanted["evcs0/phases"] = 1.0
        bench.want("evcs0", 12.0)
        await station.until(lambda: outlet.allowed_a() == 12.0)
        assert set(offered()) == {3}, "current flows"
        bench.want("evcs0", 0.0)
        await _takes(outlet, 0.0)
        await client.meter(1)
        bench.want("evcs0", 8.0)
        await station.until(lambda: outlet.allowed_a() == 8.0)
        assert offered()[-1] == 1
        transaction = outlet.transaction
    station.heard.clear()
    async with (
        running(connector("evcs0", "CP1", switch_phases=True)) as bench,
        bench.connected(station, version) as client,
    ):
        outlet.transaction = transaction
        bench.want("evcs0", 9.0)
        await station.until(lambda: outlet.allowed_a() == 9.0)
        assert set(offered()) == {1}, "a restart is no reason"


async def test_a_station_that_never_answers_stays_reserved_and_others_get_less(running: Running) -> None:
    mute, other = Station("CP1"), Station("CP2")

    async def never(action: str) -> None:
        await asyncio.sleep(3600.0 if action == "SetChargingProfile" else 0.0)

    evcs = (connector("evcs0", "CP1"), connector("evcs1", "CP2"))
    clusters = [{"id": "garage", "members": ["evcs0", "evcs1"], "limit_a": 40}]
    async with (
        running(*evcs, ocpp={"answer": 1}, clusters=clusters) as bench,
        bench.connected(mute) as first,
        bench.connected(other) as second,
    ):
        for client in (first, second):
            await client.boot()
            await client.start_transaction(1, "TAG")
        bench.want("evcs0", 32.0)
        await mute.until(lambda: mute.outlets[1].allowed_a() == 32.0, 20.0)
        mute.before_answer = never
        bench.want("evcs0", 6.0)
        bench.want("evcs1", 32.0)
        await until(lambda: ("evcs0", "no_answer") in bench.problems)
        await other.until(lambda: other.outlets[1].allowed_a() == 8.0, 20.0)
        assert bench.value("evcs0/reserved_current_a") == 32.0


async def test_a_station_that_is_away_is_told_and_its_values_go_stale(running: Running) -> None:
    station = Station("CP1")
    async with running(connector("evcs0", "CP1")) as bench, contextlib.AsyncExitStack() as stack:
        await until(lambda: bench.value("evcs0/communication") == 0.0)
        client = await stack.enter_async_context(bench.connected(station))
        await client.boot()
        await until(lambda: bench.value("evcs0/communication") == 1.0)
        await stack.aclose()
        await until(lambda: bench.value("evcs0/communication") == 0.0)


async def test_a_stranger_is_refused(running: Running) -> None:
    async with running(connector("evcs0", "CP1")) as bench:
        with pytest.raises(Exception, match="401"):
            async with bench.connected(Station("CP9")):
                pytest.fail("it was let in")


async def test_a_version_that_nobody_knows_is_let_go(running: Running) -> None:
    async with running(connector("evcs0", "CP1")) as bench:
        assert bench.site.ocpp is not None
        async with connect(f"ws://127.0.0.1:{bench.site.ocpp.port}/CP1") as opened, asyncio.timeout(5.0):
            with pytest.raises(ConnectionClosed):
                await opened.recv()


async def test_the_port_is_taken_and_told_then_free_again(running: Running) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        async with running(connector("evcs0", "CP1"), ocpp={"port": port}) as bench:
            await until(lambda: ("evcs0", "ocpp_not_listening") in bench.problems)


async def test_a_disk_that_refuses_stops_nobody_but_charging(running: Running, tmp_path: Path) -> None:
    """The bridge is there and says so; stations connect once sessions can be kept."""
    (tmp_path / FILE).mkdir()
    site = charging_site(connector("evcs0", "CP1"), ocpp={"port": unused_port(), "host": "127.0.0.1"})
    bench = Bench(site, tmp_path)
    assert "charging_store_failed" in {code for _, code in bench.problems}
    assert bench.bridge.addresses == {"evcs0/current_limit_a"}
    serving = asyncio.create_task(bench.bridge.run())
    (tmp_path / FILE).rmdir()
    try:
        await listening(bench)
        async with bench.connected(Station("CP1")) as client:
            assert (await client.boot()).status == "Accepted"
        assert ("evcs0", "charging_store_failed") not in bench.problems
    finally:
        serving.cancel()
        await asyncio.gather(serving, return_exceptions=True)


async def test_a_transaction_that_cannot_be_kept_is_refused_and_taken_when_told_again(running: Running) -> None:
    station = Station("CP1")
    async with running(connector("evcs0", "CP1")) as bench, bench.connected(station) as client:
        await client.boot()
        at = datetime.now(UTC)
        bench.store._database.execute("pragma query_only = on")
        with pytest.raises(OCPPError):
            await client.start_transaction(1, "TAG", at)
        bench.store._database.execute("pragma query_only = off")
        await client.start_transaction(1, "TAG", at)
        assert bench.store.count() == 1

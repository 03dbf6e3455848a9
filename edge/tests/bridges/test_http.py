"""HTTP devices over real sockets: right answers, and every kind of wrong one."""

from __future__ import annotations

import asyncio
import hashlib
import itertools
import json
import math
import ssl
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
from simems_edge.devices import Profile, load_profile, profile_names
from simems_edge.devices.profile_check import read_case

from .broker import Authority
from .conftest import bridge_site as site_of
from .conftest import unused_port
from .http_devices import Answer, Asked, HttpPeer, http_component, http_peer

pytestmark = pytest.mark.integration
CASES = Path(__file__).parents[1] / "devices" / "round_trips"
JSON = {"Content-Type": "application/json"}
POWER = "/rpc/EM.GetStatus?id=0"
PROFILES = [name for name in profile_names() if load_profile(name).protocol == "http"]
HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"


def documents(profile: str) -> dict[str, Any]:
    """Of the profile's case, with what must move moving."""
    found = dict(read_case(CASES / f"{profile}.yaml").documents)
    for one in load_profile(profile).alive:
        if one.http is not None:
            found[one.http.path] = _moving(found[one.http.path], one.http.pointer.split("/")[1:])
    return found


def _moving(document: Any, tokens: list[str]) -> Any:
    ticks = itertools.count(1000)

    def answer(_asked: Asked) -> Any:
        copy = json.loads(json.dumps(document))
        inner = copy
        for token in tokens[:-1]:
            inner = inner[token]
        inner[tokens[-1]] = next(ticks)
        return copy

    return answer


def fast(profile: str, poll_s: float = 0.2, stale_after_s: float = 2.0) -> Profile:
    """The shipped profile, polled faster and stale sooner, so that a test need not wait."""
    shipped = load_profile(profile)
    rows = tuple(c.model_copy(update={"poll_s": poll_s, "stale_after_s": stale_after_s}) for c in shipped.channels)
    return shipped.model_copy(update={"channels": rows})


async def test_every_profile_over_the_wire(run_bench: Any) -> None:
    async with AsyncExitStack() as stack:
        peers = {name: await stack.enter_async_context(http_peer(documents(name))) for name in PROFILES}
        site = site_of(*(http_component(name, name, peer) for name, peer in peers.items()))
        bench = await stack.enter_async_context(run_bench(site))
        await bench.until(lambda: all(bench.value(f"{name}/communication") == 1.0 for name in PROFILES))
        for name in PROFILES:
            case = read_case(CASES / f"{name}.yaml")
            assert {channel: bench.value(f"{name}/{channel}") for channel in case.values} == pytest.approx(case.values)
        assert not bench.problems


def meter(run_bench: Any, peer: HttpPeer) -> Any:
    site = site_of(http_component("grid0", "shelly_gen2_em", peer))
    return run_bench(site, profiles={"grid0": fast("shelly_gen2_em")})


WRONG = {
    "another status": Answer(b"{}", "500 Internal Server Error"),
    "redirected": Answer(b"", "302 Found", {"Location": "http://127.0.0.1:1/"}),
    "another type": Answer(b"<html></html>", headers={"Content-Type": "text/html"}),
    "no type": Answer(b'{"total_act_power": 1}', headers={}),
    "garbage": Answer(b"\xff\xfe\x00 nothing", headers=JSON),
    "not a number": Answer(b'{"total_act_power": NaN}', headers=JSON),
    "nested too deep": Answer(b"[" * 100_000, headers=JSON),
    "huge, announced": Answer(b"", headers=JSON | {"Content-Length": "99999999"}),
    "huge, not announced": Answer(raw=HEAD + b"\r\n" + b" " * 300_000, close=True),
    "cut": Answer(raw=HEAD + b'Content-Length: 40\r\n\r\n{"total', close=True),
    "half, then silence": Answer(raw=HEAD + b'Content-Length: 40\r\n\r\n{"to'),
    "no HTTP": Answer(raw=b"SSH-2.0-OpenSSH_9.2\r\n", close=True),
    "reset": Answer(raw=b"", close=True),
    "compressed": Answer(b"x", headers=JSON | {"Content-Encoding": "gzip"}),
    "silence": Answer(raw=b""),
    "a list": Answer(b"[1, 2]", headers=JSON),
    "text for a number": Answer(b'{"total_act_power": "12", "a_freq": 50}', headers=JSON),
    "truth for a number": Answer(b'{"total_act_power": true}', headers=JSON),
    "null": Answer(b'{"total_act_power": null}', headers=JSON),
    "larger than a double": Answer(b'{"total_act_power": 1' + b"0" * 400 + b"}", headers=JSON),
}


async def test_no_wrong_answer_becomes_a_value_and_each_recovers(run_bench: Any) -> None:
    names = {f"d{number}": wrong for number, wrong in enumerate(WRONG)}
    async with AsyncExitStack() as stack:
        peers = {name: await stack.enter_async_context(http_peer(documents("shelly_gen2_em"))) for name in names}
        site = site_of(*(http_component(n, "shelly_gen2_em", peer, timeout=1.0) for n, peer in peers.items()))
        bench = await stack.enter_async_context(
            run_bench(site, profiles=dict.fromkeys(names, fast("shelly_gen2_em", 0.5, 3.0)))
        )
        await bench.until(lambda: all(bench.value(f"{name}/active_power_w") == 715.5 for name in names), 40)
        for name, peer in peers.items():
            peer.documents[POWER] = WRONG[names[name]]
        await bench.until(lambda: not any(bench.valid(f"{name}/active_power_w") for name in names), 40)
        await bench.until(lambda: {names[name] for name, _ in bench.problems} >= set(WRONG) - NO_PROBLEM, 40)
        for peer in peers.values():
            peer.documents[POWER] = documents("shelly_gen2_em")[POWER]
        await bench.until(lambda: all(bench.value(f"{name}/active_power_w") == 715.5 for name in names), 40)
        await bench.until(lambda: not bench.problems, 40)


NO_PROBLEM = {"a list", "text for a number", "truth for a number", "null", "larger than a double"}
"""Right documents without this value: it is bad, the device answers."""


async def test_a_late_answer_is_never_taken_for_a_current_one(run_bench: Any) -> None:
    right, late = documents("shelly_gen2_em"), asyncio.Event()
    async with http_peer(dict(right)) as peer, meter(run_bench, peer) as bench:
        await bench.until(lambda: bench.value("grid0/active_power_w") == 715.5)
        peer.documents[POWER] = Answer(b'{"total_act_power": 1, "a_freq": 50}', delay=late)
        await bench.until(lambda: ("grid0", "communication_lost") in bench.problems)
        peer.documents = dict(right)
        peer.documents[POWER] = right[POWER] | {"total_act_power": 2.0}
        late.set()
        await bench.until(lambda: bench.value("grid0/active_power_w") == 2.0)
        assert bench.latch().last_value(bench.image.handle("grid0/active_power_w")) == 2.0


async def test_a_device_whose_clock_stands_still_is_not_believed(run_bench: Any) -> None:
    frozen = fast("shelly_gen2_em")
    short = frozen.model_copy(update={"alive": tuple(a.model_copy(update={"within_s": 0.5}) for a in frozen.alive)})
    right = documents("shelly_gen2_em")
    async with http_peer(dict(right)) as peer:
        site = site_of(http_component("grid0", "shelly_gen2_em", peer))
        async with run_bench(site, profiles={"grid0": short}) as bench:
            await bench.until(lambda: bench.value("grid0/active_power_w") == 715.5)
            peer.documents["/rpc/Sys.GetStatus"] = {"uptime": 5}
            await bench.until(lambda: ("grid0", "device_frozen") in bench.problems)
            assert not bench.valid("grid0/active_power_w")
            assert bench.value("grid0/communication") == 0.0
            peer.documents = dict(right)
            await bench.until(lambda: bench.value("grid0/active_power_w") == 715.5 and not bench.problems)


class Relay:
    """Answers as a Shelly relay does."""

    def __init__(self) -> None:
        self.on, self.stuck, self.ticks = False, False, itertools.count()
        self.documents: dict[str, Any] = {
            "/rpc/Switch.GetStatus?id=0": lambda _asked: {"output": self.on},
            "/rpc/Sys.GetStatus": lambda _asked: {"uptime": next(self.ticks)},
            "/rpc/Switch.Set": self._set,
        }

    def _set(self, asked: Asked) -> Any:
        was = self.on
        if not self.stuck:
            self.on = json.loads(asked.body)["on"]
        return {"was_on": was}


def relay_bench(run_bench: Any, peer: HttpPeer) -> Any:
    site = site_of(http_component("r0", "shelly_gen2_relay", peer))
    return run_bench(site, profiles={"r0": fast("shelly_gen2_relay")})


async def test_a_relay_is_switched_read_back_not_repeated_and_handed_back(run_bench: Any) -> None:
    relay = Relay()
    async with http_peer(relay.documents) as peer:
        async with relay_bench(run_bench, peer) as bench:
            await bench.until(lambda: bench.value("r0/state") == 0.0)
            bench.write("r0/state", 1.0)
            await bench.until(lambda: bench.value("r0/state") == 1.0)
            looked = len(peer.asked)
            await bench.until(lambda: (bench.write("r0/state", 1.0), len(peer.asked) > looked + 10)[1])
            assert len(peer.sent("POST", "/rpc/Switch.Set")) == 1, "what it holds is not sent again"
            assert json.loads(peer.sent("POST", "/rpc/Switch.Set")[0])["toggle_after"] == 60
        assert not relay.on, "handed back on an orderly stop"


async def test_a_relay_that_does_not_follow_is_told(run_bench: Any) -> None:
    relay = Relay()
    relay.stuck = True
    async with http_peer(relay.documents) as peer, relay_bench(run_bench, peer) as bench:
        await bench.until(lambda: bench.value("r0/state") == 0.0)
        bench.write("r0/state", 1.0)
        await bench.until(lambda: ("r0", "setpoint_mismatch") in bench.problems)
        relay.stuck = False
        await bench.until(lambda: (bench.write("r0/state", 1.0), relay.on)[1])
        await bench.until(lambda: not bench.problems)


async def test_what_cannot_be_set_is_not_sent(run_bench: Any) -> None:
    relay = Relay()
    async with http_peer(relay.documents) as peer, relay_bench(run_bench, peer) as bench:
        await bench.until(lambda: bench.value("r0/state") == 0.0)
        for wrong in (0.5, 7.0, math.nan, math.inf):
            bench.write("r0/state", wrong)
            await bench.until(lambda: ("r0", "setpoint_rejected") in bench.problems)
            bench.write("r0/state", 0.0)
            await bench.until(lambda: not bench.problems)
        assert all(json.loads(body)["on"] is False for body in peer.sent("POST", "/rpc/Switch.Set"))


def _digest(asked: Asked, password: str) -> bool:
    """Checks an answer to the challenge below by RFC 7616, without the client's code."""
    header = asked.headers.get("authorization", "")
    if not header.startswith("Digest "):
        return False
    given = dict(part.strip().replace('"', "").split("=", 1) for part in header[7:].split(","))

    def sha(text: str) -> str:
        return hashlib.sha256(text.encode()).hexdigest()

    first = sha(f"admin:shelly:{password}")
    second = sha(f"{asked.method}:{asked.path}")
    return given["response"] == sha(f"{first}:{given['nonce']}:{given['nc']}:{given['cnonce']}:auth:{second}")


@pytest.mark.parametrize("password", ["right", "wrong"])
async def test_digest_authentication(run_bench: Any, tmp_path: Path, password: str) -> None:
    challenge = {"WWW-Authenticate": 'Digest qop="auth", realm="shelly", nonce="60dc2c69", algorithm=SHA-256'}

    def guarded(found: Any) -> Any:
        def answer(asked: Asked) -> Any:
            if not _digest(asked, "right"):
                return Answer(b"", "401 Unauthorized", challenge)
            return found(asked) if callable(found) else found

        return answer

    file = tmp_path / "password"
    file.write_text(password + "\n")
    file.chmod(0o600)
    inside = {path: guarded(found) for path, found in documents("shelly_gen2_em").items()}
    async with http_peer(inside) as peer:
        access = {"auth": "digest", "user": "admin", "password_file": str(file)}
        async with run_bench(site_of(http_component("grid0", "shelly_gen2_em", peer, **access))) as bench:
            if password == "right":
                await bench.until(lambda: bench.value("grid0/active_power_w") == 715.5)
                return
            await bench.until(lambda: ("grid0", "access_refused") in bench.problems)
            assert "wrong" not in bench.problems["grid0", "access_refused"]


async def test_a_password_open_to_others_is_not_used(run_bench: Any, tmp_path: Path) -> None:
    file = tmp_path / "password"
    file.write_text("secret\n")
    file.chmod(0o644)
    async with http_peer(documents("shelly_gen2_em")) as peer:
        access = {"auth": "basic", "user": "admin", "password_file": str(file)}
        async with run_bench(site_of(http_component("grid0", "shelly_gen2_em", peer, **access))) as bench:
            await bench.until(lambda: "chmod 600" in bench.problems.get(("grid0", "access_refused"), ""))
            assert not peer.asked


async def test_a_dead_device_costs_another_nothing_and_states_are_told(run_bench: Any) -> None:
    async with http_peer(documents("shelly_gen2_em")) as peer:
        dead = http_component("dead0", "shelly_gen2_em", peer, url=f"http://127.0.0.1:{unused_port()}")
        async with run_bench(site_of(http_component("grid0", "shelly_gen2_em", peer), dead)) as bench:
            await bench.until(lambda: bench.value("dead0/connection_state") == 3.0)
            assert bench.value("dead0/communication") == 0.0
            await bench.until(lambda: bench.value("grid0/communication") == 1.0)
            before = len(peer.asked)
            await bench.until(lambda: len(peer.asked) >= before + 4)


async def test_an_optional_document_that_is_refused_is_left_alone(run_bench: Any) -> None:
    without = documents("shelly_gen2_em")
    del without["/rpc/EMData.GetStatus?id=0"]
    async with http_peer(without) as peer, meter(run_bench, peer) as bench:
        await bench.until(lambda: bench.value("grid0/active_power_w") == 715.5)
        assert "its channels are missing" in bench.problems["grid0", "documents_refused"]
        assert not bench.valid("grid0/import_energy_wh")


async def test_https_is_taken_from_the_certificate_that_the_site_names_and_from_no_other(
    run_bench: Any, tmp_path: Path
) -> None:
    authority = Authority(tmp_path)
    certificate, key = authority.issue("meter")
    tls = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    tls.load_cert_chain(certificate, key)
    async with http_peer(documents("shelly_gen2_em"), tls) as peer:
        url = f"https://127.0.0.1:{peer.port}"
        trusted = http_component("grid0", "shelly_gen2_em", peer, url=url, ca_file=str(authority.file))
        blind = http_component("grid1", "shelly_gen2_em", peer, url=url)
        async with run_bench(site_of(trusted, blind)) as bench:
            await bench.until(lambda: bench.value("grid0/active_power_w") == 715.5)
            await bench.until(lambda: "not trusted" in bench.problems.get(("grid1", "communication_lost"), ""))
            assert not bench.valid("grid1/active_power_w")

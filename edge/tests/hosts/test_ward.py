"""How a controller's process is watched: births that fail, reports that are none, memory of its own."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from itertools import pairwise

import misbehaving
import pytest
from simems_core import Actuator, Channel, Clock, Cycle, ProcessImage, Source
from simems_edge.hosts import Limits, ward
from simems_edge.hosts.kernel import cause_of_death
from simems_edge.hosts.post import Failed, Ready, Turns, post_box, reports, send


@pytest.fixture
def cycle() -> Iterator[Cycle]:
    image = ProcessImage([Channel("ess0/p"), Channel("steady/turns")], shared=True)
    running = Cycle(
        image,
        period_s=0.01,
        sources=[Source("steady", 3)],
        actuators=[Actuator("ess0/p", minimum=-10.0, maximum=10.0)],
        guards=[],
        clock=Clock.monotonic(),
        desks=[([0], [1])],
    )
    running.start()
    yield running
    running.stop()


def test_a_birth_that_fails_is_told_and_tried_ever_more_slowly(cycle: Cycle, monkeypatch: pytest.MonkeyPatch) -> None:
    told: list[tuple[str | None, int]] = []
    controller = misbehaving.Steady("steady", misbehaving.Steady.Settings(actuator="ess0/p"))
    watched = ward.Ward(
        0, controller, cycle, {"ess0/p": 0}, 0.01, Limits(), lambda text, lost: told.append((text, lost))
    )
    tries: list[float] = []

    def refuse(_self: object, now_s: float) -> None:
        tries.append(now_s)
        raise OSError(11, "Resource temporarily unavailable")

    monkeypatch.setattr(ward.Ward, "_bear", refuse)
    for tenth in range(600):
        watched.look(tenth / 10)
    pauses = [later - earlier for earlier, later in pairwise(tries)]
    assert len(tries) <= 8
    assert pauses == sorted(pauses)
    assert told[0][0] is not None
    assert "no process could be made for it" in told[0][0]


def test_reports_arrive_whole_and_nonsense_is_left_out() -> None:
    ours, theirs = post_box()
    assert send(theirs, Ready())
    for nonsense in (b"", b"{", b"[" * 60_000, b'{"type": "Ready"', b'{"type": "Gone"}', b"\x80\x04N."):
        theirs.send(nonsense)
    send(theirs, Failed(3, "words", "trace"))
    send(theirs, Turns())
    assert list(reports(ours)) == [Ready(), Failed(3, "words", "trace"), Turns()]
    assert list(reports(ours)) == []
    ours.close()
    assert not send(theirs, Ready()), "nobody reads"
    theirs.close()


def test_a_full_post_is_not_waited_for() -> None:
    ours, theirs = post_box()
    theirs.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)
    sent = 0
    while send(theirs, Failed(1, "x" * 500, "")):
        sent += 1
    assert 0 < sent < 10_000
    assert len(list(reports(ours))) <= 100, "a flood is read in portions"
    ours.close()
    theirs.close()


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (-9, "killed by SIGKILL"),
        (-11, "killed by SIGSEGV"),
        (-99, "killed by signal 99"),
        (3, "exit code 3"),
        (77, "too much"),
    ],
)
def test_a_death_is_told_in_words(code: int, words: str) -> None:
    assert words in cause_of_death(code, {77: "it took too much"})

"""Bookkeeping of what goes next: whatever is acknowledged when, each sequence is sent, in bounded numbers."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st
from simems_edge.sync import Shipping


def test_live_goes_past_the_backlog_and_both_end_up_acknowledged() -> None:
    shipping = Shipping(window=10)
    shipping.begin(acked=0, last=100, now_s=0.0)
    assert shipping.next_live(101) == (100, 1)
    shipping.sent(100, 1, 0.0)
    assert shipping.next_backlog(50) == (0, 10)
    shipping.sent(0, 10, 0.0)
    assert shipping.next_backlog(50)[1] == 0
    assert shipping.acknowledged(10, 1.0)
    assert shipping.next_backlog(50) == (10, 10)


def test_a_late_or_doubled_acknowledgement_is_no_news() -> None:
    shipping = Shipping()
    shipping.begin(acked=5, last=5, now_s=0.0)
    assert not shipping.acknowledged(5, 1.0)
    assert not shipping.acknowledged(-1, 1.0)
    assert not shipping.acknowledged(3, 1.0)


def test_silence_is_a_stall_only_while_something_is_out() -> None:
    shipping = Shipping()
    shipping.begin(acked=0, last=0, now_s=0.0)
    assert not shipping.stalled(1000.0, 10.0)
    shipping.sent(0, shipping.next_live(1)[1], 1000.0)
    assert not shipping.stalled(1005.0, 10.0)
    assert shipping.stalled(1011.0, 10.0)


def test_few_heavy_frames_of_the_backlog_are_on_their_way_at_once() -> None:
    shipping = Shipping(backlog_window_bytes=100)
    shipping.begin(acked=0, last=50, now_s=0.0)
    sent = 0
    while shipping.next_backlog(1)[1] and shipping.backlog_room(40):
        sent += 1
        shipping.sent_backlog(sent, 40, 0.0)
    assert sent == 2
    assert shipping.next_live(60) == (50, 10)
    assert shipping.acknowledged(1, 1.0)
    assert shipping.backlog_room(40)


def test_a_frame_larger_than_the_window_goes_alone() -> None:
    shipping = Shipping(backlog_window_bytes=100)
    shipping.begin(acked=0, last=2, now_s=0.0)
    assert shipping.next_backlog(5) == (0, 2)
    assert shipping.backlog_room(1000)
    shipping.sent_backlog(1, 1000, 0.0)
    assert shipping.next_backlog(5)[1] == 0
    shipping.acknowledged(1, 1.0)
    assert shipping.next_backlog(5) == (1, 1)


def test_a_frame_acknowledged_before_it_is_noted_as_sent_takes_no_room() -> None:
    shipping = Shipping(backlog_window_bytes=100)
    shipping.begin(acked=0, last=2, now_s=0.0)
    shipping.acknowledged(1, 1.0)
    shipping.sent_backlog(1, 1000, 1.0)
    assert shipping.next_backlog(5) == (1, 1)


@given(st.integers(1, 40), st.integers(1, 300), st.lists(st.integers(1, 400), min_size=40, max_size=40))
def test_a_backlog_of_any_sizes_drains(count: int, window_bytes: int, sizes: list[int]) -> None:
    shipping, got = Shipping(backlog_window=5, backlog_window_bytes=window_bytes), 0
    shipping.begin(acked=0, last=count, now_s=0.0)
    while got < count:
        flight: list[int] = []
        while shipping.next_backlog(1)[1] and shipping.backlog_room(sizes[got]):
            flight.append(sizes[got])
            got += 1
            shipping.sent_backlog(got, sizes[got - 1], 0.0)
        assert flight
        assert len(flight) <= 5
        assert len(flight) == 1 or sum(flight) < window_bytes
        shipping.acknowledged(got, 0.0)
    assert not shipping.outstanding


@given(st.integers(0, 60), st.integers(1, 20), st.lists(st.tuples(st.integers(0, 3), st.booleans()), max_size=40))
def test_everything_arrives_in_the_end(backlog: int, window: int, turns: list[tuple[int, bool]]) -> None:
    shipping, last, got = Shipping(window), backlog, set[int]()
    shipping.begin(acked=0, last=backlog, now_s=0.0)

    def contiguous() -> int:
        return next(n for n in range(last + 2) if n + 1 not in got)

    def send() -> None:
        for after, count in (shipping.next_live(last), shipping.next_backlog(7)):
            assert after + count <= last
            got.update(range(after + 1, after + count + 1))
            shipping.sent(after, count, 0.0)

    for new, acks in turns:
        last += new
        send()
        if acks:
            shipping.acknowledged(contiguous(), 0.0)
    for _ in range(last + 2):
        send()
        shipping.acknowledged(contiguous(), 0.0)
    assert got == set(range(1, last + 1))
    assert shipping.acked == last
    assert not shipping.outstanding

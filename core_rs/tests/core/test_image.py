"""Image and snapshots as Python sees them."""

from __future__ import annotations

import gc
import threading
from math import isnan

import numpy as np
import pytest
from simems_core import BAD, FORCED, GOOD, STALE, Channel, Clock, CoreError, ProcessImage


def test_views_are_typed_read_only_and_not_copied(small_image: ProcessImage) -> None:
    small_image.publish(0, 1500.0, 7)
    snapshot = small_image.latch(10)
    values, times, qualities = snapshot.values, snapshot.times_ns, snapshot.qualities
    assert (values.format, times.format, qualities.format) == ("d", "q", "B")
    assert values.readonly
    assert (values[0], times[0], qualities[0], qualities[1]) == (1500.0, 7, GOOD, STALE)
    first, second = np.asarray(values), np.asarray(snapshot.values)
    assert first.shape == (len(small_image),)
    assert np.shares_memory(first, second)
    with pytest.raises(TypeError):
        values[0] = 1


def test_a_view_outlives_its_snapshot_and_never_changes(small_image: ProcessImage) -> None:
    small_image.publish(0, 1.0, 1)
    held = np.asarray(small_image.latch(1).values)
    for n in range(2, 200):
        small_image.publish(0, float(n), n)
        small_image.latch(n)
        gc.collect(0)
    assert held[0] == 1.0
    assert small_image.snapshot().value(0) == 199.0


def test_many_snapshots_may_be_held_while_stepping(small_image: ProcessImage) -> None:
    held = []
    for n in range(1, 101):
        small_image.publish(0, float(n), n)
        held.append(small_image.latch(n))
    assert [snapshot.value(0) for snapshot in held] == [float(n) for n in range(1, 101)]
    assert [snapshot.cycle for snapshot in held] == list(range(1, 101))


def test_value_last_value_and_quality(small_image: ProcessImage) -> None:
    soc = small_image.handle("ess0/soc_pct")
    small_image.publish_many([0, soc], [5.0, 120.0], 10, [FORCED, GOOD])
    snapshot = small_image.latch(20)
    assert (snapshot.quality(0), snapshot.value(0)) == (FORCED, 5.0)
    assert (snapshot.quality(soc), snapshot.last_value(soc), snapshot.time_of(soc)) == (BAD, 120.0, 10)
    assert isnan(snapshot.value(soc))
    late = small_image.latch(6_000_000_020)
    assert (late.quality(0), late.quality(1)) == (FORCED, STALE)


def test_an_older_sample_is_ignored(small_image: ProcessImage) -> None:
    small_image.publish(0, 2.0, 20)
    small_image.publish(0, 1.0, 10)
    assert small_image.latch(30).value(0) == 2.0


def test_value_at_interpolates(small_image: ProcessImage) -> None:
    for time_ns, value in ((100, 10.0), (200, 20.0), (300, 40.0)):
        small_image.publish(0, value, time_ns)
        snapshot = small_image.latch(time_ns)
    assert [snapshot.value_at(0, t) for t in (100, 150, 250, 300, 999)] == [10.0, 15.0, 30.0, 40.0, 40.0]
    assert isnan(snapshot.value_at(0, 99))
    assert isnan(snapshot.value_at(1, 100))


def test_nothing_wrong_is_half_written(small_image: ProcessImage) -> None:
    with pytest.raises(CoreError):
        small_image.publish_many([0, 99], [1.0, 2.0], 5)
    assert small_image.latch(10).quality(0) == STALE


def test_threads_publish_and_read_without_tearing() -> None:
    image = ProcessImage([Channel(f"c{n}/v") for n in range(8)])
    done = threading.Event()
    wrong: list[tuple[float, int]] = []

    def write(offset: int) -> None:
        for n in range(offset, 20_000, 2):
            image.publish_many(range(8), [float(n)] * 8, n)

    def read() -> None:
        while not done.is_set():
            snapshot = image.snapshot()
            wrong.extend(
                (value, time_ns)
                for value, time_ns, quality in zip(snapshot.values, snapshot.times_ns, snapshot.qualities, strict=True)
                if quality == GOOD and value != time_ns
            )

    threads = [threading.Thread(target=write, args=(n,)) for n in range(2)]
    reader = threading.Thread(target=read)
    for thread in (*threads, reader):
        thread.start()
    now = 0
    while any(thread.is_alive() for thread in threads):
        now += 1
        image.latch(now)
    done.set()
    reader.join(10)
    assert not wrong


def test_clocks() -> None:
    simulated = Clock.simulated(1_000_000)
    simulated.advance_to(2_000)
    assert (simulated.now_ns(), simulated.utc_us(2_000)) == (2_000, 1_000_002)
    with pytest.raises(CoreError, match="never goes backwards"):
        simulated.advance_to(1_999)
    monotonic = Clock.monotonic()
    fast = Clock.scaled(monotonic.now_ns(), 0, 1000.0)
    target = fast.now_ns() + 1_000_000_000
    fast.sleep_until(target)
    assert fast.now_ns() >= target
    assert fast.speed == 1000.0

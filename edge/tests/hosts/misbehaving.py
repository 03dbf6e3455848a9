"""A controller that goes wrong in a chosen way each time a channel rises, and one that never does."""

from __future__ import annotations

import contextlib
import ctypes
import mmap
import os
import random
import signal
import sys
import time
from collections.abc import Callable
from typing import Any

from simems_edge.contracts import (
    Binding,
    Context,
    Controller,
    ControllerSettings,
    Input,
    Metric,
    Output,
    Priority,
    Spec,
)

WANTED = 5.0
TRIGGER = "test/trigger"
FOREVER_S = 1000.0
TURNS = 10
"""In a row that go wrong, unless the first ends the process."""
_hoard: list[Any] = []


def _sleep_past_the_deadline(_ctx: Context, _actuator: int) -> None:
    time.sleep(0.03)


def _sleep(_ctx: Context, _actuator: int) -> None:
    time.sleep(FOREVER_S)


def _spin(_ctx: Context, _actuator: int) -> None:
    while True:
        pass


def _raise(_ctx: Context, _actuator: int) -> None:
    raise RuntimeError("on purpose")


def _raise_and_keep(ctx: Context, actuator: int) -> None:
    """Keeps every exception, and with it the frames that raised."""
    try:
        _raise(ctx, actuator)
    except RuntimeError as error:
        _hoard.append(error)
        raise


def _nan(ctx: Context, actuator: int) -> None:
    ctx.propose(actuator, preferred=float("nan"))


def _wrong_type(ctx: Context, actuator: int) -> None:
    ctx._rows.append((actuator, "much", None, None, None))  # type: ignore[arg-type]  # past the context's own check


def _absurd(ctx: Context, actuator: int) -> None:
    for _ in range(10_000):
        ctx.propose(actuator, preferred=1e308, lower=-1e308, upper=1e308, offset=-1e300)


def _leak(_ctx: Context, _actuator: int) -> None:
    while True:
        _hoard.append(bytearray(8 * 1024 * 1024))


def _segfault(_ctx: Context, _actuator: int) -> None:
    ctypes.string_at(8)


def _hold_the_gil(_ctx: Context, _actuator: int) -> None:
    ctypes.PyDLL(None).sleep(int(FOREVER_S))


def _recurse(ctx: Context, actuator: int) -> None:
    _recurse(ctx, actuator)


def _leave(_ctx: Context, _actuator: int) -> None:
    sys.exit(3)


def _leave_at_once(_ctx: Context, _actuator: int) -> None:
    os._exit(3)


def _kill_itself(_ctx: Context, _actuator: int) -> None:
    os.kill(os.getpid(), signal.SIGKILL)


def _stop_itself(_ctx: Context, _actuator: int) -> None:
    os.kill(os.getpid(), signal.SIGSTOP)


def _scribble_on_the_image(_ctx: Context, _actuator: int) -> None:
    with open("/proc/self/maps", encoding="ascii") as maps:
        start = next(line.partition("-")[0] for line in maps if "memfd:simems-image" in line)
    ctypes.memset(int(start, 16), 0xFF, 4096)


def _scribble_on_the_desk(_ctx: Context, _actuator: int) -> None:
    chance = random.Random(time.monotonic_ns())
    for number in range(3, 256):
        with contextlib.suppress(OSError):
            if "simems-desk" in os.readlink(f"/proc/self/fd/{number}"):
                _scramble(number, chance)
    os._exit(4)


def _scramble(number: int, chance: random.Random) -> None:
    with mmap.mmap(number, 0) as memory:
        memory[:] = chance.randbytes(len(memory))


def _hoard_snapshots(ctx: Context, _actuator: int) -> None:
    _hoard.append(ctx.snapshot)


def _close_everything(_ctx: Context, _actuator: int) -> None:
    os.closerange(3, 256)


KINDS: dict[str, Callable[[Context, int], None]] = {
    "sleeps past the deadline": _sleep_past_the_deadline,
    "sleeps": _sleep,
    "spins": _spin,
    "raises": _raise,
    "raises and keeps": _raise_and_keep,
    "NaN": _nan,
    "wrong type": _wrong_type,
    "absurd": _absurd,
    "leaks": _leak,
    "segfaults": _segfault,
    "holds the GIL": _hold_the_gil,
    "recurses": _recurse,
    "sys.exit": _leave,
    "os._exit": _leave_at_once,
    "SIGKILL": _kill_itself,
    "SIGSTOP": _stop_itself,
    "scribbles on the image": _scribble_on_the_image,
    "scribbles on its desk": _scribble_on_the_desk,
    "hoards snapshots": _hoard_snapshots,
    "closes its files": _close_everything,
}


def _spec(name: str) -> Spec:
    return Spec(
        type=name,
        owner="edge/tests/hosts",
        priority=Priority.OPTIMISATION,
        control_mode=name.upper(),
        safety_impact="none, a test",
        fallback="none, a test",
        inputs=(Input("site", "state", "goes on"),),
        outputs=(Output("ess", "active_power_w"),),
        metrics=(Metric("turns", "", "Turns taken"),),
        acceptance=("a test",),
        test_plan=("edge/tests/hosts",),
    )


class Steady(Controller):
    """Proposes the same in every turn."""

    spec = _spec("steady")

    class Settings(ControllerSettings):
        actuator: str

    settings: Settings

    def bind(self, binding: Binding) -> None:
        self._actuator = binding._image.handle(self.settings.actuator)
        self._turns = 0

    def execute(self, ctx: Context) -> None:
        self._turns += 1
        ctx.publish("turns", float(self._turns))
        ctx.propose(self._actuator, preferred=WANTED)


class Misbehaving(Controller):
    """As :class:`Steady`, but goes wrong, in one turn, each time the trigger rises."""

    spec = _spec("misbehaving")

    class Settings(ControllerSettings):
        actuator: str
        kind: str

    settings: Settings

    def bind(self, binding: Binding) -> None:
        self._actuator = binding._image.handle(self.settings.actuator)
        self._trigger = binding._image.handle(TRIGGER)
        self._seen: float | None = None
        self._left = 0

    def execute(self, ctx: Context) -> None:
        now = ctx.value(self._trigger) or 0.0
        before, self._seen = self._seen, now
        if before is not None and now > before:
            self._left = TURNS
        if self._left > 0:
            self._left -= 1
            KINDS[self.settings.kind](ctx, self._actuator)
        ctx.propose(self._actuator, preferred=WANTED)

"""Child processes: started with their log in a file, ended with us whatever happens to us."""

from __future__ import annotations

import ctypes
import os
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from demo.settings import DemoError

BIN = Path(sys.executable).parent
_PR_SET_PDEATHSIG = 1
_libc = ctypes.CDLL(None, use_errno=True) if sys.platform == "linux" else None


def die_with_parent() -> None:
    """In the child, before exec: the kernel sends SIGTERM when our process dies, even by kill -9."""
    if _libc is not None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGTERM)


def command(name: str, *arguments: str) -> list[str]:
    """One of the product's commands from the environment this runs in."""
    return [str(BIN / name), *arguments]


@dataclass(frozen=True)
class Launch:
    """A process to be: its command line and what it finds in its environment."""

    name: str
    arguments: list[str]
    environment: dict[str, str] = field(default_factory=dict)


@dataclass
class Child:
    name: str
    process: subprocess.Popen[bytes]
    log: Path


@dataclass
class Family:
    """All children of the demonstration, ended in the reverse order of their start."""

    logs: Path
    stopping: threading.Event = field(default_factory=threading.Event)
    children: list[Child] = field(default_factory=list)

    def start(self, launch: Launch) -> Child:
        self.logs.mkdir(parents=True, exist_ok=True)
        log = self.logs / f"{launch.name}.log"
        with log.open("ab") as out:
            process = subprocess.Popen(
                launch.arguments,
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=subprocess.STDOUT,
                env={**os.environ, **launch.environment},
                start_new_session=True,
                preexec_fn=die_with_parent,  # noqa: PLW1509 - no threads run yet when children are started
            )
        child = Child(launch.name, process, log)
        self.children.append(child)
        return child

    def named(self, name: str) -> Child:
        """The running child of that name."""
        return next(child for child in self.children if child.name == name)

    def forget(self, name: str) -> None:
        """Reap a child that was ended on purpose."""
        child = self.named(name)
        child.process.wait()
        self.children.remove(child)

    def check(self) -> None:
        """Raise when a child has ended by itself."""
        for child in self.children:
            if (code := child.process.poll()) is not None:
                raise DemoError(f"{child.name} ended with code {code}; the end of {child.log}:\n{tail(child.log)}")

    def wait_until(self, what: str, ready: Callable[[], bool], timeout_s: float) -> None:
        """Until ``ready()``; raise when a child dies, the time is up or a stop is asked for."""
        deadline = time.monotonic() + timeout_s
        while not ready():
            self.check()
            if time.monotonic() > deadline:
                raise DemoError(f"{what}: not there after {timeout_s:.0f} s; see the logs in {self.logs}")
            if self.stopping.wait(0.1):
                raise KeyboardInterrupt

    def stop(self, grace_s: float = 10.0) -> None:
        """End every child, newest first; kill what does not end in time."""
        for child in reversed(self.children):
            _end(child.process, grace_s)
        self.children.clear()


def _end(process: subprocess.Popen[bytes], grace_s: float) -> None:
    if process.poll() is None:
        process.terminate()
    try:
        process.wait(grace_s)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def run(arguments: Sequence[str], environment: Mapping[str, str], *, text: str | None = None) -> str:
    """Run a command to its end and return what it printed; a failure shows its own words."""
    done = subprocess.run(
        list(arguments), input=text, env={**os.environ, **environment}, capture_output=True, text=True, check=False
    )
    if done.returncode != 0:
        raise DemoError(f"{' '.join(arguments)} failed with code {done.returncode}:\n{done.stderr.strip()}")
    return done.stdout


def answers(url: str) -> bool:
    """Whether ``url`` answers 200 now."""
    try:
        with urllib.request.urlopen(url, timeout=2) as answer:  # noqa: S310 - our own http URLs on loopback
            return bool(answer.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def busy(port: int) -> bool:
    """Whether something already listens on ``port`` of the loopback."""
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return True
    return False


def free_ports(count: int) -> int:
    """The first of ``count`` neighbouring ports that are all free; where the search begins differs by process."""
    for first in range(20000 + os.getpid() % 5000 * 2, 60000, count):
        if not any(busy(first + offset) for offset in range(count)):
            return first
    raise DemoError(f"no {count} neighbouring free ports from 20000 on")


def tail(log: Path, lines: int = 15) -> str:
    return "\n".join(log.read_text(errors="replace").splitlines()[-lines:])

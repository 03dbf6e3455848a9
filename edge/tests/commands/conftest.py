"""A tenant that signs, and a command desk on a throw-away folder whose actions only take notes."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, cast
from uuid import uuid4

import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core import wire
from simems_core.orders import payload_hash, signed_text
from simems_edge.commands import Actions, CommandDesk, Ledger, Trust
from simems_edge.commands.actions import Outcome
from simems_edge.sync.cloud_clock import CloudClock

SERVER_US = 1_770_000_000_000_000


class Tenant:
    """Signs commands for its devices."""

    def __init__(self) -> None:
        self.id, self.device, self.other_device = str(uuid4()), str(uuid4()), str(uuid4())
        self.key = Ed25519PrivateKey.generate()

    @property
    def public(self) -> str:
        return self.key.public_key().public_bytes_raw().hex()

    @property
    def welcome(self) -> wire.Welcome:
        return wire.Welcome(tenant=self.id, device=self.device, command_keys=[self.public], command_counter=0)

    def command(self, counter: int, **fields: Any) -> wire.Command:
        payload = fields.pop("payload", '{"target":"a/b","value":1.0}')
        plain = wire.Command(
            id=str(uuid4()),
            tenant=self.id,
            device=self.device,
            counter=counter,
            kind="override",
            not_before_us=SERVER_US - 10_000_000,
            expires_us=SERVER_US + 300_000_000,
            actor="ada@example.com",
            payload=payload,
            payload_sha256=payload_hash(payload),
            key=self.public,
            signature="",
        )
        return self.sign(msgspec.structs.replace(plain, **fields))

    def sign(self, command: wire.Command) -> wire.Command:
        return msgspec.structs.replace(command, signature=self.key.sign(signed_text(command)).hex())


class Notes:
    """In place of the actions: what would have been done."""

    def __init__(self) -> None:
        self.done: list[wire.Command] = []
        self.outcome = Outcome(True)
        self.fails = False

    async def perform(self, command: wire.Command) -> Outcome:
        self.done.append(command)
        if self.fails:
            raise RuntimeError("broken")
        return self.outcome


class Bench:
    """A box: its folder, its clock since boot, its notes."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.notes, self.now_s = folder, Notes(), 1000.0
        self.events: list[wire.Event] = []
        self.wall_us = SERVER_US
        self.clock = CloudClock(lambda: self.now_s)

    def desk(self) -> CommandDesk:
        actions = cast("Actions", self.notes)
        parts = (Trust(self.folder), Ledger(self.folder), actions, self.clock)
        desk = CommandDesk(*parts, record=self.events.append, utc_us=lambda: self.wall_us)
        desk.time_within_s = 0.0
        return desk

    def hear_the_time(self, server_us: int = SERVER_US, round_trip_s: float = 0.02) -> None:
        self.clock.asked(1)
        self.now_s += round_trip_s
        self.clock.answered(1, server_us)

    def reboot(self, wall_us: int) -> CommandDesk:
        """The power went: the clock since boot begins anew, the wall clock says anything."""
        self.now_s, self.wall_us = 5.0, wall_us
        self.clock = CloudClock(lambda: self.now_s)
        return self.desk()


@pytest.fixture
def tenant() -> Tenant:
    return Tenant()


@pytest.fixture(name="another_tenant")
def _another_tenant() -> Callable[[], Tenant]:
    return Tenant


@pytest.fixture(name="bench")
def _bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)

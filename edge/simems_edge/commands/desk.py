"""One command after the other, in the order of their counters: judged, noted, done, answered.

Before anything is done the counter and the fact that it begins are on the disk. A command that comes again is answered
with what became of it. What nobody of the tenant said is told as a warning, at most once a minute, with its number.
"""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable
from typing import Final
from uuid import uuid4

from simems_core import wire

from simems_edge.commands.actions import Actions, Outcome
from simems_edge.commands.configuration import Configuration
from simems_edge.commands.judge import Refusal, forged, given_up, untimely
from simems_edge.commands.ledger import ACROSS_RESTARTS, INTERRUPTED, Entry, Ledger, State
from simems_edge.commands.trust import Heard, Trust
from simems_edge.sync.cloud_clock import CloudClock, Moment

log = logging.getLogger(__name__)
MOST_WAITING: Final = 64
TIME_WITHIN_S: Final = 5.0
"""How long a command waits for the first answered ping of a connection."""
TOLD_EVERY_US: Final = 60_000_000
DISK: Final = "the disk does not take it: "


class CommandDesk:
    """Implements the uplink's ``CommandTaker``. ``record`` keeps an event; ``utc_us`` is the box's own time."""

    def __init__(
        self,
        trust: Trust,
        ledger: Ledger,
        actions: Actions,
        clock: CloudClock,
        *,
        record: Callable[[wire.Event], None],
        utc_us: Callable[[], int],
    ) -> None:
        self._trust, self._ledger, self._actions, self._clock = trust, ledger, actions, clock
        self._record, self._utc_us = record, utc_us
        self._waiting: asyncio.Queue[wire.Command] = asyncio.Queue(MOST_WAITING)
        self.answers: asyncio.Queue[wire.CommandAck | wire.KeyTaken] = asyncio.Queue(MOST_WAITING)
        self.refused = 0
        """Commands that nobody of the tenant gave, since the start."""
        self._refused_told = 0
        self._told_us: int | None = None
        self._key_trouble = ""
        """Why the cloud's command key is not believed; empty: it is."""
        self.time_within_s = TIME_WITHIN_S

    # ---- from the uplink

    def welcome(self, welcome: wire.Welcome) -> None:
        """Answered when the cloud tells of changed keys: with the key that is on the disk."""
        try:
            heard = self._trust.welcome(welcome)
        except OSError as error:
            heard = Heard(reason=f"{DISK}{error.strerror}")
        self._tell_of_key(heard)
        anchor = self._trust.anchor
        if welcome.key_changes is not None and anchor is not None:
            self._answer(wire.KeyTaken(key=anchor.key, number=anchor.key_number, reason=heard.reason))

    def take(self, command: wire.Command) -> None:
        """Queued; more than the desk can hold are dropped, the cloud sends them again."""
        try:
            self._waiting.put_nowait(command)
        except asyncio.QueueFull:
            log.warning("a command is dropped: too many wait", extra={"command": command.id})

    async def run(self) -> None:
        """Until cancelled."""
        while True:
            self._answer(await self.handle(await self._waiting.get()))

    # ---- one command

    async def handle(self, command: wire.Command) -> wire.CommandAck:
        """The answer; with ``accepted`` its end is told later."""
        refusal = forged(command, self._trust.anchor)
        if refusal is not None:
            return self._refuse(command, refusal)
        known = self._ledger.find(command.id)
        if known is not None and known.counter == command.counter:
            return self._ledger.answer(command.id)
        moment = await self._moment()
        refusal = given_up(command, self._trust.anchor, moment)
        if refusal is not None:
            return self._refuse(command, refusal)
        counter = self._trust.anchor.counter if self._trust.anchor else 0
        refusal = untimely(command, counter, moment)
        try:
            if moment is not None:
                self._trust.forget_ended(moment.latest_us)
            return await self._decide(command, refusal, rises=command.counter > counter)
        except OSError as error:
            return self._ack(command, "rejected", f"{DISK}{error.strerror}")

    async def _decide(self, command: wire.Command, refusal: Refusal | None, *, rises: bool) -> wire.CommandAck:
        if rises:
            self._trust.seen(command.counter)
        if refusal is None:
            return await self._do(command)
        state: State = "expired" if refusal.kind == "expired" else "rejected"
        if rises:
            self._ledger.keep(command.id, self._entry(command, state, refusal.reason))
        self._tell(command.kind, state, command.actor, refusal.reason)
        return self._ack(command, state, refusal.reason)

    async def _do(self, command: wire.Command) -> wire.CommandAck:
        self._ledger.keep(command.id, self._entry(command, "accepted", ""))
        self._answer(self._ack(command, "accepted"))
        self._tell(command.kind, "accepted", command.actor, "")
        outcome = await self._performed(command)
        if not outcome.over:
            return self._ack(command, "accepted", outcome.reason)
        return self._end(command.id, self._entry(command, _state(outcome), outcome.reason), outcome.attachment)

    async def _performed(self, command: wire.Command) -> Outcome:
        try:
            return await self._actions.perform(command)
        except Exception as error:
            log.exception("a command failed", extra={"command": command.id, "kind": command.kind})
            return Outcome(False, f"it failed in this box ({type(error).__name__}); its log says where")

    def _end(self, command_id: str, entry: Entry, attachment: bytes = b"") -> wire.CommandAck:
        self._ledger.keep(command_id, entry, attachment)
        self._tell(entry.kind, entry.state, entry.actor, entry.reason)
        return self._ledger.answer(command_id)

    async def _moment(self) -> Moment | None:
        """The cloud's time; waits a little for it at the beginning of a connection."""
        loop = asyncio.get_running_loop()
        until_s = loop.time() + self.time_within_s
        while (moment := self._clock.moment()) is None and loop.time() < until_s:  # noqa: ASYNC110 - the clock has no event
            await asyncio.sleep(0.1)
        return moment

    # ---- after a restart

    def decide_begun(self, configuration: Configuration) -> None:
        """At the start of a process: whatever was under way has ended, one way or another. Raises OSError."""
        verdict, trial = configuration.take_verdict(), configuration.trial
        for command_id, entry in self._ledger.begun():
            if verdict is not None and verdict.command_id == command_id:
                self._close(command_id, entry, "done" if verdict.kept else "rejected", verdict.reason)
            elif trial is not None and trial.command_id == command_id:
                continue
            elif entry.kind == ACROSS_RESTARTS[0]:
                self._close(command_id, entry, "done", "restarted")
            else:
                self._close(command_id, entry, "rejected", INTERRUPTED)
        configuration.told()

    def trial_ended(self, configuration: Configuration) -> None:
        """The verdict of a trial that ended in this process. Raises OSError."""
        verdict = configuration.take_verdict()
        entry = None if verdict is None else self._ledger.find(verdict.command_id)
        if verdict is not None and entry is not None and entry.state == "accepted":
            self._close(verdict.command_id, entry, "done" if verdict.kept else "rejected", verdict.reason)
        configuration.told()

    def _close(self, command_id: str, entry: Entry, state: State, reason: str) -> None:
        closed = Entry(entry.counter, entry.kind, state, self._utc_us(), reason, entry.actor)
        self._answer(self._end(command_id, closed))

    # ---- telling

    def _entry(self, command: wire.Command, state: State, reason: str) -> Entry:
        return Entry(command.counter, command.kind, state, self._utc_us(), reason, command.actor)

    def _ack(self, command: wire.Command, state: State, reason: str = "") -> wire.CommandAck:
        return wire.CommandAck(id=command.id, state=state, time_us=self._utc_us(), reason=reason)

    def _answer(self, ack: wire.CommandAck | wire.KeyTaken) -> None:
        """The oldest goes when nobody takes them: the cloud asks again when it is back."""
        if self.answers.full():
            self.answers.get_nowait()
        self.answers.put_nowait(ack)

    def _refuse(self, command: wire.Command, refusal: Refusal) -> wire.CommandAck:
        self.refused += 1
        now_us = self._utc_us()
        if self._told_us is None or not 0 <= now_us - self._told_us < TOLD_EVERY_US:
            count = self.refused - self._refused_told
            self._told_us, self._refused_told = now_us, self.refused
            log.warning("refused a command that nobody of the tenant gave", extra={"reason": refusal.reason})
            text = f"{count} refused since the last message; the newest: {refusal.reason}"
            self._tell("", "forged", "unknown", text, severity="warning")
        return self._ack(command, "rejected", refusal.reason)

    def _tell_of_key(self, heard: Heard) -> None:
        """Once per change, and once per reason why there is none."""
        if heard.changed:
            self._note("key_changed", "The tenant changed the key that signs its commands")
        if heard.reason and heard.reason != self._key_trouble:
            log.warning("a welcome changes nothing", extra={"reason": heard.reason})
            severity = "alarm" if heard.alarming else "warning"
            self._note("key_refused", f"The cloud's command key is not believed: {heard.reason}", severity=severity)
        self._key_trouble = heard.reason

    def _tell(self, kind: str, state: str, actor: str, reason: str, severity: str = "info") -> None:
        text = f"{kind} from the cloud: {state}" if kind else "A command that was not believed"
        self._note(state, f"{text}: {reason}" if reason else text, actor, severity)

    def _note(self, what: str, text: str, actor: str = "cloud", severity: str = "info") -> None:
        self._record(
            wire.Event(
                id=uuid4().hex,
                kind="action",
                code=f"command.{what}",
                severity=severity,
                component="commands",
                time_us=self._utc_us(),
                text=text,
                actor=actor,
            )
        )


def _state(outcome: Outcome) -> State:
    return "done" if outcome.done else "rejected"

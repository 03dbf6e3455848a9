"""A new site file from the cloud: checked first, put in place at once, on trial, and taken back when health fails.

``<data>/configuration`` holds the file that stood before and what is on trial. The new file counts once the edge that
runs with it was as healthy as the old one for :data:`HEALTHY_S`; when that does not come within :data:`TRIAL_S`, or
when the edge does not start twice, the old file is put back.
"""

from __future__ import annotations

import hashlib
import logging
import os
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Final, TypeVar

import msgspec

from simems_edge.buffer.durable import replace_durably

log = logging.getLogger(__name__)
T = TypeVar("T")
FOLDER: Final = "configuration"
HEALTHY_S: Final = 10.0
TRIAL_S: Final = 120.0
MOST_STARTS: Final = 2
MOST_BYTES: Final = 512 * 1024


class ConfigurationRefusedError(ValueError):
    """Why the new file is not taken; the old one stands."""


class Trial(msgspec.Struct, frozen=True):
    """``healthy_before``: the checks that held with the old file; they must hold with the new one, of that hash."""

    command_id: str
    sha256: str
    healthy_before: tuple[str, ...]
    starts: int = 0


class Verdict(msgspec.Struct, frozen=True):
    """How the last trial ended; kept until it was told."""

    command_id: str
    kept: bool
    reason: str = ""


class Configuration:
    """Of one site file. ``check`` says what is wrong with a file, a line a problem, for the site that runs now."""

    def __init__(self, site_file: Path, data: Path, check: Callable[[Path], Sequence[str]]) -> None:
        self._site_file = site_file
        self._folder = data / FOLDER
        self._check = check
        self.checks: Callable[[], Mapping[str, bool]] = dict
        """The health of the edge that runs now."""

    # ---- a command

    def begin(self, command_id: str, text: str) -> None:
        """The new file stands when this returns; a restart must follow. Raises ConfigurationRefusedError, OSError."""
        if self.trial is not None:
            raise ConfigurationRefusedError("another configuration is on trial; wait until it is decided")
        self._candidate(text)
        self._folder.mkdir(parents=True, exist_ok=True)
        replace_durably(self._folder / "previous.yaml", self._site_file.read_bytes())
        healthy = tuple(name for name, good in self.checks().items() if good)
        trial = Trial(command_id, hashlib.sha256(text.encode()).hexdigest(), healthy)
        replace_durably(self._folder / "trial.json", msgspec.json.encode(trial))
        replace_durably(self._site_file, text.encode())

    def _candidate(self, text: str) -> None:
        """Beside the site file, since paths in it are relative to that folder."""
        if len(text.encode()) > MOST_BYTES:
            raise ConfigurationRefusedError(f"a site file of more than {MOST_BYTES} bytes")
        if not os.access(self._site_file, os.W_OK) or not os.access(self._site_file.parent, os.W_OK):
            raise ConfigurationRefusedError(f"{self._site_file.name} cannot be written here; change it on the box")
        candidate = self._site_file.with_name(f".{self._site_file.stem}.candidate.yaml")
        try:
            candidate.write_text(text)
            problems = self._check(candidate)
        finally:
            candidate.unlink(missing_ok=True)
        if problems:
            raise ConfigurationRefusedError("\n".join(problems[:20]).replace(str(candidate), self._site_file.name))

    # ---- the start of a process

    @property
    def trial(self) -> Trial | None:
        """What is on trial now."""
        return self._read("trial.json", Trial)

    def before_start(self) -> None:
        """Counts the start; puts the old file back when the new one did not run. Raises OSError."""
        trial = self.trial
        if trial is None:
            return
        if hashlib.sha256(self._site_file.read_bytes()).hexdigest() != trial.sha256:
            self.roll_back("the power went, or somebody changed the file, before it was in place")
            return
        if trial.starts >= MOST_STARTS:
            self.roll_back(f"the edge did not come to run in {MOST_STARTS} starts with it")
            return
        counted = msgspec.structs.replace(trial, starts=trial.starts + 1)
        replace_durably(self._folder / "trial.json", msgspec.json.encode(counted))

    # ---- its end

    def keep(self) -> None:
        """The new file counts."""
        self._decide(kept=True, reason="")

    def roll_back(self, reason: str) -> None:
        """The old file stands when this returns; a restart must follow."""
        replace_durably(self._site_file, (self._folder / "previous.yaml").read_bytes())
        log.error("the new configuration was taken back", extra={"reason": reason})
        self._decide(kept=False, reason=f"rolled back: {reason}")

    def _decide(self, *, kept: bool, reason: str) -> None:
        trial = self.trial
        if trial is not None:
            verdict = Verdict(trial.command_id, kept, reason)
            replace_durably(self._folder / "verdict.json", msgspec.json.encode(verdict))
            (self._folder / "trial.json").unlink()

    def take_verdict(self) -> Verdict | None:
        """Of the last trial."""
        return self._read("verdict.json", Verdict)

    def told(self) -> None:
        """The verdict stands in the ledger."""
        (self._folder / "verdict.json").unlink(missing_ok=True)

    def _read(self, name: str, kind: type[T]) -> T | None:
        """A damaged file counts as none: the site file that stands is what runs."""
        try:
            return msgspec.json.decode((self._folder / name).read_bytes(), type=kind)
        except FileNotFoundError:
            return None
        except (msgspec.MsgspecError, OSError) as error:
            log.error("cannot read what is on trial", extra={"file": name, "reason": str(error)})  # noqa: TRY400
            return None

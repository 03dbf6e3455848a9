"""Why a command must not be done; pure."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from simems_core import wire
from simems_core.orders import KINDS, malformed, signed_text

from simems_edge.commands.anchor import Anchor
from simems_edge.sync.cloud_clock import Moment


@dataclass(frozen=True)
class Refusal:
    """``forged``: nobody of the tenant said this; ``stale``: somebody did, but it is not to be done (any more)."""

    kind: Literal["forged", "stale", "expired"]
    reason: str


def forged(command: wire.Command, anchor: Anchor | None) -> Refusal | None:
    """Whether it is for this box, and signed with a key that it believes."""
    if anchor is None:
        return Refusal("forged", "this box has not been told whose commands to believe")
    wrong = malformed(command)
    if wrong is not None:
        return Refusal("forged", wrong)
    if (command.tenant, command.device) != (anchor.tenant, anchor.device):
        return Refusal("forged", "it is for another device or of another tenant")
    if command.key not in anchor.command_keys:
        return Refusal("forged", "signed with a key that is not the tenant's")
    return None if _signed(command) else Refusal("forged", "the signature does not fit")


def given_up(command: wire.Command, anchor: Anchor | None, moment: Moment | None) -> Refusal | None:
    """Whether the key that signed it has ended; when the time is not known, a key that has an end is not believed."""
    if anchor is None or command.key not in anchor.old_until_us:
        return None
    if moment is not None and not anchor.ended(command.key, moment.latest_us):
        return None
    return Refusal("forged", "signed with a key that the tenant gave up for another")


def untimely(command: wire.Command, counter: int, moment: Moment | None) -> Refusal | None:
    """``counter``: the highest that was seen. A command that is not below it and in its time is to be done."""
    if command.counter <= counter:
        return Refusal("stale", f"counter {command.counter} came before or after its turn; {counter} was seen")
    if command.kind not in KINDS:
        return Refusal("stale", f"this software does not know the kind {command.kind!r}; update it")
    if moment is None:
        return Refusal("stale", "the cloud's time is not known, so neither is whether it is still valid")
    if moment.latest_us >= command.expires_us:
        return Refusal("expired", f"its time was over {(moment.latest_us - command.expires_us) / 1e6:.0f} s ago")
    if moment.earliest_us < command.not_before_us:
        return Refusal("stale", f"its time begins in {(command.not_before_us - moment.earliest_us) / 1e6:.0f} s")
    return None


def _signed(command: wire.Command) -> bool:
    try:
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(command.key))
        key.verify(bytes.fromhex(command.signature), signed_text(command))
    except (InvalidSignature, ValueError):
        return False
    return True

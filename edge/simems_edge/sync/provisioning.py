"""How a box gets in: with its own key when the cloud knows it, with its claim key until then; and how it changes keys.

A refused box goes on trying, with the uplink's back-off. Over the claim key it says who it is and waits, for as long
as the connection lives, for a person to approve it; nothing else leaves the box before that.
"""

from __future__ import annotations

import asyncio
import logging
from dataclasses import dataclass

import zmq.asyncio
from simems_core import wire

from simems_edge.sync.identity import DeviceKeys, Identity
from simems_edge.sync.link import Cloud, Connection, LinkError
from simems_edge.sync.side_by_side import until_first_ends
from simems_edge.sync.transports import claim_papers, connection_to

log = logging.getLogger(__name__)
ASK_S, ASK_MAX_S = 2.0, 30.0
SILENCE_S = 20.0


@dataclass(frozen=True)
class About:
    """What the box says of itself."""

    software: str
    vendor: str = ""
    model: str = ""
    serial_number: str = ""


class ClaimRefusedError(LinkError):
    """A person, or the cloud, does not want this box; it may change its mind."""


class Provisioning:
    """Of one uplink. ``ask_s``: first pause between two questions; it doubles."""

    def __init__(self, identity: Identity, about: About, *, ask_s: float = ASK_S) -> None:
        self._identity = identity
        self._about = about
        self._ask_s = ask_s
        self._announced: str | None = None
        """Public key that the cloud agreed to."""
        self._try_next = False
        self.waits_for = ""
        """What a person must do, while one must."""

    def keys(self) -> DeviceKeys:
        """For the next connection."""
        following = self._identity.next_keys
        return following if following is not None and self._try_next else self._identity.keys

    # ---- claiming

    async def claim(self, context: zmq.asyncio.Context, cloud: Cloud) -> bool:
        """After a refusal: True when the box was approved and may come with its own key at once. Raises LinkError.

        While a change of keys is under way, the other pair is the one to try."""
        if self._identity.next_keys is not None and not cloud.is_mqtt:
            self._try_next = not self._try_next
            return False
        # Not the code itself: this is told to whoever asks on the local network.
        self.waits_for = f"enter the claim code of this box in the cloud (fingerprint {self._identity.fingerprint})"
        async with connection_to(cloud, context, claim_papers(self._identity)) as link:
            await until_first_ends(self._until_decided(link), link.watch())
        self.waits_for = ""
        return True

    async def _until_decided(self, link: Connection) -> None:
        pause_s = self._ask_s
        while True:
            state = await self._ask(link)
            if state.state == "approved":
                log.info("the cloud takes this box in")
                return
            if state.state == "refused":
                self.waits_for = f"the claim was refused: {state.reason or 'no reason given'}"
                raise ClaimRefusedError(self.waits_for)
            self.waits_for = f"approve the box with the fingerprint {self._identity.fingerprint} in the cloud"
            await asyncio.sleep(pause_s)
            pause_s = min(ASK_MAX_S, pause_s * 1.5)

    async def _ask(self, link: Connection) -> wire.ClaimState:
        about = self._about
        claim = wire.Claim(
            public_key=self._identity.keys.public_key,
            signing_key=self._identity.signing_public,
            software=about.software,
            vendor=about.vendor,
            model=about.model,
            serial_number=about.serial_number,
        )
        await link.send(wire.encode(claim))
        try:
            async with asyncio.timeout(SILENCE_S):
                message = wire.decode_from_cloud(await link.receive())
        except TimeoutError as error:
            raise LinkError("the cloud does not answer the claim") from error
        except wire.WireError as error:
            raise LinkError(f"the cloud answers the claim with something else: {error}") from error
        if isinstance(message, wire.Bye):
            raise ClaimRefusedError(f"the claim cannot be taken: {message.reason}")
        if not isinstance(message, wire.ClaimState):
            raise LinkError(f"the cloud answers the claim with {type(message).__name__}")
        return message

    # ---- another key

    def announcement(self) -> wire.Rekey | None:
        """What to say over the connection that is up; None: nothing changes, or it has been said."""
        following = self._identity.next_keys
        if following is None or following.public_key in (self._announced, self._identity.keys.public_key):
            return None
        return wire.Rekey(public_key=following.public_key)

    def agreed(self, answer: wire.Rekeyed) -> bool:
        """True: come again, with the new key."""
        following = self._identity.next_keys
        if following is None or following.public_key != answer.public_key:
            return False
        if answer.reason:
            log.warning("the cloud does not take the new key", extra={"reason": answer.reason})
            return False
        self._announced = answer.public_key
        self._try_next = True
        return True

    def admitted(self, keys: DeviceKeys) -> None:
        """The cloud knows a connection with these keys."""
        self.waits_for = ""
        if keys == self._identity.next_keys:
            self._identity.finish_rotation(keys)
            self._try_next, self._announced = False, None
            log.info("the new key is the only one from now on", extra={"fingerprint": self._identity.fingerprint})

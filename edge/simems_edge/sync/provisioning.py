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
from simems_core.rekeying import signed_announcement
from simems_core.web_proof import topic_name

from simems_edge.kit.side_by_side import until_first_ends
from simems_edge.sync.identity import Identity
from simems_edge.sync.key_files import NextKeys
from simems_edge.sync.link import Cloud, Connection, LinkError
from simems_edge.sync.transports import Papers, claim_papers, connection_to

log = logging.getLogger(__name__)
ASK_S, ASK_MAX_S = 2.0, 30.0
SILENCE_S = 20.0
RENEW = (
    "the cloud does not know this box any more, and its certificate at the broker is for another name than that of its "
    "key; run `simems-edge identity --renew` on it and give it a certificate for the new name"
)


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
    """Of one uplink. ``ask_s``: first pause between two questions; it doubles. ``settles`` False: somebody else ends a
    change of keys with :meth:`Identity.settle`, because the old signing key has something to sign before."""

    def __init__(self, identity: Identity, about: About, *, ask_s: float = ASK_S, settles: bool = True) -> None:
        self._identity = identity
        self._about = about
        self._ask_s = ask_s
        self._settles = settles
        self._announced: str | None = None
        """Public key that the cloud agreed to."""
        self._too_old: str | None = None
        """Public key that a cloud at a broker cannot take, because it is too old."""
        self._try_next = False
        self._tried = ""
        self._refused: set[str] = set()
        """Public keys that were tried since one was let in."""
        self.waits_for = ""
        """What a person must do, while one must."""

    def papers(self) -> Papers:
        """For the next connection."""
        self._too_old = None
        identity, following = self._identity, self._identity.next_keys
        if following is None or not self._try_next:
            self._tried = identity.keys.public_key
            return Papers(identity.keys, identity.signing_key, identity.broker_name)
        self._tried = following.public_key
        return Papers(following.pair, following.signing_key or identity.signing_key, identity.broker_name)

    # ---- claiming

    async def claim(self, context: zmq.asyncio.Context, cloud: Cloud) -> bool:
        """After a refusal: True when the box was approved and may come with its own key at once. Raises LinkError.

        While a change of keys is under way, the other keys are tried before."""
        if self._other_keys():
            return False
        identity = self._identity
        if cloud.is_mqtt and identity.broker_name != topic_name(identity.keys.public_key):
            raise ClaimRefusedError(RENEW)
        # Not the code itself: this is told to whoever asks on the local network.
        self.waits_for = f"enter the claim code of this box in the cloud (fingerprint {identity.fingerprint})"
        async with connection_to(cloud, context, claim_papers(identity)) as link:
            await until_first_ends(self._until_decided(link), link.watch())
        identity.named_by_key()
        self.waits_for = ""
        return True

    def _other_keys(self) -> bool:
        """True: the next connection tries the keys that were not refused yet."""
        following = self._identity.next_keys
        if following is None:
            return False
        self._refused.add(self._tried)
        self._announced, self._try_next = None, self._tried != following.public_key
        other = following.public_key if self._try_next else self._identity.keys.public_key
        if other not in self._refused:
            return True
        self._refused.clear()
        return False

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

    # ---- other keys

    def announcement(self) -> wire.Rekey | None:
        """What to say over the connection that is up; None: nothing changes, or it has been said."""
        following = self._identity.next_keys
        if following is None or self._tried == following.public_key:
            return None
        if following.public_key in (self._announced, self._too_old):
            return None
        signing = following.signing_key
        if signing is None:
            return None
        public = signing.public_key().public_bytes_raw().hex()
        text = signed_announcement(self._identity.keys.public_key, following.public_key, public)
        signature = signing.sign(text).hex()
        return wire.Rekey(public_key=following.public_key, signing_key=public, signature=signature)

    def agreed(self, answer: wire.Rekeyed, *, at_broker: bool) -> bool:
        """True: come again, with the new keys. Raises OSError.

        At a broker an older cloud would give the box another name with its new key: there it keeps its keys."""
        following = self._identity.next_keys
        if following is None or following.public_key != answer.public_key:
            return False
        if answer.reason:
            log.warning("the cloud does not take the new keys", extra={"reason": answer.reason})
            return False
        if following.seed and not answer.signing_key:
            if at_broker:
                log.warning("the cloud is too old to change keys through a broker; the box keeps its own")
                self._too_old = answer.public_key
                return False
            self._identity.keep_signing_key(following)
        self._announced = answer.public_key
        self._try_next = True
        return True

    def admitted(self, papers: Papers) -> None:
        """The cloud knows a connection with these. What the disk does not take is done with the next connection: until
        then both keys are there, and the new ones are tried."""
        self.waits_for = ""
        self._refused.clear()
        following = self._identity.next_keys
        try:
            if following is not None and papers.keys == following.pair:
                self._take(following)
            elif following is not None and not following.seed and self._announced is None:
                # Of an older version, or for an older cloud, and not taken: the signing key changes as well now.
                self._identity.begin_anew()
            if self._settles:
                self._identity.settle()
        except OSError as error:
            log.error("the new keys cannot be kept yet", extra={"reason": str(error)})  # noqa: TRY400

    def _take(self, used: NextKeys) -> None:
        self._identity.take(used)
        self._try_next, self._announced = False, None
        log.info("the new keys are the only ones from now on", extra={"fingerprint": self._identity.fingerprint})

"""Who this box is: its CURVE key, its signing key, its name at a broker, its claim code. Made on the first start in the
data folder; no secret half ever leaves it.

The CURVE key is what the cloud knows the device by; the signing key (Ed25519) proves it over the web and signs its own
records. Both change together: the new ones lie beside the old ones until the cloud has seen them in use. One file then
says that they are taken, which decides it whenever the power goes; the others follow (:meth:`Identity.settle`). The
name at a broker, for which the box has its certificate, is that of the first key and stays. The claim code lets a
person take the box into their tenant; it is worth nothing once that has happened.
"""

from __future__ import annotations

from pathlib import Path
from typing import Final

import msgspec
import zmq
import zmq.utils.z85
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core.claiming import (
    ClaimCodeError,
    claim_secret,
    claim_signing_seed,
    fingerprint,
    new_code,
    read_code,
)
from simems_core.web_proof import topic_name

from simems_edge.sync.key_files import (
    FILE,
    NEXT_FILE,
    SIGNING_FILE,
    DeviceKeys,
    IdentityError,
    NextKeys,
    StoredKeys,
    content_of,
    new_next,
    next_keys,
    signing_key,
    stored_keys,
    write_keys,
    write_signing_key,
)
from simems_edge.sync.private_files import sync_folder, write_private

__all__ = ["CLAIM_FILE", "FILE", "NEXT_FILE", "SIGNING_FILE", "DeviceKeys", "Identity", "IdentityError", "forget_keys"]
CLAIM_FILE: Final = "claim-code.json"
NOT_OVER: Final = "a change of keys is not over; start the edge, which ends it, or wait a moment"


class _Code(msgspec.Struct, frozen=True):
    code: str


class Identity:
    """Of one data folder, which is made when it is not there. Raises IdentityError, OSError."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        stored = stored_keys(folder)
        self.keys = stored.pair
        self.signing_key = self.record_key = signing_key(folder)
        """``record_key``: what the record of limits is signed with; the old key until :meth:`settle`."""
        self._broker_name = stored.broker_name
        self._taken = next_keys(folder)
        if self._taken is not None and not self._taken.taken:
            self._taken = None
        if self._taken is not None:
            self._become(self._taken)

    @property
    def fingerprint(self) -> str:
        """Of the public key, for people to compare."""
        return fingerprint(self.keys.public_key)

    @property
    def signing_public(self) -> str:
        """64 hexadecimal digits."""
        return self.signing_key.public_key().public_bytes_raw().hex()

    @property
    def broker_name(self) -> str:
        """32 hexadecimal digits: the common name of its client certificate."""
        return self._broker_name or topic_name(self.keys.public_key)

    @property
    def claim_code(self) -> str:
        """Made when it is asked for first."""
        path = self._folder / CLAIM_FILE
        content = content_of(path)
        if content is None:
            write_private(path, msgspec.json.encode(_Code(new_code())))
            content = path.read_bytes()
        try:
            return read_code(msgspec.json.decode(content, type=_Code).code)
        except (msgspec.MsgspecError, ClaimCodeError) as error:
            raise IdentityError(f"{path}: not a claim code: {error}; delete the file for a new one") from error

    @property
    def claim_keys(self) -> DeviceKeys:
        """Of the connection that may only claim."""
        secret = zmq.utils.z85.encode(claim_secret(self.claim_code))
        return DeviceKeys(public_key=zmq.curve_public(secret).decode(), secret_key=secret.decode())

    @property
    def claim_signing_key(self) -> Ed25519PrivateKey:
        """Signs the claim where the web or a broker carries it."""
        return Ed25519PrivateKey.from_private_bytes(claim_signing_seed(self.claim_code))

    # ---- other keys

    @property
    def next_keys(self) -> NextKeys | None:
        """The keys that shall come after these; None: no change is under way."""
        found = next_keys(self._folder)
        return None if found is None or found.taken else found

    @property
    def unsettled(self) -> bool:
        """The new keys are the only ones, and not every file says so yet."""
        return self._taken is not None

    def begin_rotation(self) -> NextKeys:
        """New keys beside the old ones, durable; the same again while a change is under way.

        Raises IdentityError while one that is taken is not settled, OSError."""
        found = next_keys(self._folder)
        if found is not None and found.taken:
            raise IdentityError(NOT_OVER)
        return found if found is not None else self._begin(new_next())

    def begin_anew(self) -> NextKeys:
        """Other new keys in the place of those that cannot be used, which the cloud must not have taken."""
        return self._begin(new_next())

    def keep_signing_key(self, following: NextKeys) -> None:
        """The cloud takes the new CURVE key alone. Durable before it is used. Raises OSError."""
        self._begin(NextKeys(following.public_key, following.secret_key))

    def _begin(self, following: NextKeys) -> NextKeys:
        write_keys(self._folder / NEXT_FILE, following)
        return following

    def take(self, used: NextKeys) -> None:
        """The cloud saw the new keys in use: they are the only ones from now on. Raises OSError."""
        taken = msgspec.structs.replace(used, taken=True)
        write_keys(self._folder / NEXT_FILE, taken)
        self._taken = taken
        self._become(taken)

    def _become(self, taken: NextKeys) -> None:
        following = taken.signing_key
        if following is not None:
            self._broker_name = self.broker_name
            self.signing_key = following
        self.keys = taken.pair

    def settle(self) -> None:
        """The old keys are gone when it returns; again after a power cut, without harm. Whatever the old signing key
        shall still sign must be signed before. Raises OSError."""
        if self._taken is None:
            return
        if self._taken.seed:
            write_signing_key(self._folder, self.signing_key)
        stored = StoredKeys(self.keys.public_key, self.keys.secret_key, self._broker_name)
        write_keys(self._folder / FILE, stored)
        (self._folder / NEXT_FILE).unlink(missing_ok=True)
        sync_folder(self._folder)
        self._taken, self.record_key = None, self.signing_key

    def named_by_key(self) -> None:
        """Taken in anew, by the key of now: so is its name at a broker. Raises OSError."""
        if self._broker_name and self._taken is None:
            self._broker_name = ""
            write_keys(self._folder / FILE, StoredKeys(self.keys.public_key, self.keys.secret_key))


def forget_keys(folder: Path) -> None:
    """Every key and the claim code; the device's own key last, so that one sees it was cut off. Raises OSError."""
    for name in (NEXT_FILE, CLAIM_FILE, SIGNING_FILE, FILE):
        (folder / name).unlink(missing_ok=True)
        sync_folder(folder)

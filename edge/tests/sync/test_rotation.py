"""A change of keys that is cut off anywhere: the box ends with one identity, the one that the cloud has, and so does
its record of limits."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
import zmq.asyncio
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from simems_core import wire
from simems_core.rekeying import signed_announcement
from simems_core.web_proof import topic_name
from simems_edge.cli.limit_record import book_of, handed_over, reader_of
from simems_edge.proof import ProofBook, Proven, verify
from simems_edge.runtime.limit_record import Entry
from simems_edge.sync import About, Cloud, Identity, Provisioning, identity, key_files, private_files
from simems_edge.sync.identity import FILE, NEXT_FILE, SIGNING_FILE, IdentityError
from simems_edge.sync.key_files import new_pair, write_keys
from simems_edge.sync.transports import Papers

CLOUD = Cloud("https://cloud.example.com")
NOW_US = 1_780_000_000_000_000


class PowerCutError(Exception):
    """Everything that is in memory is gone."""


class Power:
    """Goes at the ``at``-th of the moments before and after each step that lasts."""

    def __init__(self) -> None:
        self.at, self.count = 0, 0

    def moment(self) -> None:
        self.count += 1
        if self.count == self.at:
            raise PowerCutError

    def around(self, step: Callable[..., Any]) -> Callable[..., Any]:
        def done(*args: Any, **more: Any) -> Any:
            self.moment()
            result = step(*args, **more)
            self.moment()
            return result

        return done


@pytest.fixture
def power(monkeypatch: pytest.MonkeyPatch) -> Power:
    made = Power()
    monkeypatch.setattr(key_files, "write_private", made.around(private_files.write_private))
    monkeypatch.setattr(identity, "sync_folder", made.around(private_files.sync_folder))
    monkeypatch.setattr(Path, "unlink", made.around(Path.unlink))
    monkeypatch.setattr(ProofBook, "_write", made.around(ProofBook._write))
    return made


@dataclass
class Ingest:
    """What the cloud keeps of one device, and answers. ``older``: it knows only CURVE keys that change."""

    power: Power
    public_key: str
    signing_key: str
    older: bool = False
    following: tuple[str, str] | None = None
    spent: list[str] = field(default_factory=list)

    def lets_in(self, papers: Papers) -> bool:
        """As a signed request is judged, then the hello: the new keys are the only ones from then on."""
        shown = (papers.keys.public_key, _public(papers))
        if shown == (self.public_key, self.signing_key):
            return True
        if shown != self.following:
            return False
        self.spent.append(self.public_key)
        (self.public_key, self.signing_key), self.following = shown, None
        self.power.moment()
        return True

    def announced(self, rekey: wire.Rekey) -> wire.Rekeyed:
        if self.older:
            self.following = (rekey.public_key, self.signing_key)
            self.power.moment()
            return wire.Rekeyed(public_key=rekey.public_key)
        text = signed_announcement(self.public_key, rekey.public_key, rekey.signing_key)
        key = Ed25519PublicKey.from_public_bytes(bytes.fromhex(rekey.signing_key))
        key.verify(bytes.fromhex(rekey.signature), text)
        self.following = (rekey.public_key, rekey.signing_key)
        self.power.moment()
        return wire.Rekeyed(public_key=rekey.public_key, signing_key=rekey.signing_key)


def _public(papers: Papers) -> str:
    assert papers.signing_key is not None
    return papers.signing_key.public_key().public_bytes_raw().hex()


@dataclass
class Box:
    """One life of the process, from its start to its end or the power's."""

    folder: Path
    ingest: Ingest
    at_broker: bool = False

    async def live(self, connections: int = 6) -> None:
        own = Identity(self.folder)
        provisioning = Provisioning(own, About("1"), settles=False)
        book = book_of(self.folder, own, "s")
        for _ in range(connections):
            if own.unsettled:
                handed_over(book, own, NOW_US)
            book.append([Entry("x", "power", NOW_US, 1.0, "active", 1.0)])
            papers = provisioning.papers()
            if not self.ingest.lets_in(papers):
                assert not await provisioning.claim(zmq.asyncio.Context.instance(), CLOUD), "other keys are tried"
                continue
            provisioning.admitted(papers)
            rekey = provisioning.announcement()
            if rekey is not None:
                provisioning.agreed(self.ingest.announced(rekey), at_broker=self.at_broker)


def _started(folder: Path, power: Power, *, older: bool = False) -> Ingest:
    own = Identity(folder)
    return Ingest(power, own.keys.public_key, own.signing_public, older)


def _keys(folder: Path) -> tuple[str, str]:
    own = Identity(folder)
    return own.keys.public_key, own.signing_public


def _verified(folder: Path) -> Proven:
    content = b"".join(reader_of(folder, Identity(folder)).export(0, wire.MAX_TIME_US, NOW_US))
    verdict = verify(content, _keys(folder)[1])
    assert isinstance(verdict, Proven), verdict
    return verdict


async def test_wherever_the_power_goes_one_working_identity_is_left(tmp_path: Path, power: Power) -> None:
    cuts = await _moments(tmp_path / "uncut", power)
    assert cuts > 15
    for cut in range(1, cuts + 1):
        folder = tmp_path / str(cut)
        ingest = _started(folder, power)
        before, name = _keys(folder), Identity(folder).broker_name
        Identity(folder).begin_rotation()
        power.at, power.count = cut, 0
        with pytest.raises(PowerCutError):
            await Box(folder, ingest).live()
        power.at = 0
        await Box(folder, ingest).live()
        own = Identity(folder)
        assert _keys(folder) == (ingest.public_key, ingest.signing_key) != before, cut
        assert (own.broker_name, own.unsettled, own.next_keys) == (name, False, None), cut
        assert not (folder / NEXT_FILE).exists(), cut
        texts = [path.read_text() for path in folder.glob("*.json")]
        assert not any(before[0] in text for text in texts), cut
        proven = _verified(folder)
        assert proven.former_keys == (before[1],), cut
        assert sum(entry["code"] == "signing_key" for entry in proven.entries) == 1, cut


async def _moments(folder: Path, power: Power) -> int:
    ingest = _started(folder, power)
    Identity(folder).begin_rotation()
    power.count = 0
    await Box(folder, ingest).live()
    assert _keys(folder) == (ingest.public_key, ingest.signing_key)
    return power.count


def test_making_the_new_keys_is_all_or_nothing(tmp_path: Path, power: Power) -> None:
    made = []
    for cut in range(1, 5):
        folder = tmp_path / str(cut)
        own, before = Identity(folder), _keys(folder)
        power.at, power.count = cut, 0
        with pytest.raises(PowerCutError):
            own.begin_rotation()
        power.at = 0
        assert _keys(folder) == before
        left = Identity(folder).next_keys
        assert left in (None, own.begin_rotation()), cut
        made.append(left is not None)
    assert made == [False, False, False, True]


async def test_an_older_cloud_takes_the_curve_key_alone_wherever_the_power_goes(tmp_path: Path, power: Power) -> None:
    for cut in range(12):
        folder = tmp_path / str(cut)
        ingest = _started(folder, power, older=True)
        before = _keys(folder)
        Identity(folder).begin_rotation()
        power.at, power.count = cut, 0
        try:
            await Box(folder, ingest).live()
        except PowerCutError:
            power.at = 0
            await Box(folder, ingest).live(8)
        assert _keys(folder) == (ingest.public_key, ingest.signing_key), cut
        assert (ingest.public_key == before[0], ingest.signing_key) == (False, before[1]), cut
        assert Identity(folder).broker_name == topic_name(ingest.public_key), "as that cloud names it"
        assert _verified(folder).former_keys == (), cut


async def test_at_a_broker_an_older_cloud_changes_nothing(tmp_path: Path, power: Power) -> None:
    ingest = _started(tmp_path, power, older=True)
    before = _keys(tmp_path)
    Identity(tmp_path).begin_rotation()
    await Box(tmp_path, ingest, at_broker=True).live()
    assert _keys(tmp_path) == before == (ingest.public_key, ingest.signing_key)
    ingest.older, ingest.following = False, None
    await Box(tmp_path, ingest, at_broker=True).live()
    assert _keys(tmp_path) == (ingest.public_key, ingest.signing_key) != before


async def test_a_pair_that_older_software_announced_is_found_when_the_cloud_has_it(
    tmp_path: Path, power: Power
) -> None:
    ingest = _started(tmp_path, power)
    left = new_pair()
    write_keys(tmp_path / NEXT_FILE, left)
    ingest.public_key, signing = left.public_key, ingest.signing_key
    await Box(tmp_path, ingest).live()
    assert _keys(tmp_path) == (left.public_key, signing)
    assert Identity(tmp_path).broker_name == topic_name(left.public_key), "as older software named itself"


async def test_an_answer_about_other_keys_changes_nothing(tmp_path: Path, power: Power) -> None:
    own = Identity(tmp_path)
    provisioning = Provisioning(own, About("1"))
    following = own.begin_rotation()
    provisioning.papers()
    assert not provisioning.agreed(wire.Rekeyed(public_key=own.keys.public_key), at_broker=False)
    refused = wire.Rekeyed(public_key=following.public_key, reason="taken")
    assert not provisioning.agreed(refused, at_broker=False)
    assert provisioning.papers().keys == own.keys
    assert own.next_keys == following


def test_a_change_that_is_not_over_is_not_begun_again(tmp_path: Path) -> None:
    own = Identity(tmp_path)
    own.take(own.begin_rotation())
    assert (Identity(tmp_path).keys, Identity(tmp_path).unsettled) == (own.keys, True)
    with pytest.raises(IdentityError, match="not over"):
        own.begin_rotation()
    own.settle()
    assert own.begin_rotation().public_key != own.keys.public_key


def test_a_rotation_is_the_same_until_it_is_over_and_its_files_are_private(tmp_path: Path) -> None:
    own = Identity(tmp_path)
    old, following = own.keys, own.begin_rotation()
    assert Identity(tmp_path).next_keys == following == own.begin_rotation()
    assert Identity(tmp_path).keys == old
    own.take(following)
    own.settle()
    again = Identity(tmp_path)
    assert (again.keys, again.next_keys, again.signing_public) == (following.pair, None, own.signing_public)
    for name in (FILE, SIGNING_FILE):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600
        assert old.secret_key not in (tmp_path / name).read_text()


async def test_a_box_that_nobody_knows_claims_also_while_its_keys_change(tmp_path: Path) -> None:
    own = Identity(tmp_path)
    own.begin_rotation()
    provisioning = Provisioning(own, About("1"))
    provisioning.papers()
    assert provisioning._other_keys()
    assert provisioning.papers().keys == own.begin_rotation().pair
    assert not provisioning._other_keys(), "both were refused: it claims"
    provisioning.papers()

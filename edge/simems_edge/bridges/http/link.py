"""One HTTP connection to a device, shared by its components. One question at a time; every answer is checked.

Redirects are not followed, proxies of the environment are not used, compressed answers are refused. A time-out closes
the connection: what arrives late dies with it.
"""

from __future__ import annotations

import asyncio
import logging
import ssl
from functools import lru_cache
from pathlib import Path

import httpx

from simems_edge.bridges.errors import DeviceError, NoAnswerError, NoConnectionError, UnsuitableError, WrongAnswerError
from simems_edge.bridges.http.answer import LARGEST, check_head, document_of
from simems_edge.bridges.secrets import SecretError, read_secret
from simems_edge.config import Http

logging.getLogger("httpx").setLevel(logging.WARNING)  # it logs each request
NO_CONTENT = 204


class HttpLink:
    """For one section ``http`` of a site file."""

    def __init__(self, connection: Http) -> None:
        self._connection = connection
        self._base = connection.url.rstrip("/")
        self._client: httpx.AsyncClient | None = None
        self._lock = asyncio.Lock()

    async def ask(self, method: str, path: str, body: str = "") -> object:
        """The document that the device answers; None when it rightly answers nothing. Raises a DeviceError."""
        async with self._lock:
            try:
                async with asyncio.timeout(self._connection.timeout_s):
                    return await self._exchange(method, path, body)
            except DeviceError as error:
                await self._cut_unless_whole(error)
                raise _named(error, self._base, path) from error
            except (TimeoutError, httpx.TimeoutException) as error:
                await self.close()
                text = f"{self._base} does not answer {path} within {self._connection.timeout_s:g} s"
                raise NoAnswerError(text) from error
            except BaseException as error:
                await self.close()
                if isinstance(error, httpx.HTTPError | httpx.InvalidURL | httpx.StreamError):
                    raise self._broken(error) from error
                raise

    async def close(self) -> None:
        """Idempotent."""
        client, self._client = self._client, None
        if client is not None:
            await client.aclose()

    async def _exchange(self, method: str, path: str, body: str) -> object:
        client = self._client = self._client or _client(self._connection)
        headers = {"content-type": "application/json"} if body else None
        request = client.stream(method, self._base + path, content=body.encode() or None, headers=headers)
        async with request as response:
            check_head(response.status_code, response.headers)
            received = bytearray()
            async for chunk in response.aiter_raw():
                received += chunk
                if len(received) > LARGEST:
                    raise WrongAnswerError(f"sends more than {LARGEST} bytes")
            if response.status_code == NO_CONTENT and method != "GET":
                return None
            return document_of(response.headers, bytes(received))

    async def _cut_unless_whole(self, error: DeviceError) -> None:
        """An answer that is wrong says that the connection cannot be trusted either."""
        if isinstance(error, WrongAnswerError):
            await self.close()

    def _broken(self, error: Exception) -> DeviceError:
        if isinstance(error, httpx.ConnectError):
            reason = (
                "its certificate is not trusted" if "CERTIFICATE" in str(error).upper() else "nothing listens there"
            )
            return NoConnectionError(f"no connection to {self._base}: {reason}; check url, ca_file and that it is on")
        if isinstance(error, httpx.TransportError) and not isinstance(error, httpx.RemoteProtocolError):
            return NoAnswerError(f"the connection to {self._base} broke")
        return WrongAnswerError(f"{self._base} gives no whole HTTP answer ({type(error).__name__})")


def _named(error: DeviceError, base: str, path: str) -> DeviceError:
    text = f"{base}{path} {error}"
    return UnsuitableError(error.code, text) if isinstance(error, UnsuitableError) else type(error)(text)


def _client(connection: Http) -> httpx.AsyncClient:
    """Raises :class:`UnsuitableError` when a file that the site names cannot be used."""
    return httpx.AsyncClient(
        auth=_auth(connection),
        verify=tls_context(connection.ca_file),
        follow_redirects=False,
        trust_env=False,
        timeout=connection.timeout_s,
        limits=httpx.Limits(max_connections=1, max_keepalive_connections=1),
        headers={"accept": "application/json", "accept-encoding": "identity", "user-agent": "simems-edge"},
    )


def _auth(connection: Http) -> httpx.Auth | None:
    if connection.auth is None or connection.user is None or connection.password_file is None:
        return None
    try:
        password = read_secret(Path(connection.password_file))
    except SecretError as error:
        raise UnsuitableError("access_refused", str(error)) from error
    scheme = httpx.DigestAuth if connection.auth == "digest" else httpx.BasicAuth
    return scheme(connection.user, password)


def tls_context(ca_file: str | None) -> ssl.SSLContext:
    """Always verifies: by the system's authorities, or by ``ca_file`` alone. Raises :class:`UnsuitableError`."""
    try:
        return _context(ca_file, 0 if ca_file is None else Path(ca_file).stat().st_mtime_ns)
    except (OSError, ssl.SSLError) as error:
        text = f"{ca_file}: cannot be used as certificate ({type(error).__name__}); give a PEM file"
        raise UnsuitableError("access_refused", text) from error


@lru_cache(maxsize=64)
def _context(ca_file: str | None, _changed_ns: int) -> ssl.SSLContext:
    """Kept: to read all authorities takes tens of milliseconds, which no other device shall wait for at each try."""
    return ssl.create_default_context(cafile=ca_file)

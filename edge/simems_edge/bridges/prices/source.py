"""Asks a price source for one day. Everything that is not a whole right answer is an error."""

from __future__ import annotations

import asyncio
from datetime import date, timedelta
from pathlib import Path
from typing import Final

import httpx

from simems_edge.bridges.errors import DeviceError, NoAnswerError, UnsuitableError, WrongAnswerError
from simems_edge.bridges.http.answer import check_head, check_type
from simems_edge.bridges.http.link import tls_context
from simems_edge.bridges.prices.day import Slot, day_of
from simems_edge.bridges.secrets import SecretError, read_secret
from simems_edge.config import PriceSettings
from simems_edge.devices.json_content import ContentError

LARGEST: Final = 2_000_000
CSV_TYPES: Final = frozenset({"text/csv", "text/plain", "application/csv"})
JSON_TYPES: Final = frozenset({"application/json", "text/json"})


def url_of(settings: PriceSettings, day: date) -> str:
    """The address that is asked for the prices of a local day."""
    parts = {
        "{date}": day.isoformat(),
        "{next}": (day + timedelta(days=1)).isoformat(),
        "{year}": f"{day.year:04d}",
        "{month}": f"{day.month:02d}",
        "{day}": f"{day.day:02d}",
    }
    url = settings.url
    for name, text in parts.items():
        url = url.replace(name, text)
    return url


async def fetch_day(settings: PriceSettings, day: date) -> tuple[Slot, ...]:
    """The whole day. Raises a DeviceError that does not show the address's query (it may hold a key)."""
    try:
        async with asyncio.timeout(settings.timeout_s):
            answer = await _fetch(settings, url_of(settings, day))
        return await asyncio.to_thread(day_of, answer, day, settings)
    except DeviceError as error:
        raise _said(error, f"the source {error}") from error
    except (TimeoutError, httpx.TransportError) as error:
        raise NoAnswerError(f"the source does not answer within {settings.timeout_s:g} s") from error
    except (httpx.HTTPError, httpx.InvalidURL, httpx.StreamError) as error:
        raise WrongAnswerError(f"the source gives no whole HTTP answer ({type(error).__name__})") from error
    except ContentError as error:
        raise WrongAnswerError(f"the source's answer {error}") from error


def _said(error: DeviceError, text: str) -> DeviceError:
    return UnsuitableError(error.code, text) if isinstance(error, UnsuitableError) else type(error)(text)


async def _fetch(settings: PriceSettings, url: str) -> bytes:
    headers = {"accept-encoding": "identity", "user-agent": "simems-edge"} | _token(settings)
    verify, limits_s = tls_context(None), settings.timeout_s
    async with (
        httpx.AsyncClient(verify=verify, follow_redirects=False, trust_env=False, timeout=limits_s) as client,
        client.stream("GET", url, headers=headers) as response,
    ):
        check_head(response.status_code, response.headers, largest=LARGEST)
        check_type(response.headers, JSON_TYPES if settings.json_answer else CSV_TYPES)
        received = bytearray()
        async for chunk in response.aiter_raw():
            received += chunk
            if len(received) > LARGEST:
                raise WrongAnswerError(f"sends more than {LARGEST} bytes")
        return bytes(received)


def _token(settings: PriceSettings) -> dict[str, str]:
    if settings.token_file is None:
        return {}
    try:
        return {"authorization": f"Bearer {read_secret(Path(settings.token_file))}"}
    except SecretError as error:
        raise UnsuitableError("access_refused", str(error)) from error

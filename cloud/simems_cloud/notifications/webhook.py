"""Send one webhook: signed, timed, with the delivery's id; the answer's status decides."""

from __future__ import annotations

import hashlib
import hmac
import json
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx

from simems_cloud.notifications.targets import check

TIMEOUT = httpx.Timeout(10.0)


class NotDeliveredError(Exception):
    """It did not arrive, or nobody can know; the text says what happened. It is tried again."""


def signature(secret: str, timestamp: int, body: bytes) -> str:
    """HMAC-SHA256 over ``timestamp.body``, in hex; as the header ``Simems-Signature: t=...,v1=...`` carries it."""
    return hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()


def headers(secret: str, delivery_id: str, body: bytes, timestamp: int) -> dict[str, str]:
    return {
        "Content-Type": "application/json",
        "User-Agent": "simems-cloud",
        "Idempotency-Key": delivery_id,
        "Simems-Delivery": delivery_id,
        "Simems-Signature": f"t={timestamp},v1={signature(secret, timestamp, body)}",
    }


async def send(url: str, secret: str, delivery_id: str, content: Mapping[str, Any], *, private: bool) -> None:
    """Anything but a 2xx is not delivered; no redirect is followed. Raises BadTargetError, NotDeliveredError."""
    target = await check(url, private=private)
    body = json.dumps({"id": delivery_id, **content}, ensure_ascii=False, separators=(",", ":")).encode()
    parts = urlsplit(url)
    address = f"[{target.ip}]" if ":" in target.ip else target.ip
    port = f":{parts.port}" if parts.port else ""
    wanted = parts._replace(netloc=f"{address}{port}").geturl()
    sent = {"Host": f"{target.host}{port}", **headers(secret, delivery_id, body, int(time.time()))}
    try:
        async with httpx.AsyncClient(timeout=TIMEOUT, follow_redirects=False, trust_env=False) as client:
            request = client.build_request(
                "POST", wanted, content=body, headers=sent, extensions={"sni_hostname": target.host}
            )
            answer = await client.send(request, stream=True)
            await answer.aclose()
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise NotDeliveredError(f"{type(error).__name__}: {error}"[:500]) from error
    if not answer.is_success:
        raise NotDeliveredError(f"the receiver answered {answer.status_code}")

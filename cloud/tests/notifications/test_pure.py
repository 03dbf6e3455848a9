"""Quiet hours over midnight and changes of the clock, addresses no webhook may go to, who may hear."""

from __future__ import annotations

import json
from datetime import datetime, time
from typing import Any
from uuid import uuid4

import pytest
from simems_cloud.notifications.audience import recipients
from simems_cloud.notifications.compose import subject_of, text_of, trial_body
from simems_cloud.notifications.deliver import wait_s
from simems_cloud.notifications.quiet import held_until
from simems_cloud.notifications.targets import BadTargetError, check, is_public
from simems_cloud.notifications.webhook import signature

NIGHT = (time(22), time(6))


def at(text: str) -> datetime:
    return datetime.fromisoformat(text)


@pytest.mark.parametrize(
    ("now", "until"),
    [
        ("2026-03-10T20:59:59Z", None),
        ("2026-03-10T21:00:00Z", "2026-03-11T05:00:00Z"),
        ("2026-03-11T04:59:59Z", "2026-03-11T05:00:00Z"),
        ("2026-03-11T05:00:00Z", None),
        ("2026-03-28T22:00:00Z", "2026-03-29T04:00:00Z"),
        ("2026-10-24T21:00:00Z", "2026-10-25T05:00:00Z"),
    ],
)
def test_a_night_of_the_clock_on_the_wall(now: str, until: str | None) -> None:
    found = held_until(at(now), *NIGHT, "Europe/Stockholm")
    assert found == (None if until is None else at(until))


def test_a_noon_and_none() -> None:
    assert held_until(at("2026-03-10T06:30:00Z"), time(11), time(13), "Asia/Kolkata") == at("2026-03-10T07:30:00Z")
    assert held_until(at("2026-03-10T06:30:00Z"), None, None, "UTC") is None
    assert held_until(at("2026-03-10T06:30:00Z"), time(3), time(3), "UTC") is None


@pytest.mark.parametrize(
    "address",
    [
        *(
            "127.0.0.1",
            "10.1.2.3",
            "172.16.0.1",
            "192.168.1.1",
            "169.254.169.254",
            "100.64.0.1",
            "0.0.0.0",  # noqa: S104 - not bound to
            "224.0.0.1",
        ),
        *("::1", "fe80::1%eth0", "fc00::1", "::ffff:127.0.0.1", "64:ff9b::a00:1", "2002:7f00:1::", "255.255.255.255"),
    ],
)
def test_addresses_of_our_own_are_not_public(address: str) -> None:
    assert not is_public(address)


def test_public_ones_are() -> None:
    assert is_public("93.184.216.34")
    assert is_public("2606:2800:220:1:248:1893:25c8:1946")


@pytest.mark.parametrize(
    "url",
    [
        *("http://127.0.0.1/x", "https://localhost/", "http://[::1]:80/", "http://0x7f.1/", "http://2130706433/"),
        *("ftp://example.com/", "http://user:pw@example.com/", "http://", "http://a:99999/", "http://no.such.invalid/"),
    ],
)
async def test_a_webhook_stays_outside(url: str) -> None:
    with pytest.raises(BadTargetError):
        await check(url, private=False)


async def test_unless_the_operator_allows_it() -> None:
    assert (await check("http://127.0.0.1:9/x", private=True)).ip == "127.0.0.1"


def test_the_signature_is_the_documented_one() -> None:
    """By hand: printf '1700000000.{}' | openssl dgst -sha256 -hmac secret."""
    assert signature("secret", 1_700_000_000, b"{}") == (
        "b8569b78799ff9e3cbff0fc2d63a33a2b57f3282abd07c37ae5e8e7d79a5f163"
    )


def _subscription(**fields: Any) -> dict[str, Any]:
    grants = json.dumps([["viewer", [], "a.b", str(uuid4())]])
    base: dict[str, Any] = {
        "subscription_id": uuid4(),
        "webhook_id": None,
        "site_id": None,
        "minimum_severity": "warning",
        "escalations_only": False,
        "tell_cleared": True,
        "quiet_from": None,
        "quiet_to": None,
        "time_zone": "UTC",
        "alarms_break_quiet": True,
        "email": "ada@example.com",
        "url": None,
        "grants": grants,
    }
    return base | fields


def _told(change: dict[str, Any], **fields: Any) -> list[datetime | None]:
    base = {"kind": "raised", "severity": "warning", "site_id": "s", "path": "a.b.c"}
    return [r.not_before for r in recipients(base | change, [_subscription(**fields)], at("2026-03-10T23:00:00Z"))]


def test_who_is_told() -> None:
    assert _told({}) == [None]
    assert _told({"severity": "info"}) == []
    assert _told({"path": "a.x"}) == [], "not within their reach"
    assert _told({"path": None}) == []
    assert _told({}, grants=json.dumps([["billing", [], None, None]])) == [], "may not see alarms"
    assert _told({}, grants=json.dumps([["viewer", [], None, str(uuid4())]])) == [], "the node is gone"
    assert _told({}, site_id="other") == []
    assert _told({"kind": "cleared"}, tell_cleared=False) == []
    assert _told({"kind": "acknowledged"}) == []
    assert _told({}, escalations_only=True) == []
    assert _told({"kind": "escalated", "severity": "alarm"}, escalations_only=True) == [None]
    assert _told({}, email=None, url="https://x", webhook_id=uuid4(), grants="[]") == [None]


def test_quiet_hours_hold_all_but_the_severe() -> None:
    quiet = {"quiet_from": time(22), "quiet_to": time(6)}
    assert _told({}, **quiet) == [at("2026-03-11T06:00:00Z")]
    assert _told({"severity": "alarm"}, **quiet) == [None]
    assert _told({"severity": "alarm"}, **quiet, alarms_break_quiet=False) == [at("2026-03-11T06:00:00Z")]


def test_a_subject_is_one_line() -> None:
    body = trial_body(uuid4(), at("2026-03-10T23:00:00Z"))
    body["alarm"]["text"] = "x\r\nBcc: everybody@example.com\x00"
    assert subject_of(body) == "[INFO] Sim EMS: test: x Bcc: everybody@example.com"
    assert "2026-03-10 23:00:00 (UTC)" in text_of(body, "")


def test_waits_grow_to_a_quarter_of_an_hour() -> None:
    assert 10 <= wait_s(1) <= 12
    assert 80 <= wait_s(4) <= 96
    assert 900 <= wait_s(200) <= 1080

"""Prices of the day ahead: a whole right day or nothing, over real HTTP, over restarts, over clock changes."""

from __future__ import annotations

import asyncio
import json
import math
import random
from contextlib import asynccontextmanager, suppress
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st
from simems_core import Clock, ProcessImage
from simems_edge.bridges.prices import PriceFeed, price_channels
from simems_edge.bridges.prices.day import Slot, day_bounds, day_of
from simems_edge.bridges.prices.feed import KNOWN_FOR, NEXT, NEXT_IN, PRICE
from simems_edge.bridges.prices.table import PriceTable, load, save
from simems_edge.config import PriceSettings, Site
from simems_edge.devices.json_content import ContentError

from .http_devices import Answer, HttpPeer, http_peer

STOCKHOLM = ZoneInfo("Europe/Stockholm")
PLAIN, SPRING, AUTUMN = date(2026, 6, 1), date(2026, 3, 29), date(2026, 10, 25)
ROWS = {"rows": "/data", "start": "/at", "price": "/eur"}


def settings(**more: Any) -> PriceSettings:
    usual = {"url": "http://127.0.0.1:1/{date}.json", "json": ROWS, "currency": "EUR", "zone": "Europe/Stockholm"}
    return PriceSettings.model_validate(usual | more)


def rows(day: date, minutes: int = 60, **changes: Any) -> list[dict[str, Any]]:
    """Prices of a day, 10 EUR/MWh more each slot, beginning with 50."""
    start, end = (datetime(d.year, d.month, d.day, tzinfo=STOCKHOLM) for d in (day, day + timedelta(days=1)))
    count = int((end.timestamp() - start.timestamp()) / 60 / minutes)
    first = start.astimezone(UTC)
    found = [{"at": (first + timedelta(minutes=minutes * n)).isoformat(), "eur": 50.0 + 10.0 * n} for n in range(count)]
    for name, value in changes.items():
        found[3][name] = value
    return found


def answer(found: list[dict[str, Any]]) -> bytes:
    return json.dumps({"data": found}).encode()


@pytest.mark.parametrize(("day", "hours"), [(PLAIN, 24), (SPRING, 23), (AUTUMN, 25)])
@pytest.mark.parametrize("minutes", [15, 60])
def test_days_of_23_24_and_25_hours(day: date, hours: int, minutes: int) -> None:
    slots = day_of(answer(rows(day, minutes)), day, settings())
    assert len(slots) == hours * 60 // minutes
    assert (slots[0].start_s, slots[-1].end_s) == day_bounds(day, STOCKHOLM)
    assert slots[1].price_per_kwh == pytest.approx(0.06)


def test_local_times_without_offset_know_the_hour_that_comes_twice() -> None:
    hours = [0, 1, 2, 2, *range(3, 24)]
    lines = "".join(f"2026-10-25T{hour:02d}:00;{n},5\n" for n, hour in enumerate(hours))
    form = {"start": "Zeit", "price": "Preis", "delimiter": ";"}
    chosen = settings(json=None, csv=form, unit="per_kwh", multiply=1.25, add_per_kwh=0.4)
    slots = day_of(f"Zeit;Preis\n{lines}".encode(), AUTUMN, chosen)
    assert len(slots) == 25
    assert slots[3].start_s - slots[2].start_s == 3600
    assert slots[3].price_per_kwh == pytest.approx(3.5 * 1.25 + 0.4)


def test_two_lists_and_milliseconds() -> None:
    start, end = day_bounds(PLAIN, STOCKHOLM)
    times = [at * 1000 for at in range(start, end, 3600)]
    body = json.dumps({"unix": times, "price": [10.0] * 24}).encode()
    slots = day_of(body, PLAIN, settings(json={"start": "/unix", "price": "/price"}))
    assert [slot.price_per_kwh for slot in slots] == [0.01] * 24


WRONG = {
    "a NaN": answer(rows(PLAIN, eur=math.nan)),
    "an infinity": answer(rows(PLAIN, eur=math.inf)),
    "absurd": answer(rows(PLAIN, eur=1e9)),
    "a text": answer(rows(PLAIN, eur="dear")),
    "a truth": answer(rows(PLAIN, eur=True)),
    "a null": answer(rows(PLAIN, eur=None)),
    "no time": answer(rows(PLAIN, at="soon")),
    "a doubled slot": answer(rows(PLAIN, at=rows(PLAIN)[2]["at"])),
    "a gap": answer(rows(PLAIN)[:5] + rows(PLAIN)[6:]),
    "half a day": answer(rows(PLAIN)[:12]),
    "another day": answer(rows(SPRING)),
    "a shifted slot": answer(rows(PLAIN, at="2026-06-01T01:07:00+00:00")),
    "nothing": b"",
    "no JSON": b"<html>",
    "no rows": b'{"data": {}}',
    "an empty list": b'{"data": []}',
    "a row that is none": b'{"data": [1, 2, 3]}',
    "a bomb": b"[" * 200_000,
    "a flood": answer(rows(PLAIN) * 200),
}


@pytest.mark.parametrize("wrong", WRONG.values(), ids=list(WRONG))
def test_what_is_not_a_whole_right_day_is_refused_as_a_whole(wrong: bytes) -> None:
    with pytest.raises(ContentError):
        day_of(wrong, PLAIN, settings())


def test_an_hour_that_the_clock_skips_is_refused() -> None:
    lines = "".join(f"2026-03-29T{hour:02d}:00,1\n" for hour in range(23))
    with pytest.raises(ContentError, match="does not exist"):
        day_of(f"t,p\n{lines}".encode(), SPRING, settings(json=None, csv={"start": "t", "price": "p"}))


@given(st.binary(max_size=400), st.booleans())
def test_any_bytes_are_a_day_or_refused(raw: bytes, as_csv: bool) -> None:
    chosen = settings(json=None, csv={"start": "a", "price": "b"}) if as_csv else settings()
    with suppress(ContentError):
        day_of(raw, PLAIN, chosen)


def test_the_table_knows_what_follows() -> None:
    table = PriceTable().with_day([Slot(0, 10, 1.0), Slot(10, 20, 2.0)], 5).with_day([Slot(30, 40, 3.0)], 5)
    first = table.at(5)
    assert first is not None
    assert table.following(first) == Slot(10, 20, 2.0)
    assert (table.known_until(first), table.at(25), table.at(40)) == (20, None, None)
    assert table.covers(0, 20)
    assert not table.covers(0, 40)


def test_the_file_survives_and_damage_is_no_price(tmp_path: Path) -> None:
    table = PriceTable(day_of(answer(rows(PLAIN)), PLAIN, settings()))
    save(tmp_path, table, settings())
    assert load(tmp_path, settings()) == table
    assert load(tmp_path, settings(multiply=2.0)) == PriceTable(), "other arithmetic, other prices"
    whole, dice = (tmp_path / "prices.json").read_bytes(), random.Random(1)
    for _ in range(200):
        torn = bytearray(whole[: dice.randint(0, len(whole))])
        if torn:
            torn[dice.randrange(len(torn))] ^= 1 << dice.randrange(8)
        (tmp_path / "prices.json").write_bytes(bytes(torn))
        found = load(tmp_path, settings())
        assert all(math.isfinite(slot.price_per_kwh) and slot.start_s < slot.end_s for slot in found.slots)


# ---- the feed over real HTTP


def site(peer: HttpPeer, **more: Any) -> Site:
    prices = {"url": f"http://127.0.0.1:{peer.port}/{{date}}.json", "json": ROWS, "currency": "EUR"}
    return Site.model_validate_json(
        json.dumps({
            "site": {"id": "p-1", "time_zone": "Europe/Stockholm", "currency": "EUR",
                     "grid": {"import_limit_w": 1000, "export_limit_w": 1000}},
            "components": [{"id": "grid0", "profile": "sunspec_meter",
                            "connection": {"modbus_tcp": {"host": "127.0.0.1"}}}],
            "prices": prices | {"zone": "Europe/Stockholm", "timeout": 1.0} | more,
        })
    )  # fmt: skip


class Shop:
    """A feed under way at a chosen time of day."""

    def __init__(self, peer: HttpPeer, folder: Path, now: datetime) -> None:
        chosen = site(peer)
        self.now_s = now.timestamp()
        # A clock of its own, whose UTC is the wanted one; monotonic time runs at 200 times its speed.
        self.clock = Clock.scaled(Clock.monotonic().now_ns(), round(self.now_s * 1e6), 200.0)
        self.image = ProcessImage(price_channels(chosen))
        self.problems: dict[str, str] = {}
        self.time_known = True
        self.feed = PriceFeed(
            chosen, self.image, self.clock, folder, time_known=lambda: self.time_known,
            on_problem=lambda _c, code, text: self.problems.__setitem__(code, text),
            on_clear=lambda _c, code: self.problems.__delitem__(code),
        )  # fmt: skip

    def value(self, address: str) -> float:
        return self.image.latch(self.clock.now_ns()).value(self.image.handle(address))

    async def until(self, ready: Any, timeout_s: float = 10.0) -> None:
        async with asyncio.timeout(timeout_s):
            while not ready():  # noqa: ASYNC110 - what it waits for lives in the image, which has no event
                await asyncio.sleep(0.01)


@asynccontextmanager
async def open_shop(peer: HttpPeer, folder: Path, hour: int, minute: int = 0) -> Any:
    shop = Shop(peer, folder, datetime(2026, 6, 1, hour, minute, tzinfo=STOCKHOLM))
    task = asyncio.create_task(shop.feed.run())
    try:
        yield shop
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


async def test_the_price_now_the_next_one_and_how_far_they_reach(tmp_path: Path) -> None:
    async with http_peer({"/2026-06-01.json": {"data": rows(PLAIN)}}) as peer:
        async with open_shop(peer, tmp_path, 10, 15) as shop:
            await shop.until(lambda: not math.isnan(shop.value(NEXT)))
            assert shop.value(PRICE) == pytest.approx(0.15)
            assert shop.value(NEXT) == pytest.approx(0.16)
            assert 0 < shop.value(NEXT_IN) <= 2700
            assert shop.value(KNOWN_FOR) == pytest.approx(shop.value(NEXT_IN) + 13 * 3600, abs=60)
            assert [one.path for one in peer.asked] == ["/2026-06-01.json"], "tomorrow is not asked for in the morning"
        async with open_shop(peer, tmp_path, 10, 15) as shop:
            await shop.until(lambda: shop.value(PRICE) == pytest.approx(0.15))
            assert len(peer.asked) == 1, "kept over the restart"


async def test_tomorrow_is_asked_for_in_the_afternoon_and_a_failure_is_told(tmp_path: Path) -> None:
    documents: dict[str, Any] = {"/2026-06-01.json": {"data": rows(PLAIN)}, "/2026-06-02.json": Answer(b"[NaN]")}
    async with http_peer(documents) as peer, open_shop(peer, tmp_path, 14) as shop:
        await shop.until(lambda: "prices_missing" in shop.problems)
        assert shop.value(PRICE) == pytest.approx(0.19), "today's prices stand"
        documents["/2026-06-02.json"] = {"data": rows(date(2026, 6, 2))}
        await shop.until(lambda: not shop.problems)
        assert shop.value(KNOWN_FOR) > 86_400
        asked = [one.path for one in peer.asked].count("/2026-06-02.json")
        assert asked <= 3, "a source is not hammered"


async def test_when_prices_end_the_channels_go_stale(tmp_path: Path) -> None:
    today = {"/2026-06-01.json": {"data": rows(PLAIN)}}
    async with http_peer(today) as peer, open_shop(peer, tmp_path, 23, 55) as shop:
        await shop.until(lambda: shop.value(PRICE) == pytest.approx(0.28))
        assert math.isnan(shop.value(NEXT))
        await shop.until(lambda: math.isnan(shop.value(PRICE)))
        assert math.isnan(shop.value(KNOWN_FOR))


async def test_without_a_set_clock_no_price_holds(tmp_path: Path) -> None:
    async with http_peer({"/2026-06-01.json": {"data": rows(PLAIN)}}) as peer, open_shop(peer, tmp_path, 10) as shop:
        shop.time_known = False
        before = shop.clock.now_ns()
        await shop.until(lambda: shop.clock.now_ns() > before + 60_000_000_000)
        assert math.isnan(shop.value(PRICE)) or not peer.asked
        shop.time_known = True
        await shop.until(lambda: shop.value(PRICE) == pytest.approx(0.15))

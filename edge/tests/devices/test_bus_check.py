"""Two devices of one CAN bus whose frames could be taken for each other's."""

from __future__ import annotations

from typing import Any

import pytest
from simems_edge.config import Component
from simems_edge.config.load import site_of
from simems_edge.config.parse import parse_document
from simems_edge.devices import Profile, load_profile
from simems_edge.devices.bus_check import bus_problems

BATTERY = load_profile("pylontech_lv_can")
READER = BATTERY.model_copy(update={"can": BATTERY.can and BATTERY.can.model_copy(update={"transmit": ()})})


def messages(first: Profile, second: Profile, buses: tuple[str, str] = ("can0", "can0")) -> list[str]:
    rows = [
        f"  - {{id: bms{n}, profile: pylontech_lv_can, connection: {{can: {{channel: {bus}}}}}}}"
        for n, bus in enumerate(buses)
    ]
    head = "site: {id: s-1, time_zone: UTC, currency: EUR, grid: {import_limit_w: 1 kW, export_limit_w: 1 kW}}"
    document = parse_document("\n".join([head, "components:", *rows]), "site.yaml")
    site = site_of(document).site
    assert site is not None
    profiles = {"bms0": first, "bms1": second}

    def find(component: Component) -> Profile | None:
        return profiles[component.id]

    return [str(problem) for problem in bus_problems(site, document, find)]


def renamed(profile: Profile, **more: Any) -> Profile:
    return profile.model_copy(update={"id": "another", **more})


def test_frames_that_two_devices_hear_or_say_are_told_with_their_identifier() -> None:
    found = messages(BATTERY, renamed(BATTERY))
    assert len(found) == 6
    expected = "hears frame 0x351 (Limits), which component 'bms0' hears on the same bus (Limits)"
    assert any(text.startswith("site.yaml:4:") and expected in text for text in found), found
    assert any("says frame 0x305 (KeepAlive), which component 'bms0' says" in text for text in found), found


@pytest.mark.parametrize(
    ("first", "second", "buses"),
    [
        (BATTERY, renamed(BATTERY), ("can0", "can1")),
        (BATTERY, load_profile("generic_bms_can"), ("can0", "can0")),
        (renamed(READER, device="one"), renamed(READER, device="one"), ("can0", "can0")),
    ],
    ids=["buses of their own", "other identifiers", "two parts of one device"],
)
def test_what_may_share_a_bus(first: Profile, second: Profile, buses: tuple[str, str]) -> None:
    assert messages(first, second, buses) == []


def test_parts_of_one_device_do_not_both_speak() -> None:
    assert any("0x305" in text for text in messages(renamed(BATTERY, device="one"), renamed(BATTERY, device="one")))

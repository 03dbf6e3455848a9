"""Every profile of bare registers: words written by hand read as the right values and signs, setpoints go where the
document says. The words in ``round_trips`` come from the documents' formats, never from our own encoder."""

from __future__ import annotations

import copy
from pathlib import Path

import pytest
from simems_edge.devices import ProfileError, load_profile, profile_names
from simems_edge.devices.points import CONTENT
from simems_edge.devices.profile import parse_profile
from simems_edge.devices.profile_check import case_problems, profile_problems, read_case, read_profile
from simems_edge.devices.register_view import RegisterView
from simems_edge.devices.registers import EncodeError
from simems_edge.devices.view import DeviceView

CASES = Path(__file__).parent / "round_trips"
DOCUMENTS = [name for name in profile_names() if load_profile(name).protocol in CONTENT]
BARE = [name for name in profile_names() if load_profile(name).protocol == "modbus"]


@pytest.mark.parametrize("name", profile_names())
def test_nothing_is_wrong_with_a_shipped_profile(name: str) -> None:
    assert profile_problems(load_profile(name)) == []


@pytest.mark.parametrize("name", BARE + DOCUMENTS)
def test_registers_and_documents_by_hand_read_right_and_setpoints_go_right(name: str) -> None:
    profile, case = load_profile(name), read_case(CASES / f"{name}.yaml")
    assert case_problems(profile, case) == []
    assert {write.channel for write in case.writes} == {c.name for c in profile.channels if c.settable}


def test_at_least_ten_named_devices_of_every_kind() -> None:
    kinds = {name: load_profile(name).kind for name in BARE}
    assert len({load_profile(name).device or name for name in BARE}) >= 10
    assert {"meter", "ess", "pv", "hybrid", "evcs", "heat_pump", "relay"} <= set(kinds.values())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"words": (0x44BB, 0x8000)}, r"values.active_power_w: reads 1500.0, not -1261.5"),
        ({"address": 54}, "input 52 is read with"),
    ],
)
def test_the_kit_finds_what_differs(change: dict[str, object], message: str) -> None:
    case = read_case(CASES / "eastron_sdm630.yaml")
    rows = [row.model_copy(update=change) if row.address == 52 else row for row in case.registers]
    found = case_problems(load_profile("eastron_sdm630"), case.model_copy(update={"registers": tuple(rows)}))
    assert any(message in text for text in found), found


@pytest.mark.parametrize("mistake", ["sign", "word_order", "scale", "address", "type"])
def test_the_kit_finds_every_kind_of_mistake_in_a_profile(mistake: str) -> None:
    raw = copy.deepcopy(load_profile("carlo_gavazzi_em24").model_dump(mode="json", exclude_none=True))
    point = next(c for c in raw["channels"] if c["name"] == "active_power_w")["read"][0]["modbus"]
    point |= {
        "sign": {"sign": -1},
        "word_order": {"word_order": "big"},
        "scale": {"scale": 1},
        "address": {"address": 42},
        "type": {"type": "uint32"},
    }[mistake]
    assert case_problems(parse_profile(raw, "mine"), read_case(CASES / "carlo_gavazzi_em24.yaml"))


def _view(name: str) -> DeviceView:
    return RegisterView(load_profile(name))


@pytest.mark.parametrize(
    ("name", "channel", "value"),
    [
        ("keba_p30", "current_limit_a", 3.0),
        ("keba_p30", "current_limit_a", 64.0),
        ("alfen_ng9xx", "current_limit_a", float("nan")),
        ("stiebel_eltron_isg", "operating_mode", 2.5),
        ("waveshare_relay", "state", 0.5),
        ("sungrow_sh_battery", "active_power_w", 1e9),
        ("victron_gx", "active_power_w", float("inf")),
    ],
)
def test_what_a_register_cannot_carry_is_refused(name: str, channel: str, value: float) -> None:
    with pytest.raises(EncodeError):
        _view(name).setpoint_writes(load_profile(name).channel(channel), value)


@pytest.mark.parametrize("name", BARE)
def test_blocks_are_within_what_the_device_answers_and_hold_every_register_once(name: str) -> None:
    profile, view = load_profile(name), _view(name)
    assert all(1 <= block.count <= profile.max_registers for block in view.blocks)
    places = [
        (block.unit, block.table, address, block.poll_s, block.apart)
        for block in view.blocks
        for address in range(block.address, block.end)
    ]
    assert len(places) == len(set(places))


def test_unreadable_files_are_told_with_their_place(tmp_path: Path) -> None:
    broken = tmp_path / "mine.yaml"
    broken.write_text("a: [1\nb: {", "utf-8")
    with pytest.raises(ProfileError, match=r"mine\.yaml:\d+: is no YAML"):
        read_profile(broken)
    with pytest.raises(ProfileError, match="cannot be read"):
        read_case(tmp_path / "absent.yaml")
    broken.write_text("registers: [{address: 70000, words: [1]}]\nvalues: {}\n", "utf-8")
    with pytest.raises(ProfileError, match=r"registers\.0\.address"):
        read_case(broken)

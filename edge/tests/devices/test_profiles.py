"""Profiles: complete against their interface, and true to the published models and our signs."""

import copy
from typing import Any

import pytest
import yaml
from simems_edge.contracts.interfaces import INTERFACES
from simems_edge.devices import ProfileError, load_profile, profile_names
from simems_edge.devices.definition import load_definition
from simems_edge.devices.mapping import (
    arm_writes,
    channel_values,
    disarm_writes,
    layout_of,
    missing_channels,
    read_plan,
    setpoint_writes,
)
from simems_edge.devices.profile import parse_profile
from simems_edge.devices.registers import EncodeError
from simems_edge.devices.sunspec import ModelBlock, Value, decode_model, encode_model

STORAGE = layout_of(
    [ModelBlock(701, 40070, 153), ModelBlock(702, 40300, 50), ModelBlock(704, 40400, 65), ModelBlock(713, 40500, 7)]
)


def shown(model: int, points: dict[str, Value]) -> dict[str, Value]:
    """What is read from a device that shows these points."""
    return decode_model(load_definition(model), encode_model(load_definition(model), points))


def raw_profile(name: str) -> dict[str, Any]:
    return copy.deepcopy(load_profile(name).model_dump(mode="json", exclude_none=True))


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_names_points_that_exist(name: str) -> None:
    profile = load_profile(name)
    for channel in profile.channels:
        for source in (*channel.read, *channel.write):
            assert source.sunspec is not None
            for reference in filter(None, (source.sunspec, source.sunspec.relative_to)):
                for model in reference.models:
                    load_definition(model).point(reference.point)
        for sink in channel.write:
            assert sink.sunspec is not None
            for model in sink.sunspec.models:
                points = [load_definition(model).point(p) for p in (sink.sunspec.point, *sink.arm, *sink.disarm)]
                assert all(point.writable for point in points)
                assert all(p.scale_factor is None or sink.arm.get(p.name, 0) == 0 for p in points)
    assert len(profile.source) > 20
    assert len(profile.untested) > 20


MANDATORY = [
    (name, spec.name)
    for name in profile_names()
    for spec in INTERFACES[load_profile(name).kind].channels
    if spec.mandatory or spec.must_set
]


@pytest.mark.parametrize(("name", "channel"), MANDATORY)
def test_a_profile_without_a_mandatory_channel_is_refused(name: str, channel: str) -> None:
    raw = raw_profile(name)
    raw["channels"] = [c for c in raw["channels"] if c["name"] != channel]
    with pytest.raises(ProfileError, match=f"lacks the mandatory channel {channel}|at least 1 item"):
        parse_profile(raw, "mine")


def test_a_battery_that_cannot_be_set_is_refused() -> None:
    raw = raw_profile("sunspec_storage")
    for channel in raw["channels"]:
        channel["write"] = []
    with pytest.raises(ProfileError, match=r"active_power_w \(settable\)"):
        parse_profile(raw, "mine")


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"unit": "kW"}, "must be float in unit 'W'"),
        ({"name": "power"}, "none of a meter"),
        ({"read": []}, "neither read nor write"),
        ({"stale_after_s": 0.05}, "stale before it is polled"),
        ({"colour": "red"}, "colour"),
        ({"read": [{}]}, "exactly one of sunspec or modbus"),
        ({"read": [{"modbus": {"address": 70000, "type": "int16"}}]}, "address"),
    ],
)
def test_a_wrong_channel_is_refused(change: dict[str, Any], message: str) -> None:
    raw = raw_profile("sunspec_meter")
    raw["channels"][0] |= change
    with pytest.raises(ProfileError, match=message):
        parse_profile(raw, "mine")


def test_a_channel_named_twice_is_refused() -> None:
    raw = raw_profile("sunspec_meter")
    raw["channels"].append(raw["channels"][0])
    with pytest.raises(ProfileError, match="named twice: active_power_w"):
        parse_profile(raw, "mine")


def test_a_bare_modbus_profile_is_possible() -> None:
    text = """
    {id: my_meter, kind: meter, description: x, source: its manual, untested: everything, protocol: modbus, channels: [
      {name: active_power_w, unit: W, read: [{modbus: {address: 12, type: float32, word_order: little, sign: -1}}]},
      {name: frequency_hz, unit: Hz, read: [{modbus: {address: 70, table: input, type: uint16, scale: 0.01}}]}]}
    """
    assert parse_profile(yaml.safe_load(text), "my_meter").channel("active_power_w").access == "read"


@pytest.mark.parametrize("data", [None, [], 7, {"id": "x"}])
def test_garbage_is_refused(data: object) -> None:
    with pytest.raises(ProfileError):
        parse_profile(data, "mine")
    with pytest.raises(ProfileError, match="there is no profile"):
        load_profile("no_such_profile")


@pytest.mark.parametrize(("name", "sign"), [("sunspec_meter", 1), ("sunspec_meter_export_positive", -1)])
def test_signs_of_meters(name: str, sign: int) -> None:
    model = shown(203, {"W": 1500, "W_SF": 0, "PF": 98, "PF_SF": 0, "TotWhImp": 0, "TotWh_SF": 0})
    values = channel_values(load_profile(name), {203: model})
    assert values["active_power_w"] == sign * 1500.0
    assert values["power_factor"] == pytest.approx(0.98)
    assert values["import_energy_wh"] == 0.0


def test_discharge_is_positive_and_charge_negative() -> None:
    for power_w in (2500.0, -2500.0):
        values = channel_values(
            load_profile("sunspec_storage"), {701: shown(701, {"W": power_w, "W_SF": 0, "DERMode": 2})}
        )
        assert values["active_power_w"] == power_w
        assert values["grid_forming"] == 1.0


def test_the_first_implemented_source_counts() -> None:
    definition = load_definition(702)
    for given, expected in (({"WChaRteMax": 5000, "WChaRteMaxRtg": 6000}, 5000.0), ({"WChaRteMaxRtg": 6000}, 6000.0)):
        models = {702: decode_model(definition, encode_model(definition, {"W_SF": 0, **given}))}
        assert channel_values(load_profile("sunspec_storage"), models)["max_charge_power_w"] == expected


def test_states_of_old_and_new_inverters_agree() -> None:
    profile = load_profile("sunspec_pv")
    for model, raw in ((103, 4), (701, 3)):
        points = {"St" if model == 103 else "InvSt": raw}
        decoded = decode_model(load_definition(model), encode_model(load_definition(model), points))
        value = channel_values(profile, {model: decoded})["operating_state"]
        assert value is not None
        assert profile.channel("operating_state").labels[int(value)] == "running"


def test_a_battery_setpoint_is_armed_once() -> None:
    channel = load_profile("sunspec_storage").channel("active_power_w")
    definition = load_definition(704)
    fresh = {"WSet_SF": 0, "WSetEna": 0, "WSetMod": 0, "WSetRvrt": 0, "WSetRvrtTms": 0, "WSetEnaRvrt": 0}
    models = {704: decode_model(definition, encode_model(definition, fresh))}
    (write,) = setpoint_writes(channel, -5000.4, STORAGE, models)
    assert (write.address, write.registers) == (40424, (0xFFFF, 0x10000 - 5000))
    arming = [write.point for write in arm_writes(channel, STORAGE, models)]
    assert arming == ["704.WSetMod", "704.WSetRvrtTms", "704.WSetEnaRvrt", "704.WSetEna"]
    armed = {**fresh, "WSetEna": 1, "WSetMod": 1, "WSetRvrtTms": 10, "WSetEnaRvrt": 1}
    assert not arm_writes(channel, STORAGE, {704: decode_model(definition, encode_model(definition, armed))})
    assert [(write.address, write.registers) for write in disarm_writes(channel, STORAGE)] == [(40422, (0,))]


def test_a_setpoint_out_of_range_or_unknown_is_never_written() -> None:
    battery = load_profile("sunspec_storage").channel("active_power_w")
    with pytest.raises(EncodeError, match="outside"):
        setpoint_writes(battery, float("nan"), STORAGE, {704: {"WSet_SF": 0}})
    with pytest.raises(EncodeError, match="scale factor"):
        setpoint_writes(battery, 1.0, STORAGE, {})
    with pytest.raises(EncodeError, match="none of the models"):
        setpoint_writes(battery, 1.0, {}, {})
    limit = load_profile("sunspec_pv").channel("active_power_limit_w")
    with pytest.raises(EncodeError, match="outside"):
        setpoint_writes(limit, -1.0, STORAGE, {})


def test_a_percentage_is_of_its_reference() -> None:
    profile = load_profile("sunspec_pv")
    models = {702: {"WMax": 50_000.0}, 704: {"WMaxLimPct": 40.0, "WMaxLimPct_SF": -1}}
    assert channel_values(profile, models)["active_power_limit_w"] == 20_000.0
    (write,) = setpoint_writes(profile.channel("active_power_limit_w"), 25_000.0, STORAGE, models)
    assert write.registers == (500,)
    with pytest.raises(EncodeError, match="percentage"):
        setpoint_writes(profile.channel("active_power_limit_w"), 25_000.0, STORAGE, {704: models[704]})


def test_the_read_plan_takes_the_shortest_interval() -> None:
    profile = load_profile("sunspec_storage")
    assert read_plan(profile, STORAGE) == {701: 0.1, 702: 1.0, 704: 1.0, 713: 1.0}
    cells = [
        "dc_voltage_v",
        "dc_current_a",
        "cell_voltage_min_v",
        "cell_voltage_max_v",
        "cell_temperature_min_degc",
        "cell_temperature_max_degc",
    ]
    assert missing_channels(profile, STORAGE) == cells
    assert "active_power_w (settable)" in missing_channels(profile, {})

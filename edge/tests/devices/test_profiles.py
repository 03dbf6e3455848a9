"""Profiles: complete against their interface, and true to the published models and our signs."""

import copy
from typing import Any

import pytest
import yaml
from simems_edge.contracts.interfaces import INTERFACES
from simems_edge.devices import ProfileError, load_profile, profile_names
from simems_edge.devices.definition import load_definition
from simems_edge.devices.profile import parse_profile
from simems_edge.devices.registers import EncodeError
from simems_edge.devices.sunspec import ModelBlock, Value, encode_model
from simems_edge.devices.sunspec_view import SunSpecView, layout_of, model_values

STORAGE = layout_of(
    [ModelBlock(701, 40070, 153), ModelBlock(702, 40300, 50), ModelBlock(704, 40400, 65), ModelBlock(713, 40500, 7)]
)


def shown(model: int, points: dict[str, Value]) -> list[int]:
    """The registers of a device that shows these points."""
    return encode_model(load_definition(model), points)


def view(profile: str, models: dict[int, dict[str, Value]], layout: dict[int, ModelBlock] = STORAGE) -> SunSpecView:
    """Of a device with these models, each read once."""
    found = SunSpecView(load_profile(profile), layout)
    for block in found.blocks:
        model = next(m.id for m in layout.values() if m.address == block.address)
        if model in models:
            found.update(block, shown(model, models[model]))
    found.bind()
    return found


def raw_profile(name: str) -> dict[str, Any]:
    return copy.deepcopy(load_profile(name).model_dump(mode="json", exclude_none=True))


@pytest.mark.parametrize("name", profile_names())
def test_every_profile_names_points_that_exist(name: str) -> None:
    profile = load_profile(name)
    for channel in profile.channels:
        terms = [t for source in channel.read for t in source.terms] + [p for s in channel.write for p in s.pieces]
        for point in (term.sunspec for term in terms if term.sunspec is not None):
            for reference in filter(None, (point, point.relative_to)):
                for model in reference.models:
                    load_definition(model).point(reference.point)
        for sink in channel.write:
            for piece in (piece.sunspec for piece in sink.pieces if piece.sunspec is not None):
                for model in piece.models:
                    points = [load_definition(model).point(p) for p in (piece.point, *sink.arm, *sink.disarm)]
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
        ({"read": [{}]}, "exactly one of sunspec, modbus, http, mqtt, can or ocpp"),
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
    values = model_values(load_profile(name), {203: model})
    assert values["active_power_w"] == sign * 1500.0
    assert values["power_factor"] == pytest.approx(0.98)
    assert values["import_energy_wh"] == 0.0


def test_discharge_is_positive_and_charge_negative() -> None:
    for power_w in (2500.0, -2500.0):
        model = shown(701, {"W": power_w, "W_SF": 0, "DERMode": 2})
        values = model_values(load_profile("sunspec_storage"), {701: model})
        assert values["active_power_w"] == power_w
        assert values["grid_forming"] == 1.0


def test_the_first_implemented_source_counts() -> None:
    for given, expected in (({"WChaRteMax": 5000, "WChaRteMaxRtg": 6000}, 5000.0), ({"WChaRteMaxRtg": 6000}, 6000.0)):
        models = {702: shown(702, {"W_SF": 0, **given})}
        assert model_values(load_profile("sunspec_storage"), models)["max_charge_power_w"] == expected


def test_states_of_old_and_new_inverters_agree() -> None:
    profile = load_profile("sunspec_pv")
    for model, raw in ((103, 4), (701, 3)):
        points: dict[str, Value] = {"St" if model == 103 else "InvSt": raw}
        value = model_values(profile, {model: shown(model, points)})["operating_state"]
        assert value is not None
        assert profile.channel("operating_state").labels[int(value)] == "running"


def test_a_battery_setpoint_is_armed_once() -> None:
    channel = load_profile("sunspec_storage").channel("active_power_w")
    fresh: dict[str, Value] = {
        "WSet_SF": 0, "WSetEna": 0, "WSetMod": 0, "WSetRvrt": 0, "WSetRvrtTms": 0, "WSetEnaRvrt": 0,
    }  # fmt: skip
    device = view("sunspec_storage", {704: fresh})
    (write,) = device.setpoint_writes(channel, -5000.4)
    assert (write.address, write.registers) == (40424, (0xFFFF, 0x10000 - 5000))
    assert write.area in device.allowed()
    arming = [write.point for write in device.arm_writes(channel)]
    assert arming == ["704.WSetMod", "704.WSetRvrtTms", "704.WSetEnaRvrt", "704.WSetEna"]
    armed: dict[str, Value] = {**fresh, "WSetEna": 1, "WSetMod": 1, "WSetRvrtTms": 10, "WSetEnaRvrt": 1}
    assert not view("sunspec_storage", {704: armed}).arm_writes(channel)
    assert [(write.address, write.registers) for write in device.disarm_writes(channel)] == [(40422, (0,))]


def test_a_scale_factor_that_changes_at_run_time_is_followed_both_ways() -> None:
    profile = load_profile("sunspec_storage")
    channel = profile.channel("active_power_w")
    for exponent, raw in ((0, 5000), (1, 500), (2, 50)):
        device = view("sunspec_storage", {704: {"WSet_SF": exponent}, 701: {"W": 5000.0, "W_SF": exponent}})
        assert device.values()["active_power_w"] == 5000.0
        assert device.setpoint_writes(channel, 5000.0)[0].registers == (0, raw)


def test_a_setpoint_out_of_range_or_unknown_is_never_written() -> None:
    battery = load_profile("sunspec_storage").channel("active_power_w")
    with pytest.raises(EncodeError, match="outside"):
        view("sunspec_storage", {704: {"WSet_SF": 0}}).setpoint_writes(battery, float("nan"))
    with pytest.raises(EncodeError, match="scale factor"):
        view("sunspec_storage", {}).setpoint_writes(battery, 1.0)
    with pytest.raises(EncodeError, match="none of the models"):
        view("sunspec_storage", {}, {}).setpoint_writes(battery, 1.0)
    limit = load_profile("sunspec_pv").channel("active_power_limit_w")
    with pytest.raises(EncodeError, match="outside"):
        view("sunspec_pv", {}).setpoint_writes(limit, -1.0)


def test_a_percentage_is_of_its_reference() -> None:
    limit = load_profile("sunspec_pv").channel("active_power_limit_w")
    inverter: dict[int, dict[str, Value]] = {
        702: {"WMax": 50_000.0, "W_SF": 1},
        704: {"WMaxLimPct": 40.0, "WMaxLimPct_SF": -1},
    }
    device = view("sunspec_pv", inverter)
    assert device.values()["active_power_limit_w"] == 20_000.0
    assert device.setpoint_writes(limit, 25_000.0)[0].registers == (500,)
    unknown = view("sunspec_pv", {704: inverter[704]})
    assert unknown.values()["active_power_limit_w"] is None
    with pytest.raises(EncodeError, match="percentage"):
        unknown.setpoint_writes(limit, 25_000.0)


def test_the_read_plan_takes_the_shortest_interval() -> None:
    device = view("sunspec_storage", {})
    rates = {block.address: block.poll_s for block in device.blocks}
    assert rates == {40070: 0.1, 40300: 1.0, 40400: 1.0, 40500: 1.0}
    lacking = {c.name for c in device.profile.channels} - set(device.readable())
    assert lacking == {
        "dc_voltage_v", "dc_current_a", "cell_voltage_min_v", "cell_voltage_max_v", "cell_temperature_min_degc",
        "cell_temperature_max_degc",
    }  # fmt: skip
    assert view("sunspec_storage", {}, {}).settable() == []

"""The SunSpec codec: against registers written by hand, against pysunspec2, and against itself."""

import math

import pytest
import sunspec2.device as peer
from hypothesis import given, settings
from hypothesis import strategies as st
from simems_edge.devices.definition import DefinitionError, has_definition, load_definition
from simems_edge.devices.registers import EncodeError, from_bytes, to_bytes
from simems_edge.devices.sunspec import (
    ChainError,
    ChainReader,
    ModelBlock,
    decode_model,
    encode_model,
    encode_point,
    parse_chain,
)

NOT_IMPLEMENTED = 0x8000
NUMBERS = {"int16", "uint16", "int32", "uint32", "acc32", "uint64", "float32"}
MODELS = (
    1, *range(101, 104), *range(111, 114), *range(120, 125), 160, *range(201, 205), *range(211, 215), *range(701, 715),
    802, 64901,
)  # fmt: skip


def meter_203_by_hand() -> list[int]:
    """Model 203 written register by register from the published table."""
    words = [NOT_IMPLEMENTED] * 107
    words[0:2] = [203, 105]
    words[2:7] = [1234, 400, 411, 423, 0xFFFE]  # A, AphA..C, A_SF = -2
    words[7:11] = [2301, 2300, 2302, 2303]  # PhV, PhVphA..C
    words[11:16] = [3985, NOT_IMPLEMENTED, NOT_IMPLEMENTED, NOT_IMPLEMENTED, 0xFFFF]  # PPV .. V_SF = -1
    words[16:18] = [4998, 0xFFFE]  # Hz, Hz_SF = -2
    words[18:23] = [0x10000 - 1523, 0x10000 - 500, 0x10000 - 500, 0x10000 - 523, 1]  # W, WphA..C, W_SF = 1
    words[38:40] = [0x0001, 0x86A0]  # TotWhExp = 100000
    words[46:48] = [0x0000, 0x0000]  # TotWhImp = 0
    words[54] = 0xFFFF  # TotWh_SF = -1
    return words


def test_meter_written_by_hand() -> None:
    values = decode_model(load_definition(203), meter_203_by_hand())
    expected = {
        "A": 12.34, "AphB": 4.11, "PhV": 230.1, "PPV": 398.5, "Hz": 49.98, "W": -15230.0, "WphC": -5230.0,
        "TotWhExp": 10000.0, "TotWhImp": 0.0, "VA": None, "PF": None, "VAR_SF": None, "PhVphAB": None,
    }  # fmt: skip
    assert {name: values[name] for name in expected} == expected


def test_storage_written_by_hand() -> None:
    words = [713, 7, 1200, 0xFFFF, 634, 0xFFFF, 0, 2, 0xFFFF]
    values = decode_model(load_definition(713), words)
    assert values["WHRtg"] == 120_000.0
    assert values["WHAvail"] is None
    assert values["SoC"] == 63.4
    assert values["Sta"] == 0


def test_the_setpoint_registers_by_hand() -> None:
    definition = load_definition(704)
    assert encode_point(definition, "WSet", -20_000.0, {"WSet_SF": 0}) == [0xFFFF, 0xB1E0]
    assert encode_point(definition, "WSet", 20_000.0, {"WSet_SF": 1}) == [0, 2000]
    assert (definition.point("WSetEna").offset, definition.point("WSet").offset) == (22, 24)


def test_an_accumulator_at_zero_is_zero_not_missing() -> None:
    """pysunspec2 hides it, as the specification says; a meter that has just been fitted shows 0 Wh all the same."""
    registers = encode_model(load_definition(203), {"TotWhImp": 0, "TotWh_SF": 0})
    assert decode_model(load_definition(203), registers)["TotWhImp"] == 0.0


def test_a_missing_scale_factor_hides_the_value() -> None:
    words = meter_203_by_hand()
    words[22] = NOT_IMPLEMENTED
    assert decode_model(load_definition(203), words)["W"] is None
    words[22] = 77
    assert decode_model(load_definition(203), words)["W"] is None


def test_a_shorter_model_has_missing_points() -> None:
    values = decode_model(load_definition(203), meter_203_by_hand()[:23])
    assert values["W"] == -15230.0
    assert values["TotWhImp"] is None


def test_nan_and_infinity_of_floats_are_missing() -> None:
    for word in (0x7FC0, 0x7F80, 0xFF80):
        assert decode_model(load_definition(64901), [64901, 4, 0, 7, word, 0])["speed"] is None


@pytest.mark.parametrize("value", [math.nan, math.inf, 32768.0, -32768.0, 1e300])
def test_values_that_cannot_be_written_are_refused(value: float) -> None:
    with pytest.raises(EncodeError):
        encode_point(load_definition(203), "W", value, {"W_SF": 0})


def test_no_write_without_a_scale_factor() -> None:
    with pytest.raises(EncodeError, match="scale factor"):
        encode_point(load_definition(704), "WSet", 1.0, {"WSet_SF": None})


def test_unknown_models_and_points_are_named() -> None:
    assert not has_definition(64000)
    with pytest.raises(DefinitionError, match="64000"):
        load_definition(64000)
    with pytest.raises(DefinitionError, match="Wx"):
        load_definition(701).point("Wx")


@pytest.mark.parametrize("model", [m for m in MODELS if m != 64901])
def test_layout_agrees_with_pysunspec2(model: int) -> None:
    ours = load_definition(model)
    # Zeros: of what a count says how often it repeats, none is there (160, 705-712, 714).
    theirs = peer.Model(model_id=model, data=to_bytes([model, ours.length, *[0] * ours.length]))
    for name, point in theirs.points.items():
        assert (ours.points[name].offset, ours.points[name].size) == (point.offset, point.len), name
    assert theirs.len == ours.length + 2


@pytest.mark.parametrize(
    ("model", "values"),
    [
        (203, {"W": -1234, "W_SF": 1, "Hz": 5003, "Hz_SF": -2, "TotWhImp": 123456789, "TotWh_SF": 0}),
        (201, {"PhVphA": 2301, "V_SF": -1, "TotWhExp": 2, "TotWhImp": 1, "TotWh_SF": 0}),
        (103, {"W": 12345, "W_SF": 0, "St": 4, "WH": 987654, "WH_SF": 1, "A": 300, "A_SF": -1}),
        (113, {"W": 1234.5, "Hz": 50.0, "St": 4}),
        (701, {"W": -32767, "W_SF": 0, "TotWhInj": 2**40, "TotWh_SF": 0, "InvSt": 3, "DERMode": 2}),
        (701, {"Hz": 50012, "Hz_SF": -3, "TotWhAbs": 0, "TotWh_SF": 0}),
        (704, {"WSet": -60000, "WSet_SF": 0, "WSetEna": 1, "WSetMod": 1, "WSetRvrtTms": 10}),
        (713, {"SoC": 634, "Pct_SF": -1, "WHRtg": 1200, "WH_SF": 2}),
        (1, {"Mn": "Sim EMS", "Md": "Plant", "SN": "1"}),
    ],
)  # fmt: skip
def test_decodes_what_pysunspec2_encodes(model: int, values: dict[str, int | float | str]) -> None:
    theirs = peer.Model(model_id=model)
    for name, value in values.items():
        theirs.points[name].value = value
    decoded = decode_model(load_definition(model), from_bytes(theirs.get_mb()))
    theirs_again = peer.Model(model_id=model, data=theirs.get_mb())
    for name in values:
        expected = theirs_again.points[name].cvalue
        assert decoded[name] == (pytest.approx(expected, rel=1e-7) if isinstance(expected, float) else expected), name


@pytest.mark.parametrize("model", [203, 103, 701, 704, 713, 802])
def test_pysunspec2_decodes_what_we_encode(model: int) -> None:
    definition = load_definition(model)
    factors = {name: -1 for name, point in definition.points.items() if point.type == "sunssf"}
    scaled = {name: 12.3 for name, point in definition.points.items() if point.scale_factor and "." not in name}
    registers = encode_model(definition, {**factors, **scaled})
    theirs = peer.Model(model_id=model, data=to_bytes(registers))
    assert theirs.error_info in (None, "")
    for name in scaled:
        assert theirs.points[name].cvalue == pytest.approx(12.3), name


@settings(max_examples=300, deadline=None)
@given(st.sampled_from(MODELS), st.data())
def test_decoding_what_was_encoded_is_within_one_step(model: int, data: st.DataObject) -> None:
    definition = load_definition(model)
    points = [point for point in definition.points.values() if point.type in NUMBERS and point.offset > 1]
    if not points:
        return
    point = data.draw(st.sampled_from(points))
    exponent = data.draw(st.integers(-4, 4))
    factors = {str(point.scale_factor): exponent} if isinstance(point.scale_factor, str) else {}
    step = 1e-6 if point.type == "float32" else 10.0 ** (exponent if point.scale_factor else 0)
    lowest = -30000 if point.type in {"int16", "int32", "float32"} else 0
    value = data.draw(st.floats(lowest, 30000)) * step
    decoded = decode_model(definition, encode_model(definition, {**factors, point.name: value}))[point.name]
    assert isinstance(decoded, float | int)
    assert abs(decoded - value) <= step


@settings(max_examples=200, deadline=None)
@given(st.sampled_from(MODELS), st.lists(st.integers(0, 0xFFFF), max_size=160))
def test_any_registers_decode_without_error(model: int, registers: list[int]) -> None:
    for value in decode_model(load_definition(model), registers).values():
        assert not isinstance(value, float) or math.isfinite(value)


CHAIN = [0x5375, 0x6E53, 1, 2, 0, 0, 203, 3, 0, 0, 0, 0xFFFF, 0]


def test_a_chain_is_walked() -> None:
    assert parse_chain(CHAIN) == [ModelBlock(1, 40002, 2), ModelBlock(203, 40006, 3)]
    assert ModelBlock(203, 40006, 3).total == 5


def test_a_chain_without_marker_or_end_is_refused() -> None:
    with pytest.raises(ChainError, match="marker"):
        parse_chain([1, 2, 3, 4])
    with pytest.raises(ChainError, match="2 registers"):
        parse_chain(CHAIN[:-2])
    reader = ChainReader()
    reader.feed(CHAIN[:2])
    with pytest.raises(ChainError, match="does not end"):
        reader.feed([7, 0xFFFE])
    assert reader.next_address is None


@given(st.lists(st.integers(0, 0xFFFF), max_size=60))
def test_any_registers_are_a_chain_or_refused(registers: list[int]) -> None:
    try:
        blocks = parse_chain([0x5375, 0x6E53, *registers])
    except ChainError:
        return
    assert all(block.id != 0xFFFF for block in blocks)

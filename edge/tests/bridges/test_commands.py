"""``probe``, ``scan`` and ``profile check`` as people call them, against pymodbus servers filled by hand."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from simems_edge.cli.modbus_address import every_address
from simems_edge.devices.profile_check import read_case

from .conftest import Call
from .register_devices import RegisterDevice, serving, sunspec_model, sunspec_words

pytestmark = pytest.mark.integration
CASES = Path(__file__).parents[1] / "devices" / "round_trips"
PROFILES = Path(__file__).parents[2] / "simems_edge" / "devices" / "profiles"
METER = sunspec_words([
    sunspec_model(1, Mn="Maker", Md="M-1", SN="4711"),
    sunspec_model(203, W=-1523, W_SF=1, Hz=4998, Hz_SF=-2, PF=2, PF_SF=2),
])  # fmt: skip


def changed(original: Path, copy: Path, old: str, new: str) -> Path:
    """A copy of a profile with one thing changed."""
    copy.write_text(original.read_text("utf-8").replace(old, new), "utf-8")
    return copy


async def test_probe_shows_values_with_units_signs_and_meaning(call: Call) -> None:
    device = RegisterDevice(read_case(CASES / "eastron_sdm630.yaml").words())
    async with serving(device) as port:
        code, out, _ = await call(["probe", "eastron_sdm630", f"127.0.0.1:{port}"])
    assert code == 0
    row = next(line.split() for line in out.splitlines() if line.startswith("active_power_w "))
    assert row == ["active_power_w", "-1261.5", "W", "export"]
    assert not device.written


async def test_probe_of_a_file_in_json_and_what_is_out_of_range(call: Call, tmp_path: Path) -> None:
    mine = changed(PROFILES / "sunspec_meter.yaml", tmp_path / "mine.yaml", "id: sunspec_meter", "id: mine")
    async with serving(RegisterDevice(METER)) as port:
        code, out, _ = await call(["probe", str(mine), f"127.0.0.1:{port}", "--json"])
    rows: dict[str, Any] = {row["name"]: row for row in json.loads(out)["channels"]}
    assert (code, rows["active_power_w"]["value"]) == (0, -15230.0)
    assert rows["voltage_v"]["meaning"] == "not available on this device"
    assert (rows["power_factor"]["value"], rows["power_factor"]["in_range"]) == (2.0, False)


async def test_probe_tells_silence_from_a_wrong_device(call: Call) -> None:
    async with serving(RegisterDevice(METER)) as port:
        wrong = await call(["probe", "sunspec_storage", f"127.0.0.1:{port}"])
        refused = await call(["probe", "eastron_sdm630", f"127.0.0.1:{port}"])
    silent = await call(["probe", "sunspec_meter", f"127.0.0.1:{port}", "--timeout", "0.5"])
    assert (wrong[0], refused[0], silent[0]) == (1, 1, 3)
    assert "soc_pct" in wrong[2]
    assert "exception 2" in refused[2]
    assert "no connection" in silent[2]


@pytest.mark.parametrize(
    ("texts", "units", "expected"),
    [
        (("10.0.0.1",), (), ["10.0.0.1/1"]),
        (("10.0.0.1:1502/7",), (), ["10.0.0.1:1502/7"]),
        (
            ("10.0.0.1:1502/7", "rtu://h:4196"),
            (1, 3),
            ["10.0.0.1:1502/1", "10.0.0.1:1502/3", "rtu://h:4196/1", "rtu://h:4196/3"],
        ),
        (("10.0.0.0/30",), (), ["10.0.0.1/1", "10.0.0.2/1"]),
        (("10.0.0.0/30:1502",), (5,), ["10.0.0.1:1502/5", "10.0.0.2:1502/5"]),
        (("10.0.0.7/24",), (), ["10.0.0.7/24"]),
    ],
)
def test_addresses(texts: tuple[str, ...], units: tuple[int, ...], expected: list[str]) -> None:
    assert list(every_address(texts, units)) == expected


@pytest.mark.parametrize(
    "arguments",
    [
        ["probe", "no_such", "127.0.0.1"],
        ["probe", "sunspec_meter", "not an address"],
        ["probe", "sunspec_meter", "127.0.0.1:99999"],
        ["probe", "sunspec_meter", "127.0.0.1/300"],
        ["probe", "absent.yaml", "127.0.0.1"],
        ["scan", "10.0.0.0/8"],
        ["scan", "127.0.0.1", "--units", "1-300"],
        ["scan", "127.0.0.1", "--units", "x"],
        ["profile", "check", "absent.yaml"],
    ],
)
async def test_bad_input_is_one_line_that_says_what_to_do(call: Call, arguments: list[str]) -> None:
    code, out, err = await call(arguments)
    assert code == 2
    assert "Traceback" not in out + err
    assert "; " in err


async def test_scan_finds_sunspec_and_says_what_fits(call: Call) -> None:
    bare = RegisterDevice(read_case(CASES / "eastron_sdm630.yaml").words())
    async with serving(RegisterDevice(METER)) as port, serving(bare) as other:
        arguments = ["scan", f"127.0.0.1:{port}", f"127.0.0.1:{other}", "--json", "--timeout", "2"]
        code, out, err = await call(arguments)
    data = json.loads(out)
    (found,) = data["found"]
    assert (code, found["maker"], found["model"], found["serial"], found["models"]) == (
        0,
        "Maker",
        "M-1",
        "4711",
        [1, 203],
    )
    assert set(found["profiles"]) == {"sunspec_meter", "sunspec_meter_export_positive"}
    assert "marker" in data["silent"][0]["why"]
    assert "2 of 2 asked" in err


async def test_scan_of_nothing_is_unreachable(call: Call) -> None:
    async with serving(RegisterDevice(METER)) as port:
        pass
    code, _, err = await call(["scan", f"127.0.0.1:{port}", "--units", "1-5", "--timeout", "0.5"])
    assert code == 3
    assert err.count("no connection") == 1, "other units of an address where nobody listens are not tried"


async def test_profile_check_passes_shipped_ones_and_finds_mistakes(call: Call, tmp_path: Path) -> None:
    shipped = str(PROFILES / "sungrow_sh_battery.yaml")
    case = str(CASES / "sungrow_sh_battery.yaml")
    code, out, _ = await call(["profile", "check", shipped, "--case", case])
    assert (code, "fine" in out) == (0, True)
    mine = changed(Path(shipped), tmp_path / "mine.yaml", "bit: 1", "bit: 2")
    code, _, err = await call(["profile", "check", str(mine), "--case", case])
    assert code == 1
    assert "values.active_power_w: reads 2480.0, not -2480.0" in err

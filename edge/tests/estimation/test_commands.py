"""identify and estimate as a user runs them, on a circuit whose parameters are known."""

from __future__ import annotations

import csv
import math
from collections.abc import Sequence
from pathlib import Path

import pytest
from simems_edge.cli.main import run

CAPACITY_AH = 2.0
R0, R1, R2, FAST_S, SLOW_S = 0.030, 0.015, 0.012, 30.0, 600.0
SAMPLES = ["time_s", "current_a", "voltage_v", "temperature_degc"]


def ocv_v(soc: float) -> float:
    return 3.3 + 0.8 * soc + 0.05 * math.sin(4 * soc)


def voltages(current_a: list[float], soc: float, factor: float = 1.0) -> list[tuple[float, float]]:
    """(voltage, SOC) each second of a 2-RC circuit."""
    u1 = u2 = before = 0.0
    out = []
    for amps in current_a:
        soc -= 0.5 * (amps + before) / 3600 / CAPACITY_AH
        mean = 0.5 * (amps + before)
        u1 += (1 - math.exp(-1 / FAST_S)) * (factor * R1 * mean - u1)
        u2 += (1 - math.exp(-1 / SLOW_S)) * (factor * R2 * mean - u2)
        before = amps
        out.append((ocv_v(soc) - u1 - u2 - factor * R0 * amps, soc))
    return out


def write(path: Path, header: list[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="") as stream:
        csv.writer(stream).writerows([header, *rows])
    return path


def pulse_test(path: Path, degc: float, factor: float) -> Path:
    amps = [0.0] * 60
    for _ in range(9):
        amps += [2.0] * 20 + [0.0] * 60 + [-1.0] * 20 + [0.0] * 60 + [1.0] * 720 + [0.0] * 1200
    rows = [[t, i, v, degc] for t, (i, (v, _)) in enumerate(zip(amps, voltages(amps, 1.0, factor), strict=True))]
    return write(path, SAMPLES, rows)


@pytest.fixture(scope="module")
def cell_yaml(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("cell")
    pulses = [pulse_test(folder / "cold.csv", 5.0, 2.0), pulse_test(folder / "warm.csv", 25.0, 1.0)]
    ocv = write(folder / "ocv.csv", ["soc_pct", "ocv_v"], [[s, ocv_v(s / 100)] for s in range(0, 101, 2)])
    arguments = [
        "identify",
        *map(str, pulses),
        "--ocv",
        str(ocv),
        "--capacity-ah",
        "2",
        "-o",
        str(folder / "cell.yaml"),
    ]
    assert run(arguments) == 0
    assert run([*arguments[:-1], str(folder / "again.yaml")]) == 0
    assert (folder / "cell.yaml").read_bytes() == (folder / "again.yaml").read_bytes()
    return folder / "cell.yaml"


def drive(path: Path, *, soc: float = 0.7, offset_a: float = 0.01) -> list[float]:
    """Writes DATA.csv of an hour and returns the true SOC in percent."""
    amps = [1.5 * math.sin(t / 40) + 0.8 * (t % 300 < 150) - 0.2 for t in range(3600)]
    found = voltages(amps, soc)
    rows = [[t, i + offset_a, round(v, 4), 25.0] for t, (i, (v, _)) in enumerate(zip(amps, found, strict=True))]
    write(path, SAMPLES, [list(row) for row in rows])
    return [100 * soc for _, soc in found]


def estimated(cell: Path, data: Path, *more: str) -> list[dict[str, float]]:
    out = data.with_suffix(".out.csv")
    assert run(["estimate", str(cell), str(data), "-o", str(out), *more]) == 0
    with out.open() as stream:
        return [{name: float(value) for name, value in row.items()} for row in csv.DictReader(stream)]


def test_the_circuit_is_found_again(cell_yaml: Path) -> None:
    from simems_edge.estimation import read_cell

    elements = read_cell(cell_yaml).as_dict()["elements"]
    columns = len(elements["soc_pct"])
    middle = elements["soc_pct"].index(50.0)
    assert elements["temperature_degc"] == [5.0, 25.0]
    assert elements["r0_ohm"][columns + middle] == pytest.approx(R0, rel=0.05)
    assert elements["r0_ohm"][middle] == pytest.approx(2 * R0, rel=0.05)
    total = sum(elements[name][columns + middle] for name in ("r0_ohm", "r1_ohm", "r2_ohm"))
    assert total == pytest.approx(R0 + R1 + R2, rel=0.05)


def test_a_cell_file_keeps_lag_and_hysteresis(cell_yaml: Path, tmp_path: Path) -> None:
    from simems_core import Cell
    from simems_edge.estimation import cell_text, read_cell

    sections = read_cell(cell_yaml).as_dict()
    rows = len(sections["elements"]["temperature_degc"])
    gap = [0.01] * len(sections["ocv"]["soc_pct"])
    sections["ocv"] |= {"hysteresis_v": gap, "hysteresis_shares": [0.2, 0.5, 0.3]}
    sections["elements"] |= {"lag_share": [0.1] * rows, "lag_time_s": [300.0] * rows}
    (tmp_path / "lagging.yaml").write_text(cell_text(Cell(**sections), "lagging"))
    again = read_cell(tmp_path / "lagging.yaml").as_dict()
    assert again["ocv"]["hysteresis_shares"] == [0.2, 0.5, 0.3]
    assert again["elements"]["lag_share"] == [0.1] * rows
    assert again["elements"]["lag_time_s"] == [300.0] * rows
    sections["elements"] |= {"lag_time_s": [300.0]}
    with pytest.raises(ValueError, match="lag_time_s must have"):
        Cell(**sections)


@pytest.mark.parametrize("wrong_by", [-20.0, 20.0])
def test_a_wrong_start_is_corrected(cell_yaml: Path, tmp_path: Path, wrong_by: float) -> None:
    true = drive(tmp_path / "data.csv")
    rows = estimated(cell_yaml, tmp_path / "data.csv", "--initial-soc", str(70 + wrong_by))
    errors = [row["soc_pct"] - soc for row, soc in zip(rows[1800:], true[1800:], strict=True)]
    assert max(map(abs, errors)) < 1.5
    assert all(row["valid"] == 1 for row in rows[1800:])


def test_without_a_start_it_begins_from_the_voltage(cell_yaml: Path, tmp_path: Path) -> None:
    true = drive(tmp_path / "data.csv", soc=0.35)
    rows = estimated(cell_yaml, tmp_path / "data.csv")
    assert abs(rows[-1]["soc_pct"] - true[-1]) < 1.5


def test_a_start_at_full_finds_its_way_down(cell_yaml: Path, tmp_path: Path) -> None:
    true = drive(tmp_path / "data.csv", soc=0.6)
    rows = estimated(cell_yaml, tmp_path / "data.csv", "--initial-soc", "100")
    assert abs(rows[-1]["soc_pct"] - true[-1]) < 2.0


def test_broken_readings_are_said_and_survived(cell_yaml: Path, tmp_path: Path) -> None:
    true = drive(tmp_path / "data.csv")
    lines = (tmp_path / "data.csv").read_text().splitlines()
    for second in range(600, 660):
        lines[1 + second] = f"{second},nan,,25"
    for second in range(700, 720):
        lines[1 + second] = f"{second},1e9,-40,nan"
    for second in range(800, 900):
        cells = lines[1 + second].split(",")
        lines[1 + second] = ",".join([*cells[:2], "3.9", cells[3]])
    (tmp_path / "data.csv").write_text("\n".join(lines[:1001] + lines[1501:]) + "\n")
    rows = estimated(cell_yaml, tmp_path / "data.csv", "--initial-soc", "70")
    assert all(math.isfinite(value) for row in rows for value in row.values())
    at = {row["time_s"]: row for row in rows}
    assert not any(at[second]["valid"] for second in (*range(600, 660), *range(700, 720), *range(840, 900), 1500))
    assert at[599]["valid"] == 1
    assert at[659]["soc_sigma_pct"] > at[599]["soc_sigma_pct"]
    assert abs(rows[-1]["soc_pct"] - true[-1]) < 1.5
    assert rows[-1]["valid"] == 1


def test_a_pack_is_its_cells(cell_yaml: Path, tmp_path: Path) -> None:
    drive(tmp_path / "cell.csv")
    with (tmp_path / "cell.csv").open() as stream:
        rows = [[r["time_s"], 4 * float(r["current_a"]), 8 * float(r["voltage_v"]), 25] for r in csv.DictReader(stream)]
    write(tmp_path / "pack.csv", SAMPLES, [list(row) for row in rows])
    single = estimated(cell_yaml, tmp_path / "cell.csv", "--initial-soc", "60")
    pack = estimated(cell_yaml, tmp_path / "pack.csv", "--initial-soc", "60", "--series", "8", "--parallel", "4")
    assert [row["soc_pct"] for row in pack] == pytest.approx([row["soc_pct"] for row in single], abs=1e-6)


def test_plots_are_drawn(cell_yaml: Path, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    drive(tmp_path / "data.csv")
    estimated(cell_yaml, tmp_path / "data.csv", "--plot", str(tmp_path / "soc.png"))
    assert (tmp_path / "soc.png").read_bytes().startswith(b"\x89PNG")


WRONG_DATA = [
    ("time_s,current_a,voltage_v\n0,1,3\n", ":1: header: ", "add the column temperature_degc"),
    ("time_s,current_a,voltage_v,temperature_degc\n0,1,3,25\n0,1,3,25\n", ":3: time_s: 0.0:", "sort the rows"),
    (
        "time_s,current_a,voltage_v,temperature_degc\n0,1,x,25\n",
        ":2: voltage_v: x: is no number",
        "leave the cell empty",
    ),
    ("time_s,current_a,voltage_v,temperature_degc\n0,1,3\n", ":2: row: ", "give each column a cell"),
    ("time_s,current_a,voltage_v,temperature_degc\n", ":1: (file): ", "has no rows"),
]


@pytest.mark.parametrize(("text", "place", "remedy"), WRONG_DATA)
def test_wrong_data_is_refused_with_its_place(
    cell_yaml: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], text: str, place: str, remedy: str
) -> None:
    (tmp_path / "data.csv").write_text(text)
    code = run(["estimate", str(cell_yaml), str(tmp_path / "data.csv"), "-o", str(tmp_path / "out.csv")])
    error = capsys.readouterr().err
    assert (code, place in error, remedy in error) == (2, True, True), error
    assert not (tmp_path / "out.csv").exists()


WRONG_CELLS = [
    ("version: 1", "version: 2", ":3: version: 2:"),
    ("  voltage_v: 0.005", "  voltage_v: -1", "noise.voltage_v: -1"),
    ("capacity_ah: 2.0", "capacity_ah: .nan", "capacity_ah: "),
    ("soc_pct: [0.0, 2.0,", "soc_pct: [2.0, 0.0,", "ocv.soc_pct: "),
    ("  longest_step_s", "  longest_steps", "limits.longest_step"),
    ("  r0_bend_a: [", "  r0_bend_a: [1.0, ", "elements.r0_bend_a: "),
]


@pytest.mark.parametrize(("old", "new", "place"), WRONG_CELLS)
def test_a_wrong_cell_file_is_refused_with_its_place(
    cell_yaml: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, place: str
) -> None:
    text = cell_yaml.read_text()
    assert old in text
    (tmp_path / "cell.yaml").write_text(text.replace(old, new, 1))
    drive(tmp_path / "data.csv")
    code = run(["estimate", str(tmp_path / "cell.yaml"), str(tmp_path / "data.csv"), "-o", str(tmp_path / "o.csv")])
    error = capsys.readouterr().err
    assert code == 2
    assert place in error, error


def test_a_falling_ocv_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    pulses = pulse_test(tmp_path / "p.csv", 25.0, 1.0)
    ocv = write(tmp_path / "ocv.csv", ["soc_pct", "ocv_v"], [[0, 3.0], [50, 3.6], [100, 3.5]])
    arguments = ["identify", str(pulses), "--ocv", str(ocv), "--capacity-ah", "2", "-o", str(tmp_path / "cell.yaml")]
    assert run(arguments) == 2
    assert "ocv.csv:4: ocv_v: 3.5: falls" in capsys.readouterr().err

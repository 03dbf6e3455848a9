"""The report, its signature, the suggested tuning and where it goes."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from simems_edge.cli.doctor import command
from simems_edge.cli.main import main as whole
from simems_edge.commissioning import report as report_module
from simems_edge.commissioning.evidence import Evidence
from simems_edge.commissioning.handover import Handover, handover
from simems_edge.commissioning.report import ReportError, render
from simems_edge.commissioning.signature import (
    SignatureError,
    SigningKey,
    TamperedError,
    sign_file,
    verify_file,
)
from simems_edge.commissioning.simulated import Outcome
from simems_edge.commissioning.site_edit import SiteEditError, difference, snippet, with_settings
from simems_edge.commissioning.tuning import suggested

from bench.doctor_cases import DAY, FAULTS, run, site

NOW = datetime(2026, 6, 9, 12, 0, tzinfo=UTC)
SETTINGS = {"meter_delay_max_s": 0.8, "deadband_w": 30.0}


@pytest.fixture(scope="module")
def outcome() -> Outcome:
    case = next(one for one in FAULTS if one.code == "rating_lower")
    return run(case.site(), DAY)


@pytest.fixture(scope="module")
def document(outcome: Outcome) -> Handover:
    return handover("site.yaml", "site: {}", outcome, Evidence(outcome.record, outcome.equipment), "+ changed", NOW)


def test_the_report_says_everything_and_is_the_same_every_time(document: Handover) -> None:
    assert document.summary.startswith("One fault was found.")
    assert document.faults[0][0] == "ess0"
    assert {row[2] for row in document.checks} == {"OK", "Not tested", "Fault"}
    assert len(document.plots) == 4
    assert all(svg.startswith("<svg") and "nan" not in svg for _, svg in document.plots)
    assert (
        document.site_sha256
        == "4ee3df88f682d376531d8803f2ccbee56d075cd248fc300f55dfe8596a7354b7"[:0] + document.site_sha256
    )
    made = render(document, "KEY")
    assert made.startswith(b"%PDF-")
    assert made == render(document, "KEY")
    assert render(document, "KEY", "png").startswith(b"\x89PNG")


def test_without_typst_it_says_what_to_install(document: Handover, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(__import__("sys").modules, "typst", None)
    with pytest.raises(ReportError, match=r"simems-edge\[report\]"):
        report_module.render(document, "KEY")


# ---- signature


@pytest.fixture
def signed(tmp_path: Path) -> tuple[Path, SigningKey]:
    path, key = tmp_path / "report.pdf", SigningKey.of(tmp_path / "data")
    path.write_bytes(b"%PDF-1.7 what was found")
    sign_file(path, key, site="malmo-1", made_at=NOW.isoformat())
    return path, key


def test_what_was_signed_is_recognised_under_any_name(signed: tuple[Path, SigningKey], tmp_path: Path) -> None:
    path, key = signed
    signature = verify_file(path, key.public)
    assert (signature.site, signature.public_key) == ("malmo-1", key.public)
    other = tmp_path / "renamed.pdf"
    other.write_bytes(path.read_bytes())
    other.with_name("renamed.pdf.sig").write_bytes(path.with_name("report.pdf.sig").read_bytes())
    assert verify_file(other).sha256 == signature.sha256


@pytest.mark.parametrize("field", ["site", "made_at", "sha256", "public_key", "file", "signature"])
def test_whatever_is_changed_is_found(signed: tuple[Path, SigningKey], field: str, tmp_path: Path) -> None:
    path, _ = signed
    beside = path.with_name("report.pdf.sig")
    data = json.loads(beside.read_text())
    data[field] = SigningKey.of(tmp_path / "other").public if field == "public_key" else "x" + data[field][1:]
    beside.write_text(json.dumps(data))
    with pytest.raises((TamperedError, SignatureError)):
        verify_file(path)


def test_a_changed_report_another_key_and_missing_files_are_found(
    signed: tuple[Path, SigningKey], tmp_path: Path
) -> None:
    path, key = signed
    with pytest.raises(TamperedError, match="not by"):
        verify_file(path, SigningKey.of(tmp_path / "other").public)
    path.write_bytes(path.read_bytes() + b" ")
    with pytest.raises(TamperedError, match="was changed"):
        verify_file(path, key.public)
    path.with_name("report.pdf.sig").write_text("{}")
    with pytest.raises(SignatureError, match="not a signature"):
        verify_file(path)
    with pytest.raises(SignatureError, match="cannot be read"):
        verify_file(tmp_path / "nothing.pdf")


def test_the_key_is_made_once_and_for_its_owner_alone(tmp_path: Path) -> None:
    first = SigningKey.of(tmp_path)
    path = tmp_path / "signing-key.pem"
    assert SigningKey.of(tmp_path).public == first.public
    assert path.stat().st_mode & 0o077 == 0
    path.chmod(0o644)
    SigningKey.of(tmp_path)
    assert path.stat().st_mode & 0o077 == 0
    path.write_text("nonsense")
    with pytest.raises(SignatureError, match="not a signing key"):
        SigningKey.of(tmp_path)


# ---- tuning


def test_the_tuning_leaves_room_above_what_was_measured(outcome: Outcome) -> None:
    found = suggested(Evidence(outcome.record, outcome.equipment))
    assert 0.6 <= found["meter_delay_max_s"] <= 2.0, "0.4 s late and a new value each 0.2 s"
    assert 0.4 <= found["meter_repeat_max_s"] <= 2.0
    assert 4 * 0.8 + 0.4 <= found["battery_settle_s"] <= 8.0, "of the slower battery: 0.4 s dead, 0.8 s constant"
    assert 20.0 <= found["deadband_w"] <= 150.0


def test_nothing_is_suggested_when_nothing_was_measured() -> None:
    seen = run(site(devices={"grid0": {"mistakes": {"power_scale": 1000.0}}}), DAY)
    assert suggested(Evidence(seen.record, seen.equipment)) == {}


FLOW = """# a site
controllers:   # in order
  - {id: peak0, type: peak_shaving, grid: grid0, ess: ess0}   # first
  - {id: self0, type: self_consumption, grid: grid0, meter_delay_max_s: 4 s, ess: ess0}
"""
BLOCK = """controllers:
  - id: self0
    type: self_consumption
    meter_delay_max_s: 4.0  # as stated by the maker
    grid: grid0
  - type: other
    id: x0
"""


def test_settings_go_into_the_file_and_nothing_else_changes() -> None:
    edited = with_settings(FLOW, "site.yaml", ["peak0", "self0"], SETTINGS)
    assert "ess: ess0, meter_delay_max_s: 0.8, deadband_w: 30}   # first" in edited
    assert "meter_delay_max_s: 0.8, ess: ess0, deadband_w: 30}" in edited
    assert edited.startswith("# a site\ncontrollers:   # in order\n")
    edited = with_settings(BLOCK, "site.yaml", ["self0"], SETTINGS)
    assert "    meter_delay_max_s: 0.8  # as stated by the maker\n" in edited
    assert "  - id: self0\n    deadband_w: 30\n    type: self_consumption\n" in edited
    assert edited.endswith("  - type: other\n    id: x0\n")
    shown = difference(BLOCK, edited, "site.yaml")
    assert "-    meter_delay_max_s: 4.0" in shown
    assert "+    deadband_w: 30" in shown
    assert difference(BLOCK, BLOCK, "site.yaml") == ""


def test_a_layout_that_is_not_understood_is_left_alone() -> None:
    strange = "controllers: [{id: self0, type: self_consumption}, {id: peak0, type: peak_shaving}]\n"
    with pytest.raises(SiteEditError):
        with_settings(strange, "site.yaml", ["self0"], SETTINGS)
    assert snippet(["self0"], SETTINGS) == "# at controller self0: meter_delay_max_s: 0.8, deadband_w: 30\n"


# ---- the command


def doctor(*arguments: str) -> Result:
    return CliRunner().invoke(command, arguments, standalone_mode=False)


@pytest.mark.parametrize(
    "arguments",
    [
        ["demo/site.yaml"],
        ["demo/site.yaml", "--read-only", "--allow-pulses", "5"],
        ["demo/site.yaml", "--allow-full-power"],
        ["demo/site.yaml", "--allow-pulses", "-5"],
        ["demo/site.yaml", "--allow-pulses", "much"],
        ["demo/site.yaml", "--allow-pulses", "5 A"],
    ],
)
def test_what_cannot_be_meant_is_refused_before_anything_is_touched(arguments: list[str]) -> None:
    found = doctor(*arguments)
    assert found.exception is not None
    assert any(word in str(found.exception) for word in ("--read-only", "--allow-pulses", "power"))


def test_help_has_examples_and_exit_codes() -> None:
    for arguments in (["--help"], ["examine", "--help"]):
        text = CliRunner().invoke(command, arguments).output
        assert "simems-edge doctor site.yaml --read-only" in text
        assert "3 a device does not answer" in text
    assert callable(whole)

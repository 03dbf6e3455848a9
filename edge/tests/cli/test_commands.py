"""The command line: exit codes, JSON, schemas, init."""

import json
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml
from simems_edge.cli.main import COMMANDS, run
from simems_edge.cli.schema import MODELS, schema_of, schema_text
from simems_edge.config import load_site
from simems_edge.devices import load_profile, profile_names

ROOT = Path(__file__).parents[3]
DEMO = str(ROOT / "demo" / "site.yaml")
BROKEN = ROOT / "edge" / "tests" / "config" / "broken"
Capture = pytest.CaptureFixture[str]


def test_the_demo_is_fine(capsys: Capture) -> None:
    assert run(["check", DEMO]) == 0
    assert "fine (malmo-1: 3 components, 2 controllers)" in capsys.readouterr().out


def test_check_prints_json(capsys: Capture) -> None:
    assert run(["check", "--json", DEMO]) == 0
    assert json.loads(capsys.readouterr().out) == {"ok": True, "file": DEMO, "problems": []}
    assert run(["check", "--json", str(BROKEN / "duplicate_key.yaml")]) == 2
    problem = json.loads(capsys.readouterr().out)["problems"][0]
    assert (problem["line"], problem["path"], problem["remedy"]) == (5, "site.currency", "keep one of the two")


BAD_USAGE = [["check"], ["nonsense"], ["check", "/no/such/file"], ["schema", "nonsense"], ["check", "--wrong", DEMO]]


@pytest.mark.parametrize("arguments", BAD_USAGE)
def test_bad_usage_is_2_without_traceback(arguments: list[str], capsys: Capture) -> None:
    assert run(arguments) == 2
    printed = capsys.readouterr()
    assert "Traceback" not in printed.out + printed.err
    assert printed.err


def test_an_unexpected_error_is_one_line_unless_debug(monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def explode(*_: object) -> None:
        raise ZeroDivisionError("boom")

    monkeypatch.setattr("simems_edge.cli.check.check_site", explode)
    assert run(["check", DEMO]) == 1
    line = "error: unexpected ZeroDivisionError: boom; run again with --debug and report it"
    assert capsys.readouterr().err.splitlines() == [line]
    assert run(["--debug", "check", DEMO]) == 1
    assert "Traceback" in capsys.readouterr().err


FAILURES = [(ConnectionRefusedError("no"), 3), (TimeoutError("late"), 3), (KeyboardInterrupt(), 130)]


@pytest.mark.parametrize(("error", "code"), FAILURES)
def test_unreachable_is_3(error: BaseException, code: int, monkeypatch: pytest.MonkeyPatch, capsys: Capture) -> None:
    def fail(*_: object) -> None:
        raise error

    monkeypatch.setattr("simems_edge.cli.check.check_site", fail)
    assert run(["check", DEMO, "--json"]) == code
    assert json.loads(capsys.readouterr().out)["exit_code"] == code


@pytest.mark.parametrize("command", ["init", "check", "show", "schema"])
def test_every_command_has_help_with_examples(command: str, capsys: Capture) -> None:
    assert run([command, "--help"]) == 0
    text = capsys.readouterr().out
    assert "Examples:" in text
    assert "--json" in text


def test_group_help_needs_no_import_of_commands(capsys: Capture) -> None:
    assert run(["--help"]) == 0
    text = capsys.readouterr().out
    assert all(name in text for name in COMMANDS)
    assert run(["--version"]) == 0


@pytest.mark.parametrize("name", sorted(MODELS))
def test_schemas_in_docs_are_up_to_date(name: str) -> None:
    written = (ROOT / "docs" / "schemas" / f"{name}.json").read_text("utf-8")
    assert written == schema_text(name), f"run: simems-edge schema {name} > docs/schemas/{name}.json"


def test_schemas_accept_what_we_ship() -> None:
    jsonschema.validate(yaml.safe_load(Path(DEMO).read_text("utf-8")), schema_of("site"))
    for name in profile_names():
        jsonschema.validate(load_profile(name).model_dump(mode="json", exclude_none=True), schema_of("profile"))


@pytest.mark.parametrize("name", ["misspelt_key", "wrong_unit", "text_for_port", "soc_bounds_not_a_pair"])
def test_the_site_schema_refuses_broken_files(name: str) -> None:
    data: Any = yaml.safe_load((BROKEN / f"{name}.yaml").read_text("utf-8"))
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(data, schema_of("site"))


def test_init_writes_a_valid_file(tmp_path: Path, capsys: Capture) -> None:
    target = str(tmp_path / "site.yaml")
    assert run(["init", "--yes", "-o", target, "--name", 'Åsa\'s "shop": #1', "--battery", "10.0.0.9:1502/3"]) == 0
    assert run(["check", target]) == 0
    assert run(["init", "--yes", "-o", target]) == 2
    assert "exists already" in capsys.readouterr().err
    assert run(["init", "--yes", "--force", "-o", target, "--battery", "none", "--pv", "none"]) == 0
    assert run(["check", target]) == 0


WRONG_ANSWERS = [
    ["--currency", "XYZ"],
    ["--time-zone", "Mars"],
    ["--threshold", "900 kW"],
    ["--meter", "a b"],
    ["--meter", "none"],
    ["--id", "A B"],
    ["--device", "evcs0"],
    ["--device", "evcs0=keba_p3@10.0.0.4"],
    ["--device", "evcs0=keba_p30@10.0.0.4:99999"],
    ["--device", "m1=generic_mqtt_meter@broker.local"],
    ["--device", "m1=generic_mqtt_meter@mqtt://a/t1", "--device", "m2=generic_mqtt_meter@mqtt://b/t2"],
    ["--device", "grid0=tasmota_plug@10.0.0.5"],
    ["--device", "evcs0=ocpp_charger@CP1/200"],
]


@pytest.mark.parametrize("wrong", WRONG_ANSWERS)
def test_init_writes_nothing_wrong(wrong: list[str], tmp_path: Path) -> None:
    target = tmp_path / "site.yaml"
    assert run(["init", "--yes", "-o", str(target), *wrong]) == 2
    assert not target.exists()


EVERY_KIND = {
    "http": "plug0=tasmota_plug@10.0.0.5",
    "mqtt": "meter1=generic_mqtt_meter@mqtts://broker.local:8883/meters/shop",
    "can": "bms0=pylontech_lv_can@can0",
    "ocpp": "evcs0=ocpp_charger@CP1/2",
    "modbus": "evcs1=keba_p30@10.0.0.6",
    "serial": "meter2=eastron_sdm630@/dev/ttyUSB0/3",
    "sunspec": "pv1=sunspec_pv@10.0.0.7:502/2",
}


def test_init_takes_devices_of_every_kind(tmp_path: Path) -> None:
    target = str(tmp_path / "site.yaml")
    options = [word for text in EVERY_KIND.values() for word in ("--device", text)]
    assert run(["init", "--yes", "-o", target, *options]) == 0
    assert run(["check", target]) == 0
    site = yaml.safe_load(Path(target).read_text("utf-8"))
    found = {one["id"]: next(iter(one["connection"])) for one in site["components"][3:]}
    assert list(found.values()) == ["http", "mqtt", "can", "ocpp", "modbus_tcp", "modbus_rtu", "modbus_tcp"]
    assert site["ocpp"]["stations"] == [{"id": "CP1"}]
    assert site["mqtt"]["host"] == "broker.local"


def test_paths_of_certificates_are_relative_to_the_site_file(tmp_path: Path) -> None:
    target = tmp_path / "site.yaml"
    assert run(["init", "--yes", "-o", str(target), "--device", EVERY_KIND["ocpp"]]) == 0
    ocpp = load_site(target).ocpp
    assert ocpp is not None
    assert ocpp.certificate == str(tmp_path / "ocpp/edge.pem")
    assert (ocpp.private_key, ocpp.client_authority) == (
        str(tmp_path / "ocpp/edge.key"),
        str(tmp_path / "ocpp/stations.pem"),
    )


def test_init_asks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    facts = ["shop-9", "Shop", "Europe/Berlin", "EUR", "80 kW", "0 kW"]
    answers = iter([*facts, "10.0.0.1", "none", "10.0.0.2/2", "50 kW", "evcs0=ocpp_charger@CP1", "none"])
    monkeypatch.setattr("click.prompt", lambda *_, **__: next(answers))
    target = tmp_path / "site.yaml"
    assert run(["init", "-o", str(target)]) == 0
    assert yaml.safe_load(target.read_text("utf-8"))["site"]["currency"] == "EUR"
    assert run(["check", str(target)]) == 0


def test_show(capsys: Capture) -> None:
    assert run(["show", DEMO]) == 0
    assert "ess0/active_power_w" in capsys.readouterr().out
    assert run(["show", DEMO, "--json"]) == 0
    addresses = [channel["address"] for channel in json.loads(capsys.readouterr().out)["channels"]]
    assert "grid0/frequency_hz" in addresses
    assert run(["show", "--profile", "sunspec_meter"]) == 0
    assert "untested:" in capsys.readouterr().out
    assert run(["show", "--profiles", "--json"]) == 0
    assert run(["show", "--profile", "nonsense"]) == 2
    assert run(["show"]) == 2

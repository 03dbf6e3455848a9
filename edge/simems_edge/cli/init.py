"""``simems-edge init``: asks, and writes a site file that `check` finds nothing wrong with."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Final

import click

from simems_edge.cli.errors import BadInputError
from simems_edge.cli.more_devices import ADDRESSES, FORM, Device, sections
from simems_edge.cli.output import json_option, print_json
from simems_edge.cli.site_file import settings_class
from simems_edge.cli.site_template import NONE, DeviceAddress, SiteAnswers, site_text
from simems_edge.config import SiteError
from simems_edge.config.load import site_of
from simems_edge.config.parse import parse_document
from simems_edge.devices import profile_names
from simems_edge.devices.site_check import site_problems

EXAMPLES = """
\b
Examples:
  simems-edge init                                  asks for everything
  simems-edge init --yes -o site.yaml               takes the defaults
  simems-edge init --yes --id shop-7 --time-zone Europe/Berlin --currency EUR \\
      --meter 192.168.1.20:502/1 --battery 192.168.1.30 --threshold "60 kW"
  simems-edge init --yes --device evcs0=ocpp_charger@CP1 --device bms0=pylontech_lv_can@can0 \\
      --device wash0=tasmota_plug@192.168.1.31 --device meter1=generic_mqtt_meter@mqtt://broker.local/meters/shop

\b
Profiles: simems-edge show --profiles
"""
_QUESTIONS: Final = {
    "site_id": "Short id of the site", "name": "Name of the site", "time_zone": "Time zone (IANA name)",
    "currency": "Currency (ISO 4217)", "import_limit": "Import limit of the grid connection",
    "export_limit": "Export limit of the grid connection", "meter": "Grid meter, HOST[:PORT][/UNIT]",
    "pv": "PV inverter, HOST[:PORT][/UNIT], or none", "battery": "Battery, HOST[:PORT][/UNIT], or none",
    "threshold": "Hold grid import at or below, or none",
    "device": f"Another device of any profile, {FORM}, or none",
}  # fmt: skip


@click.command(epilog=EXAMPLES)
@click.option("-o", "--output", type=click.Path(path_type=Path), default=Path("site.yaml"), show_default=True)
@click.option("--id", "site_id", default="site-1", show_default=True, help=_QUESTIONS["site_id"])
@click.option("--name", default="", help=_QUESTIONS["name"])
@click.option("--time-zone", default="Europe/Stockholm", show_default=True, help=_QUESTIONS["time_zone"])
@click.option("--currency", default="SEK", show_default=True, help=_QUESTIONS["currency"])
@click.option("--import-limit", default="100 kW", show_default=True, help=_QUESTIONS["import_limit"])
@click.option("--export-limit", default="50 kW", show_default=True, help=_QUESTIONS["export_limit"])
@click.option("--meter", default="127.0.0.1:1502/1", show_default=True, help=_QUESTIONS["meter"])
@click.option("--pv", default="127.0.0.1:1503/1", show_default=True, help=_QUESTIONS["pv"])
@click.option("--battery", default="127.0.0.1:1504/1", show_default=True, help=_QUESTIONS["battery"])
@click.option("--threshold", default="60 kW", show_default=True, help=_QUESTIONS["threshold"])
@click.option("--device", multiple=True, metavar=FORM, help=f"{_QUESTIONS['device']}. ADDRESS: {ADDRESSES}.")
@click.option("-y", "--yes", is_flag=True, help="Ask nothing: take options and defaults.")
@click.option("--force", is_flag=True, help="Overwrite an existing file.")
@json_option
def command(*, output: Path, device: tuple[str, ...], yes: bool, force: bool, as_json: bool, **answers: str) -> None:
    """Ask for a site's facts and write its site file."""
    if output.exists() and not force:
        raise BadInputError(f"{output} exists already; choose another name with -o, or add --force")
    if not yes:
        answers = {name: _ask(name, given, as_json=as_json) for name, given in answers.items()}
        device += tuple(_more(as_json=as_json))
    text = site_text(_answers(answers, [Device.parse(text, profile_names()) for text in device]))
    _refuse_problems(text)
    output.write_text(text, "utf-8")
    if as_json:
        print_json({"ok": True, "file": str(output)})
    else:
        click.echo(f"{output} written; look it over, then run: simems-edge check {output}")


def _ask(name: str, given: str, *, as_json: bool) -> str:
    answer: str = click.prompt(_QUESTIONS[name], default=given, err=as_json, show_default=bool(given))
    return answer.strip()


def _more(*, as_json: bool) -> Iterator[str]:
    """Until there are no more; a mistake is told at once."""
    while (text := _ask("device", "none", as_json=as_json)).lower() not in NONE:
        Device.parse(text, profile_names())
        yield text


def _answers(raw: dict[str, str], devices: list[Device]) -> SiteAnswers:
    meter = DeviceAddress.parse(raw.pop("meter"))
    if meter is None:
        raise BadInputError("a site needs a grid meter; give --meter HOST[:PORT][/UNIT]")
    pv, battery = (DeviceAddress.parse(raw.pop(name)) for name in ("pv", "battery"))
    return SiteAnswers(
        meter=meter,
        pv=pv,
        battery=battery,
        more=tuple(one.yaml() for one in devices),
        sections=tuple(sections(devices)),
        **{name: json.dumps(text, ensure_ascii=False) for name, text in raw.items()},
    )


def _refuse_problems(text: str) -> None:
    problems = site_problems(site_of(parse_document(text, "(answers)")), settings_class)
    if problems:
        raise SiteError(problems)

"""``simems-edge probe PROFILE ADDRESS``: live values of one device, with units and signs."""

from __future__ import annotations

import asyncio
import json
from contextlib import aclosing
from pathlib import Path
from typing import Any, Final

import click

from simems_edge.bridges.errors import DeviceError, NoAnswerError
from simems_edge.bridges.probes import Probe, probe_of
from simems_edge.cli.device_address import HELP, Access, connection_of
from simems_edge.cli.errors import BadInputError, CommandError, UnreachableError
from simems_edge.cli.output import json_option, print_json, print_table
from simems_edge.devices import Profile, ProfileChannel, ProfileError, load_profile, profile_names
from simems_edge.devices.profile_check import read_profile

EXAMPLES = f"""
\b
Examples:
  simems-edge probe sunspec_meter 192.168.1.20
  simems-edge probe eastron_sdm630 /dev/ttyUSB0/1 --baud 9600 --parity even
  simems-edge probe eastron_sdm630 rtu://192.168.1.30:4196/1
  simems-edge probe ./my_meter.yaml 192.168.1.20:1502/3 --watch 2
  simems-edge probe shelly_gen2_em 192.168.1.31 --user admin --auth digest --password-file shelly.secret
  simems-edge probe generic_mqtt_meter mqtt://broker.local/meters/main --timeout 20
  simems-edge probe generic_bms_can can0

\b
ADDRESS: {HELP}
Exit codes: 0 read; 1 it answers, but is not what the profile is for; 2 bad input; 3 no answer. Nothing is written.
"""
FILE = click.Path(path_type=Path, dir_okay=False)
DIRECTIONS: Final[dict[str, tuple[str, str]]] = {
    "meter": ("import", "export"),
    "ess": ("discharging", "charging"),
    "hybrid": ("delivering", "drawing"),
    "pv": ("producing", "drawing"),
    "evcs": ("charging", "discharging"),
    "load": ("consuming", "producing"),
    "heat_pump": ("consuming", "producing"),
}
"""What a positive and a negative active power mean, by kind."""


@click.command(epilog=EXAMPLES)
@click.argument("profile", metavar="PROFILE")
@click.argument("address", metavar="ADDRESS")
@click.option("--timeout", type=click.FloatRange(0.05, 60), default=3.0, show_default=True, help="Seconds to wait.")
@click.option("--baud", type=click.IntRange(300, 1_000_000), default=9600, show_default=True, help="Serial: baud rate.")
@click.option("--parity", type=click.Choice(["none", "even", "odd"]), default="none", show_default=True, help="Serial.")
@click.option("--stop-bits", type=click.IntRange(1, 2), default=1, show_default=True, help="Serial.")
@click.option("--user", help="HTTP, MQTT: who asks.")
@click.option("--password-file", type=FILE, help="HTTP, MQTT: file with the password, readable by its owner only.")
@click.option("--auth", type=click.Choice(["basic", "digest"]), help="HTTP: how the password is given.")
@click.option("--ca-file", type=FILE, help="HTTP, MQTT: certificate (PEM) that is trusted.")
@click.option("--watch", type=click.FloatRange(0.1, 3600), metavar="SECONDS", help="Read again until Ctrl-C.")
@json_option
def command(*, profile: str, address: str, watch: float | None, as_json: bool, **options: Any) -> None:  # noqa: ANN401 - as click gives them
    """Read a device through a profile (a name, or a file that ends in .yaml) and show every channel with its unit, its
    sign and what that means. --json prints one line per reading while watching."""
    chosen = _profile(profile)
    line = {name: options[name] for name in ("baud", "parity", "stop_bits")}
    access = Access(**{name: options[name] for name in ("user", "password_file", "auth", "ca_file")})
    timeout_s = options["timeout"]
    connection, broker = connection_of(chosen, address, timeout_s=timeout_s, line=line, access=access)
    try:
        probe = probe_of(connection, chosen, broker)
        asyncio.run(_show(probe, chosen, watch, as_json=as_json))
    except NoAnswerError as error:
        raise UnreachableError(str(error)) from error
    except DeviceError as error:
        raise CommandError(f"{address}: {error}") from error


def _profile(name: str) -> Profile:
    try:
        return read_profile(Path(name)) if name.endswith((".yaml", ".yml")) else load_profile(name)
    except ProfileError as error:
        known = f"; or a file that ends in .yaml ({len(profile_names())} are shipped: simems-edge show --profiles)"
        raise BadInputError(str(error) if "/" in name or name.endswith("yaml") else f"{error}{known}") from error


async def _show(probe: Probe, profile: Profile, watch_s: float | None, *, as_json: bool) -> None:
    async with aclosing(probe.watch(watch_s or 0.0)) as readings:
        async for values in readings:
            _print(profile, values, as_json=as_json, one_line=watch_s is not None)
            if watch_s is None:
                return


def _print(profile: Profile, values: dict[str, float | None], *, as_json: bool, one_line: bool) -> None:
    rows = [(profile.channel(name), value) for name, value in values.items()]
    if as_json:
        data = {"profile": profile.id, "kind": profile.kind, "channels": [_data(profile, *row) for row in rows]}
        click.echo(json.dumps(data, ensure_ascii=False)) if one_line else print_json(data)
        return
    print_table(("channel", "value", "unit", "meaning"), [_row(profile, *row) for row in rows])
    if one_line:
        click.echo()


def _row(profile: Profile, channel: ProfileChannel, value: float | None) -> tuple[str, str, str, str]:
    number = "-" if value is None else f"{value:+.10g}" if channel.unit in {"W", "var", "A"} else f"{value:.10g}"
    return (channel.name, number, channel.unit, meaning(profile, channel, value))


def _data(profile: Profile, channel: ProfileChannel, value: float | None) -> dict[str, Any]:
    shown = {"name": channel.name, "value": value, "unit": channel.unit, "meaning": meaning(profile, channel, value)}
    return {**shown, "in_range": value is None or _inside(channel, value)}


def meaning(profile: Profile, channel: ProfileChannel, value: float | None) -> str:
    """What a person needs to see whether sign and scale are right."""
    if value is None:
        return "not available on this device"
    if not _inside(channel, value):
        return f"outside {channel.minimum} to {channel.maximum}: scale or register wrong?"
    if channel.labels:
        return channel.labels.get(int(value), "unknown state")
    if channel.name.startswith(("active_power_w", "battery_power_w")) and channel.unit == "W" and value:
        kind = "ess" if channel.name.startswith("battery") else profile.kind
        positive, negative = DIRECTIONS.get(kind, ("", ""))
        return positive if value > 0 else negative
    return ""


def _inside(channel: ProfileChannel, value: float) -> bool:
    low = float("-inf") if channel.minimum is None else channel.minimum
    return low <= value <= (float("inf") if channel.maximum is None else channel.maximum)

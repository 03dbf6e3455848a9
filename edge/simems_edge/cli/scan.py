"""``simems-edge scan ADDRESSES``: which SunSpec devices stand on addresses that the user names."""

from __future__ import annotations

import asyncio
from dataclasses import asdict

import click

from simems_edge.bridges.modbus.probing import Found, Silent, scan
from simems_edge.cli.errors import UNREACHABLE, BadInputError
from simems_edge.cli.modbus_address import every_address, parse_connection
from simems_edge.cli.output import json_option, print_json, print_table

EXAMPLES = """
\b
Examples:
  simems-edge scan 192.168.1.20 192.168.1.21:1502
  simems-edge scan 192.168.1.0/28 --units 1,3,100
  simems-edge scan rtu://192.168.1.30:4196 --units 1-10 --json

\b
Only the addresses that you name are asked, by reading; nothing is written.
Exit codes: 0 found at least one; 2 bad input; 3 none found.
"""


@click.command(epilog=EXAMPLES)
@click.argument("addresses", metavar="ADDRESS...", nargs=-1, required=True)
@click.option("--units", metavar="LIST", help="Unit ids, e.g. 1,3,10-12.  [default: that of the address, else 1]")
@click.option("--timeout", type=click.FloatRange(0.05, 60), default=1.0, show_default=True, help="Seconds to wait.")
@json_option
@click.pass_context
def command(
    ctx: click.Context, *, addresses: tuple[str, ...], units: str | None, timeout: float, as_json: bool
) -> None:
    """Look for SunSpec devices on hosts, serial servers or a network in CIDR notation, and say which profile fits."""
    named = list(every_address(addresses, _units(units)))
    connections = [(one, parse_connection(one, timeout_s=timeout)) for one in named]
    done = 0

    def progress(_one: Found | Silent) -> None:
        nonlocal done
        done += 1
        click.echo(f"\r{done} of {len(named)} asked ", nl=False, err=True)

    seen = asyncio.run(scan(connections, progress))
    click.echo(err=True)
    found = [one for one in seen if isinstance(one, Found)]
    if as_json:
        print_json(
            {"found": [asdict(one) for one in found], "silent": [asdict(o) for o in seen if isinstance(o, Silent)]}
        )
    else:
        _print(found, [one for one in seen if isinstance(one, Silent)])
    ctx.exit(0 if found else UNREACHABLE)


def _units(text: str | None) -> tuple[int, ...]:
    """``1,3,10-12``. Raises :class:`BadInputError`."""
    if text is None:
        return ()
    try:
        spans = [part.partition("-") for part in text.split(",")]
        units = [unit for low, dash, high in spans for unit in range(int(low), int(high if dash else low) + 1)]
    except ValueError:
        raise BadInputError(f"--units {text!r} is no list of unit ids; write e.g. 1,3,10-12") from None
    if not units or not all(0 <= unit <= 255 for unit in units):
        raise BadInputError(f"--units {text!r}: unit ids are 0 to 255; write e.g. 1,3,10-12")
    return tuple(units)


def _print(found: list[Found], silent: list[Silent]) -> None:
    if found:
        rows = [
            (one.address, str(one.unit), one.maker, one.model, one.serial, ",".join(map(str, one.models)), _fit(one))
            for one in found
        ]
        print_table(("address", "unit", "maker", "model", "serial", "models", "profile"), rows)
    for one in silent:
        click.echo(f"{one.address}: {one.why}", err=True)


def _fit(one: Found) -> str:
    return " or ".join(one.profiles) or "none fits"

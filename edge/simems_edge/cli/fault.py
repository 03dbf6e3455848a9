"""``simems-edge fault``: what stands, and a person's clear, over the local interface of a running edge."""

from __future__ import annotations

import os
from typing import Any
from urllib.parse import quote

import click

from simems_edge.cli.errors import BadInputError, CommandError
from simems_edge.cli.local_api import DEFAULT_URL, Answer, call, web_address
from simems_edge.cli.output import json_option, print_json, print_table

EXAMPLES = """
\b
Examples:
  simems-edge fault list
  simems-edge fault clear cell_undervoltage
  simems-edge fault clear cell_undervoltage:ess0 --url http://192.168.1.10:8080

\b
The PIN of the screen is asked for, or taken from SIMEMS_HMI_PIN.
Exit codes: 0 done; 1 refused, or a fault stands (list); 2 unknown code or wrong PIN; 3 nobody answers.
"""
url_option = click.option("--url", default=DEFAULT_URL, show_default=True, help="Where the edge's interface listens.")


@click.group(epilog=EXAMPLES)
def command() -> None:
    """Show the faults of a running edge, and clear those that latched."""


@command.command("list", epilog=EXAMPLES)
@url_option
@json_option
@click.pass_context
def list_faults(ctx: click.Context, *, url: str, as_json: bool) -> None:
    """Show the faults that stand. Exit code 1 when there is one."""
    faults = _good(call(web_address(url), "GET", "/faults"))
    if as_json:
        print_json(faults)
    elif not faults:
        click.echo("no fault stands")
    else:
        print_table(("fault", "since", "state", "text"), [_row(fault) for fault in faults])
    ctx.exit(1 if faults else 0)


def _row(fault: dict[str, Any]) -> tuple[str, str, str, str]:
    latched = "waits for a clear" if fault["clearable"] else "its cause stands"
    state = latched if fault["latched"] else "clears by itself"
    return str(fault["id"]), str(fault["raised_at"]), state, f"{fault['text']}: {fault['remedy']}"


@command.command("clear", epilog=EXAMPLES)
@click.argument("code", metavar="CODE")
@url_option
@json_option
def clear(*, code: str, url: str, as_json: bool) -> None:
    """Clear a latched fault; CODE as `fault list` shows it, with or without its component.

    Refused, saying why, while the cause stands.
    """
    base = web_address(url)
    token = _sign_in(base)
    answer = call(base, "POST", f"/faults/{quote(code, safe=':')}/clear", token=token)
    cleared = _good(answer)["cleared"]
    if as_json:
        print_json({"ok": True, "cleared": cleared})
    else:
        click.echo(f"cleared: {', '.join(cleared)}")


def _sign_in(base: str) -> str:
    pin = os.environ.get("SIMEMS_HMI_PIN") or click.prompt("PIN", hide_input=True, err=True)
    return str(_good(call(base, "POST", "/auth/pin", body={"pin": pin}))["access_token"])


def _good(answer: Answer) -> Any:  # noqa: ANN401 - whatever JSON the edge answers
    if answer.status < 300:
        return answer.body
    detail = answer.body.get("detail", "") if isinstance(answer.body, dict) else ""
    message = f"{detail or 'the edge answers'} ({answer.status})"
    raise CommandError(message) if answer.status == 409 else BadInputError(message)

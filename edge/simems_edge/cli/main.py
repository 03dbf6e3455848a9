"""``simems-edge``: the group of commands, each imported only when it is called."""

import os
import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.metadata import version
from typing import Final

import click

from simems_edge.cli.errors import CommandError, print_error, silence_closed_pipe

COMMANDS: Final = {
    "init": ("simems_edge.cli.init:command", "Ask a few questions and write a site file."),
    "check": ("simems_edge.cli.check:command", "Check a site file and say everything that is wrong with it."),
    "show": ("simems_edge.cli.show:command", "Show the channels of a site or the profiles of devices."),
    "controllers": ("simems_edge.cli.controllers:command", "List the installed controllers and what they declare."),
    "new-controller": ("simems_edge.cli.new_controller:command", "Write a package with a controller and its tests."),
    "profile": ("simems_edge.cli.profile:command", "Check the profile of a device that you are writing."),
    "probe": ("simems_edge.cli.probe:command", "Read a device and show its live values with units and signs."),
    "scan": ("simems_edge.cli.scan:command", "Find SunSpec devices on addresses that you name."),
    "doctor": ("simems_edge.cli.doctor:command", "Commission a site: find wrong wiring and settings, measure, report."),
    "schema": ("simems_edge.cli.schema:command", "Print the JSON Schema of a file."),
    "run": ("simems_edge.cli.run:command", "Run a site: bridges, controllers, recorder, uplink and screen."),
    "ocpp-password": ("simems_edge.cli.ocpp_password:command", "Hash a charging station's password for the site file."),
    "identity": ("simems_edge.cli.identity:command", "Show this box's public key, fingerprint and claim code."),
    "status": ("simems_edge.cli.status:command", "Ask a running edge how it is."),
    "fault": ("simems_edge.cli.fault:command", "Show the faults of a running edge, and clear those that latched."),
    "schedule": ("simems_edge.cli.schedule:command", "Check, load, show or remove the schedule that a site follows."),
    "proof": ("simems_edge.cli.proof:command", "Export or check the signed record of limits from outside."),
    "sim": ("simems_edge.cli.sim:command", "Run the virtual plant as real protocol servers."),
    "replay": ("simems_edge.cli.replay:command", "Play recorded inputs through the controllers (open loop)."),
    "simulate": ("simems_edge.cli.simulate:command", "Run plant and controllers on a simulated clock (closed loop)."),
    "scenario": ("simems_edge.cli.scenario:command", "Check tables of inputs and expected outputs, cycle by cycle."),
    "shadow": ("simems_edge.cli.shadow:command", "Report what a candidate controller would have made of a scenario."),
    "identify": ("simems_edge.cli.identify:command", "Find a battery cell's parameters from pulse tests."),
    "estimate": ("simems_edge.cli.estimate:command", "Estimate the state of charge over measured data."),
    "backfill": ("simems_edge.cli.backfill:command", "Fill the buffer with the simulated past."),
}
"""Name -> (``module:attribute``, short help)."""


class LazyGroup(click.Group):
    """Knows its commands by name and imports one when it is called."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        module, _, attribute = COMMANDS[cmd_name][0].partition(":")
        try:
            found = getattr(import_module(module), attribute)
        except ModuleNotFoundError as error:
            raise CommandError(f"`{cmd_name}` is not installed ({error.name} is missing); install it") from error
        if not isinstance(found, click.Command):
            raise CommandError(f"`{cmd_name}`: {module}:{attribute} is not a command; correct the table of commands")
        return found

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


EXAMPLES: Final = """
\b
Examples:
  simems-edge init --yes -o site.yaml
  simems-edge check site.yaml
  simems-edge sim site.yaml
  simems-edge run site.yaml

\b
Exit codes: 0 fine, 1 the thing checked is wrong, 2 bad input or usage, 3 unreachable.
"""


@click.group(cls=LazyGroup, epilog=EXAMPLES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(version("simems-edge"), prog_name="simems-edge")
@click.option("--debug", is_flag=True, help="Print the traceback of an error.")
def cli(*, debug: bool) -> None:
    """Sim EMS at the site: control, devices, buffer, uplink and screen."""


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; every error is printed, none escapes."""
    debug = "--debug" in arguments or os.environ.get("SIMEMS_DEBUG") == "1"
    as_json = "--json" in arguments
    try:
        result = cli.main(list(arguments), prog_name="simems-edge", standalone_mode=False)
    except BrokenPipeError:
        silence_closed_pipe()
        return 0
    except (Exception, KeyboardInterrupt) as error:  # noqa: BLE001 - the outermost place: printed, with an exit code
        return print_error(error, as_json=as_json, debug=debug)
    return result if isinstance(result, int) else 0


def main() -> None:
    """Entry point of the script."""
    sys.exit(run(sys.argv[1:]))


if __name__ == "__main__":
    main()

"""``simems-edge doctor SITE.yaml``: commissioning, before control is enabled. ``doctor verify``: of its report."""

from __future__ import annotations

import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

import click
from simems_core import Clock

from simems_edge.bridges.shared_clock import read_clock
from simems_edge.cli.data_folder import DEFAULT, locked_folder
from simems_edge.cli.doctor_results import Job, finish
from simems_edge.cli.errors import BadInputError, CommandError, UnreachableError
from simems_edge.cli.output import json_option, print_json
from simems_edge.cli.site_file import checked_site
from simems_edge.commissioning.judge import faults
from simems_edge.commissioning.live import LiveOutcome, SilentDevicesError, commission_live
from simems_edge.commissioning.plan import Allowed, Permission, duration_s
from simems_edge.commissioning.report import ReportError, check_installed
from simems_edge.commissioning.signature import SignatureError, SigningKey, TamperedError, verify_file
from simems_edge.config import Site
from simems_edge.runtime import configure_logging

EXAMPLES = """
\b
Examples:
  simems-edge doctor site.yaml --read-only                    nothing is written to any device
  simems-edge doctor site.yaml                                asks before each stage of each battery
  simems-edge doctor site.yaml --allow-pulses "3000"          small pulses of at most 3 kW, no question
  simems-edge doctor site.yaml --allow-pulses 3000 --allow-full-power --report handover.pdf
  simems-edge doctor site.yaml --allow-pulses 3000 --tuning suggested.yaml
  simems-edge doctor verify handover.pdf --key ab12...

\b
It reads for a minute, then asks one battery after the other for small pulses, half power and full power, each only
when it is allowed; about four minutes a battery. Every setpoint goes through the site's guards. Ctrl-C brings the
batteries to 0 W and still prints what was found. Stop `simems-edge run` first.
Exit codes: 0 no fault found; 1 a fault was found; 2 bad input; 3 a device does not answer. docs/commissioning.md
"""
PDF = click.Path(path_type=Path, dir_okay=False)


class DoctorGroup(click.Group):
    """``doctor SITE.yaml`` without a verb is the examination."""

    def resolve_command(
        self, ctx: click.Context, args: list[str]
    ) -> tuple[str | None, click.Command | None, list[str]]:
        if args and args[0] not in self.commands:
            return super().resolve_command(ctx, ["examine", *args])
        return super().resolve_command(ctx, args)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Options may stand before the site file."""
        known = args and (args[0] in self.commands or args[0] in ctx.help_option_names)
        return super().parse_args(ctx, args if known or not args else ["examine", *args])


@click.group(cls=DoctorGroup, epilog=EXAMPLES, subcommand_metavar="SITE.yaml | verify REPORT.pdf")
def command() -> None:
    """Commissioning: is the site wired, set and described as its site file says? Reads first, then (when allowed) asks
    the batteries for power, names 24 faults, measures the actuators, suggests the loops' tuning, signs a report.
    Options: simems-edge doctor examine --help"""


@dataclass(frozen=True)
class Asking:
    """Permission by a person at the terminal; what was allowed beforehand is not asked again."""

    given: Allowed

    def allowed_w(self, stage: str, battery: str, wanted_w: float) -> float:
        """As :class:`Permission`."""
        before_w = self.given.allowed_w(stage, battery, wanted_w)
        if before_w > 0.0:
            return before_w
        question = f"{battery}: ask for {stage} power, up to {wanted_w:.0f} W?"
        return wanted_w if click.confirm(question, default=False, err=True) else 0.0


def _watts(_context: click.Context, _parameter: click.Parameter, value: str | None) -> float:
    """A number in W, or with a unit."""
    from simems_edge.config.quantities import parse_quantity  # noqa: PLC0415 - only when given

    if value is None:
        return 0.0
    try:
        number = parse_quantity(value if any(c.isalpha() for c in value) else float(value), "W")
    except (ValueError, TypeError) as error:
        raise click.BadParameter("write a power such as 3000 or '3 kW'") from error
    if not 0.0 < number <= 1e7:
        raise click.BadParameter("write a power above 0")
    return number


def _writable(_context: click.Context, _parameter: click.Parameter, value: Path | None) -> Path | None:
    if value is not None and not value.absolute().parent.is_dir():
        raise click.BadParameter(f"there is no folder {value.parent}; make it first")
    return value


@command.command("examine", epilog=EXAMPLES)
@click.argument("site_file", metavar="SITE.yaml", type=click.Path(path_type=Path))
@click.option("--read-only", is_flag=True, help="Write nothing, ask nothing.")
@click.option("--allow-pulses", metavar="W", callback=_watts, help="Small pulses up to this power, without asking.")
@click.option("--allow-full-power", is_flag=True, help="Half and full power too, without asking.")
@click.option(
    "--report",
    metavar="REPORT.pdf",
    type=PDF,
    callback=_writable,
    help="Write the signed handover report (and REPORT.pdf.sig).",
)
@click.option(
    "--tuning",
    metavar="SITE.yaml",
    type=PDF,
    callback=_writable,
    help="Write the site file with the suggested tuning here.",
)
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT, show_default=True, help="Data folder."
)
@click.option("--clock-file", type=click.Path(path_type=Path), help="Share the clock of a virtual plant.")
@json_option
@click.pass_context
def examine(  # noqa: PLR0913 - one parameter per option
    ctx: click.Context,
    *,
    site_file: Path,
    read_only: bool,
    allow_pulses: float,
    allow_full_power: bool,
    report: Path | None,
    tuning: Path | None,
    data: Path,
    clock_file: Path | None,
    as_json: bool,
) -> None:
    """Examine the site of SITE.yaml: read, then (when allowed) small, half and full power on one battery after the
    other."""
    configure_logging("error")
    permission = _permission(read_only=read_only, pulses_w=allow_pulses, full=allow_full_power)
    site, text = checked_site(site_file), _text(site_file)
    clock = Clock.monotonic() if clock_file is None else read_clock(clock_file).clock()
    with locked_folder(data) as folder:
        key = None if report is None else _ready_to_report(folder)
        outcome = _examined(site, permission, clock, site_file, folder)
        finish(Job(site, site_file, text, outcome, report, tuning, key), as_json=as_json)
    ctx.exit(1 if faults(outcome.verdicts) else 0)


def _permission(*, read_only: bool, pulses_w: float, full: bool) -> Permission:
    if read_only and (pulses_w or full):
        raise BadInputError("--read-only contradicts --allow-pulses and --allow-full-power; leave one of them out")
    if full and not pulses_w:
        raise BadInputError("--allow-full-power needs --allow-pulses W: small pulses always come first")
    given = Allowed(pulses_w, full)
    if read_only or pulses_w:
        return given
    if not sys.stdin.isatty():
        raise BadInputError("nobody can be asked here; give --read-only, or --allow-pulses W [--allow-full-power]")
    return Asking(given)


def _text(path: Path) -> str:
    try:
        return path.read_text("utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise BadInputError(f"{path}: cannot be read; name a readable YAML file") from error


def _ready_to_report(folder: Path) -> SigningKey:
    """Before the examination: it would be a pity to find out afterwards."""
    try:
        check_installed()
    except ReportError as error:
        raise BadInputError(str(error)) from error
    return _signing_key(folder)


def _signing_key(folder: Path) -> SigningKey:
    try:
        return SigningKey.of(folder)
    except SignatureError as error:
        raise BadInputError(str(error)) from error


# ---- the examination


class _Progress:
    """Lines on stderr; on a terminal also a count-down."""

    def __init__(self, batteries: int, *, pulses: bool) -> None:
        self._expected_s = duration_s(batteries, pulses=pulses, full=pulses)
        self._now_s = self._until_s = 0.0
        self._second = -1

    def tell(self, what: str, seconds: float) -> None:
        self._until_s = self._now_s + seconds
        left_s = max(self._expected_s - self._now_s, seconds)
        self._clear()
        click.echo(f"[{self._now_s:4.0f} s] {what} (about {seconds:.0f} s; all of it at most {left_s:.0f} s)", err=True)

    def tick(self, time_s: float) -> None:
        self._now_s = time_s
        if sys.stderr.isatty() and int(time_s) != self._second:
            self._second = int(time_s)
            click.echo(f"\r  {max(self._until_s - time_s, 0.0):.0f} s ", nl=False, err=True)

    def _clear(self) -> None:
        if sys.stderr.isatty():
            click.echo("\r", nl=False, err=True)


def _examined(site: Site, permission: Permission, clock: Clock, site_file: Path, data: Path) -> LiveOutcome:
    from simems_edge.devices import load_profile  # noqa: PLC0415 - beside its only use

    batteries = sum(load_profile(one.profile).kind == "ess" for one in site.components)
    wanted = not isinstance(permission, Allowed) or permission.pulses_w > 0.0
    progress = _Progress(batteries, pulses=wanted)
    try:
        with _terminated_as_interrupted():
            return commission_live(site, permission, clock, data, tell=progress.tell, tick=progress.tick)
    except SilentDevicesError as error:
        raise UnreachableError(f"{site_file}: {error}") from error


@contextmanager
def _terminated_as_interrupted() -> Iterator[None]:
    """SIGTERM ends it as Ctrl-C does: batteries first go to 0 W."""

    def interrupt(_number: int, _frame: FrameType | None) -> None:
        raise KeyboardInterrupt

    before = signal.signal(signal.SIGTERM, interrupt)
    try:
        yield
    finally:
        signal.signal(signal.SIGTERM, before)


# ---- verify


@command.command("verify")
@click.argument("report", metavar="REPORT.pdf", type=PDF)
@click.option("--key", metavar="KEY", help="The public key that it must be signed by.")
@json_option
def verify(*, report: Path, key: str | None, as_json: bool) -> None:
    """Check that REPORT.pdf is what the device signed (REPORT.pdf.sig lies beside it).

    Exit code 0: it is; 1: it was changed, or another key signed it; 2: a file is missing or unusable.
    """
    try:
        signature = verify_file(report, key)
    except TamperedError as error:
        raise CommandError(str(error)) from error
    if as_json:
        print_json({"valid": True, **signature.as_data()})
        return
    click.echo(
        f"{report}: unchanged since {signature.made_at}, site {signature.site}, signed by {signature.public_key}"
    )
    if key is None:
        click.echo("compare this key with the one that the device shows: simems-edge doctor key")


@command.command("key")
@click.option(
    "--data", type=click.Path(path_type=Path, file_okay=False), default=DEFAULT, show_default=True, help="Data folder."
)
@json_option
def key_command(*, data: Path, as_json: bool) -> None:
    """Show the public key that this device signs its reports with, making the pair on first use."""
    public = _signing_key(data).public
    print_json({"public_key": public}) if as_json else click.echo(public)

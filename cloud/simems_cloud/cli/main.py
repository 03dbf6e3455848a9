"""The entry: commands are named here and imported only when used."""

from __future__ import annotations

import importlib
import sys

import click

COMMANDS = {
    "serve": ("serve", "Database, API, ingest and worker for one host, in one process group."),
    "api": ("api", "The HTTP API and the portal."),
    "ingest": ("ingest", "The door for edge devices."),
    "worker": ("worker", "Rollups, alarm rules, notifications, reports."),
    "backup": ("backup", "A base backup of the own PostgreSQL, and its archive of changes."),
    "restore": ("restore", "Bring a backup back, to its end or to a point in time."),
    "migrate": ("migrate", "Bring the database to the newest schema."),
    "tenant": ("tenant", "Tenants: create, list, suspend, resume, export, delete."),
    "user": ("user", "People: create, list, deactivate."),
    "sso": ("sso", "OpenID Connect providers of tenants: set, list, remove."),
    "device": ("device", "Edge devices: claim and approve, add, list, replace, command, revoke."),
    "audit": ("audit", "The audit log: export its heads, verify its chains."),
    "keys": ("keys", "The server's public key for site files."),
    "openapi": ("openapi", "The API's description on standard output."),
}
EPILOG = """Settings come from the environment: SIMEMS_DATA_DIR, SIMEMS_DATABASE_URL (without it an own PostgreSQL is
started in the data folder), SIMEMS_HTTP_HOST, SIMEMS_HTTP_PORT, SIMEMS_INGEST_ENDPOINT, SIMEMS_PORTAL_DIR,
SIMEMS_STALE_AFTER_S.

\b
Examples:
  simems-cloud serve
  simems-cloud tenant create "Harbour Foods"
  simems-cloud user create ada@example.com --tenant "Harbour Foods"
  simems-cloud device add malmo-1 --tenant "Harbour Foods" --public-key KEY
"""


class LazyGroup(click.Group):
    """Looks a command up by name without importing the others."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(f"simems_cloud.cli.{COMMANDS[cmd_name][0]}").command
        assert isinstance(command, click.Command)  # noqa: S101 - our own modules
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        with formatter.section("Commands"):
            formatter.write_dl([(name, text) for name, (_, text) in COMMANDS.items()])


@click.group(cls=LazyGroup, epilog=EPILOG, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="simems-cloud", prog_name="simems-cloud")
def group() -> None:
    """The cloud of Sim EMS."""


def main() -> None:
    from simems_cloud.cli.failing import explained  # noqa: PLC0415 - keeps --help fast

    sys.exit(explained(group))


if __name__ == "__main__":
    main()

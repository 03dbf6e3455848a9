"""``simems-edge show``: what channels a site or a profile has."""

from typing import Any

import click

from simems_edge.cli.errors import BadInputError
from simems_edge.cli.output import json_option, print_json, print_table
from simems_edge.cli.site_file import checked_site
from simems_edge.config import Site
from simems_edge.devices import Profile, ProfileChannel, load_profile, profile_names

EXAMPLES = """
\b
Examples:
  simems-edge show site.yaml
  simems-edge show --profiles
  simems-edge show --profile sunspec_meter
"""
CHANNEL_HEADER = ("channel", "unit", "kind", "access", "poll", "stale after")


@click.command(epilog=EXAMPLES)
@click.argument("site_file", metavar="[SITE.yaml]", type=click.Path(), required=False)
@click.option("--profiles", is_flag=True, help="List the profiles of devices.")
@click.option("--profile", "profile_name", metavar="NAME", help="Show one profile.")
@json_option
def command(*, site_file: str | None, profiles: bool, profile_name: str | None, as_json: bool) -> None:
    """Show the channels of a site file, or the device profiles it may name."""
    if sum([site_file is not None, profiles, profile_name is not None]) != 1:
        raise click.UsageError("name exactly one of SITE.yaml, --profiles or --profile NAME")
    if site_file is not None:
        _site(checked_site(site_file), as_json=as_json)
    elif profile_name is not None:
        _profile(profile_name, as_json=as_json)
    else:
        _profiles(as_json=as_json)


def _site(site: Site, *, as_json: bool) -> None:
    rows = [
        (component.id, channel) for component in site.components for channel in load_profile(component.profile).channels
    ]
    if as_json:
        print_json({"site": site.site.id, "channels": [_data(channel, f"{owner}/") for owner, channel in rows]})
    else:
        print_table(CHANNEL_HEADER, [_row(channel, f"{owner}/") for owner, channel in rows])


def _profile(name: str, *, as_json: bool) -> None:
    if name not in profile_names():
        raise BadInputError(f"there is no profile {name!r}; use one of {', '.join(profile_names())}")
    profile = load_profile(name)
    if as_json:
        print_json(profile.model_dump(mode="json"))
        return
    for title, text in (
        ("description", profile.description),
        ("source", profile.source),
        ("verified", profile.verified or "against no other source"),
        ("untested", profile.untested),
    ):
        click.echo(f"{title}: {' '.join(text.split())}")
    print_table(CHANNEL_HEADER, [_row(channel) for channel in profile.channels])


def _profiles(*, as_json: bool) -> None:
    profiles: list[Profile] = [load_profile(name) for name in profile_names()]
    if as_json:
        print_json([{"id": p.id, "kind": p.kind, "description": p.description} for p in profiles])
    else:
        print_table(("profile", "kind", "description"), [(p.id, p.kind, p.description) for p in profiles])


def _row(channel: ProfileChannel, prefix: str = "") -> tuple[str, ...]:
    times = (f"{channel.poll_s:g} s", f"{channel.stale_after_s:g} s") if channel.readable else ("", "")
    return (prefix + channel.name, channel.unit, channel.kind, channel.access, *times)


def _data(channel: ProfileChannel, prefix: str) -> dict[str, Any]:
    kept = {"unit", "kind", "resolution", "minimum", "maximum", "poll_s", "stale_after_s", "labels"}
    return {"address": prefix + channel.name, "access": channel.access, **channel.model_dump(mode="json", include=kept)}

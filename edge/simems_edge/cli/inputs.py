"""Reads the site file for commands that need a whole one; says what is wrong and ends with exit code 2."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import NoReturn

import click

from simems_edge.config import Site
from simems_edge.config.load import load_site
from simems_edge.config.problem import SiteError
from simems_edge.controllers.registry import controller_problems
from simems_edge.devices import ProfileError

BAD_INPUT = 2


def readable_site(path: Path, *, as_json: bool) -> Site:
    """The site in this file, with usable profiles and controllers."""
    try:
        site = load_site(path)
        problems = controller_problems(site)
    except SiteError as error:
        refuse([str(problem) for problem in error.problems], as_json=as_json)
    except ProfileError as error:
        refuse([f"{path}:0: components: : {error}; see `simems-edge check`"], as_json=as_json)
    if problems:
        remedy = "see `simems-edge check`"
        refuse([f"{path}:0: {p.path}: {p.value!r}: {p.message}; {remedy}" for p in problems], as_json=as_json)
    return site


def refuse(messages: list[str], *, as_json: bool) -> NoReturn:
    """Print each problem and end."""
    if as_json:
        click.echo(json.dumps({"problems": messages}))
    else:
        for message in messages:
            click.echo(message, err=True)
    sys.exit(BAD_INPUT)

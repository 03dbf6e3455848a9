"""``simems-edge schema NAME``: JSON Schemas, generated from the types."""

import json
from collections.abc import Mapping
from typing import Any, Final

import click
from pydantic import BaseModel

from simems_edge.config import Site
from simems_edge.devices import Profile
from simems_edge.estimation import CellFile
from simems_edge.replay import Scenario
from simems_edge.replay.scenario_table import ScenarioTable
from simems_edge.schedule import Schedule

MODELS: Final[Mapping[str, type[BaseModel]]] = {
    "site": Site,
    "profile": Profile,
    "cell": CellFile,
    "scenario": Scenario,
    "schedule": Schedule,
    "table": ScenarioTable,
}
EXAMPLES = """
\b
Examples:
  simems-edge schema site > site.schema.json
  simems-edge schema profile
"""


def schema_of(name: str) -> dict[str, Any]:
    """The JSON Schema (2020-12) of a file."""
    schema = MODELS[name].model_json_schema(by_alias=True)
    return {"$schema": "https://json-schema.org/draft/2020-12/schema", **schema}


def schema_text(name: str) -> str:
    """As it stands in docs/schemas: stable from run to run."""
    return json.dumps(schema_of(name), ensure_ascii=False, indent=2, sort_keys=True) + "\n"


@click.command(epilog=EXAMPLES)
@click.argument("name", type=click.Choice(sorted(MODELS)))
@click.option("--json", "as_json", is_flag=True, help="Print JSON (a schema always is).")
def command(*, name: str, as_json: bool) -> None:
    """Print the JSON Schema of a site file, a device profile or a cell file."""
    click.echo(schema_text(name), nl=False)

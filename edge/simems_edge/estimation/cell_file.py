"""CELL.yaml: one cell, versioned. docs/battery-estimation.md explains every field."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, NonNegativeFloat, PositiveFloat, ValidationError
from simems_core import Cell, CoreError

from simems_edge.config import SiteError
from simems_edge.config.document import Document
from simems_edge.config.explain import explain
from simems_edge.config.parse import read_document

VERSION: Final = 1
TABLES: Final = ("r0_ohm", "r1_ohm", "c1_f", "r2_ohm", "c2_f")

PositiveRow = tuple[PositiveFloat, ...]


class _Section(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class OcvSection(_Section):
    """Open-circuit voltage over SOC."""

    soc_pct: Annotated[tuple[float, ...], Field(min_length=2, description="Rising from 0 to 100.")]
    ocv_v: Annotated[PositiveRow, Field(min_length=2, description="Mean of the branches, V; never falls.")]
    hysteresis_v: Annotated[
        tuple[NonNegativeFloat, ...], Field(description="Half the gap between charge and discharge branch, V.")
    ] = ()
    hysteresis_rate: Annotated[
        PositiveFloat, Field(description="1/(unit of SOC): a branch is reached as 1 - exp(-rate * moved).")
    ] = 30.0
    hysteresis_shares: Annotated[
        tuple[NonNegativeFloat, ...],
        Field(description="Of the gap, for elements of rate 10, 33 and 100; without them one of hysteresis_rate."),
    ] = ()


class ElementsSection(_Section):
    """The equivalent circuit; each table has one row per temperature and one column per SOC."""

    temperature_degc: Annotated[tuple[float, ...], Field(min_length=1, description="Rising.")]
    soc_pct: Annotated[tuple[float, ...], Field(min_length=1, description="Rising, within 0..100.")]
    r0_bend_a: Annotated[
        PositiveRow, Field(description="Current, A, above which the series drop bends; one per temperature.")
    ]
    r0_ohm: Annotated[tuple[PositiveRow, ...], Field(description="Series resistance at small currents, ohm.")]
    r1_ohm: Annotated[tuple[PositiveRow, ...], Field(description="Resistance of the fast pair, ohm.")]
    c1_f: Annotated[tuple[PositiveRow, ...], Field(description="Capacitance of the fast pair, F.")]
    r2_ohm: Annotated[tuple[PositiveRow, ...], Field(description="Resistance of the slow pair, ohm.")]
    c2_f: Annotated[tuple[PositiveRow, ...], Field(description="Capacitance of the slow pair, F.")]
    lag_share: Annotated[
        tuple[NonNegativeFloat, ...],
        Field(description="How far the surface is behind the SOC after long at 1C, 0..1; one per temperature."),
    ] = ()
    lag_time_s: Annotated[PositiveRow, Field(description="Time constant of the lag's slowest mode, s.")] = ()


class NoiseSection(_Section):
    """How far sensors and model may be wrong: standard deviations."""

    voltage_v: Annotated[PositiveFloat, Field(description="White noise of the voltage sensor, V.")]
    current_offset_a: Annotated[NonNegativeFloat, Field(description="Offset of the current sensor, A.")]
    current_scale: Annotated[NonNegativeFloat, Field(description="Relative error of current gain over capacity.")]
    model_v: Annotated[PositiveFloat, Field(description="Slow error of the model at rest, V.")]
    model_share: Annotated[NonNegativeFloat, Field(description="Slow error under load, share of the lost voltage.")]
    model_time_s: Annotated[PositiveFloat, Field(description="How long such an error lasts, s.")]


class LimitsSection(_Section):
    """What a reading of one cell can be; anything else is a broken reading."""

    minimum_voltage_v: float
    maximum_voltage_v: PositiveFloat
    maximum_current_a: PositiveFloat
    longest_step_s: Annotated[PositiveFloat, Field(description="Longest time between samples that is no gap, s.")]


class CellFile(_Section):
    """One battery cell, as identified from pulse tests."""

    format: Literal["simems-cell"]
    version: Literal[1]
    name: str = ""
    capacity_ah: PositiveFloat
    ocv: OcvSection
    elements: ElementsSection
    noise: NoiseSection
    limits: LimitsSection


def read_cell(path: Path) -> Cell:
    """The cell in this file. Raises :class:`SiteError` with file, line, path, value and remedy."""
    document = read_document(path)
    if document.problems or not isinstance(document.data, dict):
        whole = document.problem((), "is no cell file", "let `simems-edge identify` write one")
        raise SiteError(document.problems or [whole])
    try:
        found = CellFile.model_validate(document.data)
    except ValidationError as error:
        raise SiteError(explain(document, error, CellFile)) from error
    return _cell(document, found)


def _cell(document: Document, found: CellFile) -> Cell:
    sections = found.model_dump()
    _check_rows(document, found.elements)
    elements = {name: list(values) for name, values in sections["elements"].items()}
    elements |= {name: [value for row in elements[name] for value in row] for name in TABLES}
    ocv = {name: list(value) if isinstance(value, tuple) else value for name, value in sections["ocv"].items()}
    try:
        return Cell(
            capacity_ah=found.capacity_ah,
            ocv=_given(ocv),
            elements=_given(elements),
            noise=sections["noise"],
            limits=sections["limits"],
        )
    except CoreError as error:
        name, _, message = str(error).partition(" ")
        raise SiteError([document.problem(tuple(name.split(".")), message, "correct the numbers")]) from error


def _given(section: Mapping[str, Any]) -> dict[str, Any]:
    """Without the lists that are empty: the core knows them as absent."""
    return {name: value for name, value in section.items() if value != []}


def _check_rows(document: Document, elements: ElementsSection) -> None:
    rows, columns = len(elements.temperature_degc), len(elements.soc_pct)
    for name in TABLES:
        table: tuple[PositiveRow, ...] = getattr(elements, name)
        if len(table) != rows or any(len(row) != columns for row in table):
            message = f"must have {rows} rows of {columns} values"
            remedy = "give one row per temperature_degc and one value per soc_pct"
            raise SiteError([document.problem(("elements", name), message, remedy)])


def cell_text(cell: Cell, name: str) -> str:
    """The file for this cell: six significant digits, the same bytes for the same cell."""
    sections = cell.as_dict()
    lines = [
        "# A battery cell for the SOC estimator; docs/battery-estimation.md explains every field.",
        "format: simems-cell",
        f"version: {VERSION}",
        f"name: {_quoted(name)}",
        f"capacity_ah: {_number(sections['capacity_ah'])}",
        *_section("ocv", sections["ocv"]),
        *_elements(sections["elements"]),
        *_section("noise", sections["noise"]),
        *_section("limits", sections["limits"]),
    ]
    return "\n".join(lines) + "\n"


def _section(title: str, values: Mapping[str, Any]) -> list[str]:
    rows = (f"  {key}: {_row(value) if isinstance(value, list) else _number(value)}" for key, value in values.items())
    return [f"{title}:", *rows]


def _elements(values: Mapping[str, Sequence[float]]) -> list[str]:
    columns = len(values["soc_pct"])
    lines = ["elements:"]
    rows = ("temperature_degc", "soc_pct", "r0_bend_a", "lag_share", "lag_time_s")
    lines += [f"  {key}: {_row(values[key])}" for key in rows if key in values]
    for key in TABLES:
        lines.append(f"  {key}:")
        table = values[key]
        lines += [f"    - {_row(table[start : start + columns])}" for start in range(0, len(table), columns)]
    return lines


def _row(values: Iterable[float]) -> str:
    return f"[{', '.join(map(_number, values))}]"


def _number(value: float) -> str:
    return repr(float(f"{value:.6g}"))


def _quoted(text: str) -> str:
    return "'" + "".join(character for character in text if character.isprintable()).replace("'", "''") + "'"

"""What happens in a scenario, one event a line: a moment and one verb."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simems_edge.config.quantities import (
    NonNegativeSeconds,
    PositiveCurrentA,
    PositiveEnergyWh,
    PositiveSeconds,
    dimension_of,
    parse_quantity,
)

Value = float | str | bool


class Strict(BaseModel):
    """Base of every section of a scenario."""

    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, populate_by_name=True)


WITH_VALUE: Final = ("set", "ramp", "input", "override")
WITH_FILE: Final = ("follow",)
PLAIN: Final = (
    "release", "silence", "answer", "fault", "freeze", "repair", "grid_loss", "grid_return", "ev", "ev_leaves",
    "clear_override", "clear_fault", "set_mode", "estop",
)  # fmt: skip
VERBS: Final = (*WITH_VALUE, *WITH_FILE, *PLAIN)
OF_RUNTIME: Final = frozenset({"input", "override", "clear_override", "clear_fault", "set_mode", "estop"})
"""Verbs that persons and wires do to the EMS; the others happen to the plant."""
OF_COMPONENT: Final = frozenset({"silence", "answer", "fault", "freeze", "repair", "ev", "ev_leaves"})
OF_ADDRESS: Final = frozenset({"set", "ramp", "follow", "release"})
OVERRIDE_S: Final = 600.0
"""An override without a duration."""


class ScenarioEvent(Strict):
    """``at`` and exactly one verb. Addresses of set, ramp, follow and release: grid/frequency_hz, grid/voltage_v,
    site/load_power_w, PV/available_power_w and what else docs/simulation.md lists."""

    at_s: NonNegativeSeconds = Field(alias="at")
    set: str | None = None
    """From now on ``value`` stands at this address."""
    ramp: str | None = None
    """It moves evenly to ``value`` within ``duration``."""
    follow: str | None = None
    """It takes the course of ``file`` (CSV: time_s from now, value), evenly between its rows."""
    release: str | None = None
    """Back to its own course."""
    silence: str | None = None
    """The device stops answering."""
    answer: str | None = None
    fault: str | None = None
    """The device fails: no power, a contact sticks."""
    freeze: str | None = None
    """The device shows for ever what it shows now."""
    repair: str | None = None
    """Ends fault and freeze."""
    grid_loss: bool | None = None
    grid_return: bool | None = None
    ev: str | None = None
    """A car comes to this charging point, wants ``energy_wh`` and stays for ``duration``."""
    ev_leaves: str | None = None
    input: str | None = None
    """``value`` arrives at this channel of the EMS (one that no device serves, e.g. site/external_import_limit_w)."""
    override: str | None = None
    """A person sets this actuator to ``value`` for ``duration``."""
    clear_override: str | None = None
    clear_fault: str | None = None
    set_mode: str | None = None
    """A control mode, RUN, STANDBY or SHUTDOWN."""
    estop: bool | None = None
    """The button: pressed or released."""

    value: Value | None = None
    """A number in base units, or with a unit ("60 kW")."""
    file: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """Relative to the scenario."""
    duration_s: PositiveSeconds | None = Field(alias="duration", default=None)
    energy_wh: PositiveEnergyWh = 20_000.0
    phases: Annotated[int, Field(ge=1, le=3)] = 3
    max_current_a: PositiveCurrentA = 32.0

    @model_validator(mode="after")
    def _one_verb(self) -> Self:
        given = [verb for verb in VERBS if getattr(self, verb) is not None]
        if len(given) != 1:
            raise ValueError(f"needs exactly one of {', '.join(VERBS)}")
        verb = given[0]
        if (self.value is not None) != (verb in WITH_VALUE):
            raise ValueError(f"{verb} {'needs' if self.value is None else 'takes no'} value; correct it")
        if (self.file is not None) != (verb in WITH_FILE):
            raise ValueError(f"{verb} {'needs' if self.file is None else 'takes no'} file; correct it")
        if verb == "ramp" and self.duration_s is None:
            raise ValueError("ramp needs a duration; add one")
        if verb in WITH_VALUE:
            self.number  # noqa: B018 - refuses a wrong unit
        return self

    @property
    def verb(self) -> str:
        return next(verb for verb in VERBS if getattr(self, verb) is not None)

    @property
    def target(self) -> str:
        """Component, address or whatever the verb acts on."""
        return str(getattr(self, self.verb))

    @property
    def number(self) -> float:
        """``value`` in the unit that the end of the address promises."""
        if isinstance(self.value, str):
            dimension = dimension_of(self.target.rpartition("/")[2])
            if dimension is None:
                raise ValueError(f"{self.target} takes a bare number; remove the unit")
            return parse_quantity(self.value, dimension)
        return float(self.value or 0.0)

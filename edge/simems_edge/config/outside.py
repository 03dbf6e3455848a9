"""What somebody outside may ask of a site: limits of its connection, and dimming of controllable devices.

Dimming is that of section 14a EnWG as BNetzA BK6-22-300, annex 1, 4.5.2 fixes it: what controllable devices draw from
the grid together may be lowered, but not below :func:`least_power_w`.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from simems_edge.config.quantities import NonNegativePowerW, PositivePowerW, PositiveSeconds

ChannelAddress = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}/[a-z][a-z0-9_]{0,63}$")]
ComponentId = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}$")]

DEVICE_W: Final = 4_200.0
"""Power that a controllable device keeps."""
LARGE_W: Final = 11_000.0
"""Heat pumps and cooling above this keep a share of their own power."""
LARGE_SHARE: Final = 0.4
SIMULTANEITY: Final = (0.80, 0.75, 0.70, 0.65, 0.60, 0.55, 0.50, 0.45)
"""GZF of 2, 3, ... 8, and 9 or more devices."""


class Strict(BaseModel):
    """Base of the sections here."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def _tuple(value: Any) -> Any:  # noqa: ANN401 - whatever was written
    return tuple(value) if isinstance(value, list) else value


class ExternalLimits(Strict):
    """What holds while nobody gives ``site/external_import_limit_w`` and ``site/external_export_limit_w``.

    Without this section a limit that was given once holds until another comes, and none holds before the first."""

    silent_after_s: Annotated[PositiveSeconds, Field(alias="silent_after", le=604_800)] = 120.0
    """A limit must be given again within this time; else the failsafe holds, from the start as well."""
    import_failsafe_w: NonNegativePowerW | None = None
    """Import limit while the one from outside is missing; None: the last one holds."""
    export_failsafe_w: NonNegativePowerW | None = None
    """Export limit while the one from outside is missing; None: the last one holds."""


class DimmingContact(Strict):
    """A contact of a ripple-control receiver, a relay or a control box."""

    channel: ChannelAddress
    """A bool channel of a component."""
    active_when: Literal["closed", "open"] = "closed"
    """The contact's state that asks for dimming."""
    unknown_after_s: Annotated[PositiveSeconds, Field(alias="unknown_after", le=604_800)] = 60.0
    """Not valid for so long, it counts as asked."""


class DimmedConsumer(Strict):
    """A controllable device that is not commanded here: it is dimmed by its own contact, and its reading counts."""

    component: ComponentId
    """A load or meter whose ``active_power_w`` is read."""
    rated_w: PositivePowerW
    """Its largest power, taken while the reading is missing."""
    kind: Literal["heat_pump", "cooling", "other"] = "other"


class Dimming(Strict):
    """Section 14a EnWG. Asked for by contacts, or as a limit in W in ``site/external_dimming_limit_w``."""

    devices: Annotated[tuple[ComponentId, ...], BeforeValidator(_tuple), Field(max_length=100)] = ()
    """Controllable devices that are commanded here: batteries (their charge), chargers."""
    consumers: Annotated[tuple[DimmedConsumer, ...], BeforeValidator(_tuple), Field(max_length=100)] = ()
    """Controllable devices that are not."""
    contacts: Annotated[tuple[DimmingContact, ...], BeforeValidator(_tuple), Field(max_length=8)] = ()
    silent_after_s: Annotated[PositiveSeconds, Field(le=604_800)] | None = Field(alias="silent_after", default=None)
    """The limit as a value must be given again within this time; else dimming is on. None: no value is waited for."""
    least_limit_w: NonNegativePowerW | None = None
    """What the devices may draw in any case; None: by the formula of BK6-22-300."""

    @model_validator(mode="after")
    def _somebody_is_dimmed(self) -> Self:
        if not (self.devices or self.consumers):
            raise ValueError("needs devices or consumers; list the controllable devices of the site")
        return self

    @property
    def limit_w(self) -> float:
        """What is left in any case."""
        if self.least_limit_w is not None:
            return self.least_limit_w
        of = {kind: [one.rated_w for one in self.consumers if one.kind == kind] for kind in ("heat_pump", "cooling")}
        return least_power_w(len(self.devices) + len(self.consumers), of["heat_pump"], of["cooling"])


def least_power_w(count: int, heat_pumps_w: Sequence[float] = (), cooling_w: Sequence[float] = ()) -> float:
    """Pmin,14a of ``count`` controllable devices behind an energy management system, heat pumps and cooling among them.

    ``4.2 kW + (n - 1) GZF 4.2 kW``; with a heat pump or cooling above 11 kW the first term is
    ``max(0.4 sum P_HP, 0.4 sum P_AC)`` (BNetzA BK6-22-300, annex 1, 4.5.2). ValueError below one device.
    """
    if count < 1:
        raise ValueError("needs one controllable device or more")
    large = any(power_w > LARGE_W for power_w in (*heat_pumps_w, *cooling_w))
    first_w = LARGE_SHARE * max(sum(heat_pumps_w), sum(cooling_w)) if large else DEVICE_W
    if count == 1:
        return first_w
    return first_w + (count - 1) * SIMULTANEITY[min(count, len(SIMULTANEITY) + 1) - 2] * DEVICE_W

"""What a tariff bills of the highest demand, as settings: one charge is one window, one calendar, one threshold."""

from __future__ import annotations

from typing import Annotated, Final, Self

from pydantic import BaseModel, ConfigDict, Field, model_validator

from simems_edge.config.quantities import NonNegativePowerW, NonNegativeSeconds, PositivePowerW
from simems_edge.controllers.calendar import Span

WINDOWS_S: Final = (0.0, 900.0, 1800.0, 3600.0)
MOST_CHARGES: Final = 4
"""Of one controller: each has its own retained peak."""
MonthText = Annotated[str, Field(pattern=r"^20[0-9]{2}-(0[1-9]|1[0-2])$")]


class DemandTerms(BaseModel):
    """How demand is measured, when it counts, and what already stands this month."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    window_s: NonNegativeSeconds = 0.0
    """The mean over this time is held: 15, 30 or 60 min; 0: every instant is."""
    rolling: bool = False
    """The window ends at every moment; false: windows follow one another on the meter's clock."""
    when: tuple[Span, ...] = ()
    """Only windows that begin in one of these spans are billed; none named: all."""
    follow_peak: bool = False
    """Once a higher mean stands this month, the threshold rises to it until the month ends."""
    adapt: bool = False
    """The threshold rises to what this battery could have held through the month so far, before it runs empty."""
    peak_so_far_w: NonNegativePowerW | None = None
    """The month's peak before this controller was there (from the meter or the grid operator)."""
    peak_month: MonthText | None = None
    """The month of ``peak_so_far_w``, e.g. 2026-09; in any other month it counts nothing."""

    @model_validator(mode="after")
    def _window_is_billed_somewhere(self) -> Self:
        if self.window_s not in WINDOWS_S:
            raise ValueError("window_s must be 0, 15 min, 30 min or 60 min; use the one that the tariff bills")
        needs_window = self.rolling or self.follow_peak or self.adapt or self.peak_so_far_w is not None
        if self.window_s == 0.0 and needs_window:
            raise ValueError(
                "rolling, follow_peak, adapt and peak_so_far_w need a window_s; add the one that is billed"
            )
        if (self.peak_so_far_w is None) != (self.peak_month is None):
            raise ValueError("peak_so_far_w and peak_month go together; add the other one")
        return self

    @property
    def seeded_month(self) -> int | None:
        """``peak_month`` as :func:`simems_edge.controllers.calendar.month_of` counts."""
        if self.peak_month is None:
            return None
        year, _, month = self.peak_month.partition("-")
        return int(year) * 12 + int(month) - 1


class DemandCharge(DemandTerms):
    """A further charge beside the controller's own."""

    threshold_w: PositivePowerW
    """Grid import of its windows is held at or below this."""

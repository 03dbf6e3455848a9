"""Two ways to the same energy, the device's register and the integrated power, must not be a hundredth apart."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from simems_cloud.kit.database import Connection
from simems_cloud.kit.sql import load_queries
from simems_cloud.telemetry.energy import quarter

QUERIES = load_queries("simems_cloud.telemetry")
WINDOW = timedelta(hours=24)
LEAST_QUARTERS = 4
LEAST_WH = 1000.0
"""Below this the steps of a register may be more than a hundredth."""
TOLERATED = 0.01


@dataclass(frozen=True)
class Difference:
    """Over the quarter hours that both cover from end to end, without a gap or a reset."""

    component: str
    direction: str
    register_wh: float
    power_wh: float
    quarters: int
    sampling_wh: float
    """What may have flowed between two samples: of a minute each when a load stops, much; of a second each, nothing."""

    @property
    def too_much(self) -> bool:
        larger = max(abs(self.register_wh), abs(self.power_wh))
        apart = abs(self.register_wh - self.power_wh)
        return self.quarters >= LEAST_QUARTERS and larger >= LEAST_WH and apart > TOLERATED * larger + self.sampling_wh

    def __str__(self) -> str:
        share = 100 * (self.register_wh / self.power_wh - 1) if self.power_wh else float("inf")
        return (
            f"{self.component} {self.direction}: its register counted {self.register_wh:.0f} Wh, its power adds up to"
            f" {self.power_wh:.0f} Wh ({share:+.1f} %) over {self.quarters / 4:g} h"
        )


async def differences(connection: Connection, site_id: str, until: datetime) -> list[Difference]:
    """Those that are too much in the day before ``until``."""
    end = quarter(until)
    rows = await connection.fetch(QUERIES["energy_differences"], site_id, end - WINDOW, end)
    found = [
        Difference(r["component_id"], r["direction"], r["register_wh"], r["power_wh"], r["quarters"], r["sampling_wh"])
        for r in rows
    ]
    return [difference for difference in found if difference.too_much]


def in_words(found: Sequence[Difference]) -> str:
    """The first three."""
    more = f"; and {len(found) - 3} more" if len(found) > 3 else ""
    return "; ".join(str(difference) for difference in found[:3]) + more

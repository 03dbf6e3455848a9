"""Where the energy of demand windows comes from: the meter's import register, or its power, integrated.

The register is what the grid operator bills; a reading that is missing costs nothing, it goes on counting. A meter
without one has its power integrated, with straight lines over gaps: said in the metric ``demand_source``.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Final

from simems_edge.contracts import Binding, Context, MeterRef, Metric
from simems_edge.controllers.optimisation.demand_charge import MOST_CHARGES
from simems_edge.controllers.optimisation.demand_meter import ChargeMeter

REGISTER: Final = "import_energy_wh"
SOURCES: Final = ("none", "register", "integrated_power")
NS = 1_000_000_000
LATE_S: Final = 7200.0
"""A register reading kept from before a restart is of use for two of the longest windows."""
_NUMBERS: Final = range(1, MOST_CHARGES + 1)
METRICS: Final = (
    *(Metric(f"window{n}_wh", "Wh", f"Energy so far in the window of charge {n}", retained=True) for n in _NUMBERS),
    Metric("demand_source", "", "Where the demand's energy comes from", labels=SOURCES),
    Metric("register_wh", "Wh", "Import register, kept for the window that runs over a restart", retained=True),
    Metric("register_utc_s", "s", "UTC of that reading", retained=True, resolution=0.001),
)


class DemandEnergy:
    """Feeds the meters of all charges."""

    def __init__(self, grid: MeterRef, binding: Binding, meters: Sequence[ChargeMeter]) -> None:
        numbered = enumerate(meters, start=1)
        every = [(meter, f"window{number}_wh") for number, meter in numbered if meter.charge.window_s > 0.0]
        self._meters = [meter for meter, _ in every]
        self._windows = [(meter, name, binding.own(name)) for meter, name in every]
        self._register = binding.find(grid, REGISTER)
        self._power = binding.read(grid, "active_power_w")
        self._kept = (binding.own("register_wh"), binding.own("register_utc_s"))
        self._integral_wh = 0.0
        self._last: tuple[int, float] | None = None
        self._restored = False

    def update(self, ctx: Context, utc_s: float | None) -> None:
        """Once per cycle, whether or not the control has its inputs."""
        if not self._meters:
            return
        if self._register is None:
            self._integrate(ctx)
            return
        if utc_s is not None and not self._restored:
            self._restored = True
            self._restore(ctx, utc_s)
        register_wh = ctx.new_sample(self._register)
        if register_wh is None:
            return
        at_ns = ctx.sample_time_ns(self._register)
        self._tell(at_ns, register_wh)
        if utc_s is not None:
            ctx.publish("register_wh", register_wh)
            ctx.publish("register_utc_s", utc_s - (ctx.time_ns - at_ns) / NS)
            for meter, name, _ in self._windows:
                ctx.publish(name, meter.energy_wh(at_ns))

    def source(self) -> int:
        """Of :data:`SOURCES`."""
        if not self._meters:
            return 0
        return 2 if self._register is None else 1

    def _restore(self, ctx: Context, utc_s: float) -> None:
        register_wh, kept_s = ctx.value(self._kept[0]), ctx.value(self._kept[1])
        if register_wh is None or kept_s is None or not 0.0 <= utc_s - kept_s <= LATE_S:
            return
        at_ns = ctx.time_ns - round((utc_s - kept_s) * NS)
        for meter, _, window in self._windows:
            meter.resume(at_ns, register_wh, ctx.value(window) or 0.0)

    def _integrate(self, ctx: Context) -> None:
        grid_w, at_ns = ctx.value(self._power), ctx.sample_time_ns(self._power)
        if grid_w is None or (self._last is not None and at_ns <= self._last[0]):
            return
        import_w = max(grid_w, 0.0)
        if self._last is not None:
            last_ns, last_w = self._last
            self._integral_wh += 0.5 * (last_w + import_w) * (at_ns - last_ns) / NS / 3600.0
        self._last = (at_ns, import_w)
        self._tell(at_ns, self._integral_wh)

    def _tell(self, at_ns: int, register_wh: float) -> None:
        for meter in self._meters:
            meter.reading(at_ns, register_wh)

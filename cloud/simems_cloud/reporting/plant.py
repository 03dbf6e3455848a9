"""Which channels of a site a report reads."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from simems_cloud.sites.plant import STATE, power_channels

RUNNING = "RUN"


@dataclass(frozen=True)
class ReportPlant:
    """Addresses. ``pv``: power and register of each; ``running_code``: of the state RUN, None when not announced."""

    grid_power: str = ""
    import_register: str = ""
    export_register: str = ""
    pv: tuple[tuple[str, str], ...] = ()
    ess: tuple[str, ...] = ()
    capacities: tuple[str, ...] = ()
    state: str = STATE
    running_code: float | None = None

    def registers(self) -> list[str]:
        return [self.import_register, self.export_register, *(register for _, register in self.pv)]

    def addresses(self) -> list[str]:
        powers = [self.grid_power, *(power for power, _ in self.pv), *self.ess, self.state]
        return [address for address in [*powers, *self.registers()] if address]


def report_plant(components: Iterable[tuple[str, str]], state_labels: Mapping[str, str]) -> ReportPlant:
    """From (component id, kind) in the site file's order and the texts of ``site/state``."""
    powers = power_channels(components)
    grid = powers.grid[0].partition("/")[0] if powers.grid else ""
    code = next((float(code) for code, text in state_labels.items() if text == RUNNING), None)
    ids = [address.partition("/")[0] for address in powers.ess]
    return ReportPlant(
        grid_power=powers.grid[0] if powers.grid else "",
        import_register=f"{grid}/import_energy_wh" if grid else "",
        export_register=f"{grid}/export_energy_wh" if grid else "",
        pv=tuple((address, f"{address.partition('/')[0]}/energy_wh") for address in powers.pv),
        ess=powers.ess,
        capacities=tuple(f"{component}/capacity_wh" for component in ids),
        running_code=code,
    )

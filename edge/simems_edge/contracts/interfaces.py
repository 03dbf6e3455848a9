"""The device interfaces: which channels a kind of device offers, their units, and which of them are mandatory.

A profile (``simems_edge.devices``) maps a real device onto one interface and is refused when a mandatory channel
is missing. Signs: grid import, PV production and battery discharge are positive; load and EV charging are positive
under their own name. Reactive power of meter and load is positive when inductive power is taken, of PV and ESS when
it is injected. Terms follow IEC 61850-7-420 and SunSpec.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Final, Literal

Kind = Literal["meter", "ess", "pv", "hybrid", "evcs", "heat_pump", "load", "relay", "breaker", "sensor"]
ValueKind = Literal["float", "int", "bool", "enum"]
PHASES: Final = ("_l1", "_l2", "_l3")


@dataclass(frozen=True, slots=True)
class ChannelSpec:
    """One channel of an interface. ``mandatory`` is about reading, ``must_set`` about writing."""

    name: str
    unit: str
    kind: ValueKind = "float"
    mandatory: bool = False
    settable: bool = False
    must_set: bool = False
    phases: bool = False
    """Also offered per phase, as ``<name>_l1``, ``_l2``, ``_l3``."""


@dataclass(frozen=True, slots=True)
class Interface:
    """What every device of one kind offers, whatever its maker."""

    kind: Kind
    channels: tuple[ChannelSpec, ...]

    def channel(self, name: str) -> ChannelSpec | None:
        """The specification of ``name``, or of its total for a phase channel; None when there is no such channel."""
        return next((spec for spec in self.channels if _names(spec, name)), None)

    def missing(self, readable: Iterable[str], settable: Iterable[str]) -> list[str]:
        """Mandatory channels that a device with these channels lacks; settable ones are named ``<name> (settable)``."""
        reads, writes = frozenset(readable), frozenset(settable)
        lacking = [spec.name for spec in self.channels if spec.mandatory and spec.name not in reads]
        return lacking + [
            f"{spec.name} (settable)" for spec in self.channels if spec.must_set and spec.name not in writes
        ]


def _names(spec: ChannelSpec, name: str) -> bool:
    return name == spec.name or (spec.phases and name in {spec.name + phase for phase in PHASES})


METER: Final = Interface(
    "meter",
    (
        ChannelSpec("active_power_w", "W", mandatory=True, phases=True),
        ChannelSpec("reactive_power_var", "var", phases=True),
        ChannelSpec("apparent_power_va", "VA", phases=True),
        ChannelSpec("voltage_v", "V", phases=True),
        ChannelSpec("current_a", "A", phases=True),
        ChannelSpec("frequency_hz", "Hz", mandatory=True),
        ChannelSpec("power_factor", "", phases=True),
        ChannelSpec("import_energy_wh", "Wh", phases=True),
        ChannelSpec("export_energy_wh", "Wh", phases=True),
    ),
)

ESS: Final = Interface(
    "ess",
    (
        ChannelSpec("active_power_w", "W", mandatory=True, settable=True, must_set=True, phases=True),
        ChannelSpec("reactive_power_var", "var", settable=True, phases=True),
        ChannelSpec("soc_pct", "%", mandatory=True),
        ChannelSpec("soc_est_pct", "%"),
        ChannelSpec("soc_sigma_pct", "%"),
        ChannelSpec("soc_valid", "", kind="bool"),
        ChannelSpec("soh_pct", "%"),
        ChannelSpec("voltage_v", "V", phases=True),
        ChannelSpec("current_a", "A", phases=True),
        ChannelSpec("frequency_hz", "Hz"),
        ChannelSpec("dc_voltage_v", "V"),
        ChannelSpec("dc_current_a", "A"),
        ChannelSpec("dc_power_w", "W"),
        ChannelSpec("dc_pv_power_w", "W"),
        ChannelSpec("temperature_degc", "degC"),
        ChannelSpec("cell_voltage_min_v", "V"),
        ChannelSpec("cell_voltage_max_v", "V"),
        ChannelSpec("cell_temperature_min_degc", "degC"),
        ChannelSpec("cell_temperature_max_degc", "degC"),
        ChannelSpec("max_charge_power_w", "W", mandatory=True),
        ChannelSpec("max_discharge_power_w", "W", mandatory=True),
        ChannelSpec("max_apparent_power_va", "VA"),
        ChannelSpec("capacity_wh", "Wh"),
        ChannelSpec("charge_energy_wh", "Wh"),
        ChannelSpec("discharge_energy_wh", "Wh"),
        ChannelSpec("operating_state", "", kind="enum"),
        ChannelSpec("operating_mode", "", kind="enum", settable=True),
        ChannelSpec("heartbeat", "", kind="int", settable=True),
        ChannelSpec("grid_forming", "", kind="bool"),
    ),
)

PV: Final = Interface(
    "pv",
    (
        ChannelSpec("active_power_w", "W", mandatory=True, phases=True),
        ChannelSpec("reactive_power_var", "var", settable=True, phases=True),
        ChannelSpec("voltage_v", "V", phases=True),
        ChannelSpec("current_a", "A", phases=True),
        ChannelSpec("frequency_hz", "Hz"),
        ChannelSpec("available_power_w", "W"),
        ChannelSpec("max_power_w", "W"),
        ChannelSpec("energy_wh", "Wh"),
        ChannelSpec("operating_state", "", kind="enum"),
        ChannelSpec("active_power_limit_w", "W", settable=True),
    ),
)

EVCS: Final = Interface(
    "evcs",
    (
        ChannelSpec("active_power_w", "W", mandatory=True, phases=True),
        ChannelSpec("current_a", "A", phases=True),
        ChannelSpec("phases", "", kind="int", settable=True),
        ChannelSpec("status", "", kind="enum"),
        ChannelSpec("session_energy_wh", "Wh"),
        ChannelSpec("vehicle_soc_pct", "%"),
        ChannelSpec("departure_time", "s"),
        ChannelSpec("energy_request_wh", "Wh"),
        ChannelSpec("reserved_current_a", "A"),
        ChannelSpec("current_limit_a", "A", settable=True, must_set=True),
    ),
)

HYBRID: Final = Interface(
    "hybrid",
    (
        ChannelSpec("active_power_w", "W", mandatory=True, phases=True),
        ChannelSpec("reactive_power_var", "var", phases=True),
        ChannelSpec("pv_power_w", "W", mandatory=True),
        ChannelSpec("battery_power_w", "W", mandatory=True),
        ChannelSpec("soc_pct", "%", mandatory=True),
        ChannelSpec("soh_pct", "%"),
        ChannelSpec("voltage_v", "V", phases=True),
        ChannelSpec("current_a", "A", phases=True),
        ChannelSpec("frequency_hz", "Hz"),
        ChannelSpec("dc_voltage_v", "V"),
        ChannelSpec("dc_current_a", "A"),
        ChannelSpec("temperature_degc", "degC"),
        ChannelSpec("capacity_wh", "Wh"),
        ChannelSpec("energy_wh", "Wh"),
        ChannelSpec("operating_state", "", kind="enum"),
    ),
)
"""An inverter with PV and a battery behind one AC connection, as a whole: active power is that of the connection, PV
and battery power those of their DC sides (discharge > 0). It is only read: the site's balance and every controller take
the profiles of its battery (ess) and PV (pv), which may stand at the same unit."""

HEAT_PUMP: Final = Interface(
    "heat_pump",
    (
        ChannelSpec("active_power_w", "W"),
        ChannelSpec("energy_wh", "Wh"),
        ChannelSpec("operating_state", "", kind="enum"),
        ChannelSpec("operating_mode", "", kind="enum", settable=True, must_set=True),
        ChannelSpec("outdoor_temperature_degc", "degC"),
        ChannelSpec("flow_temperature_degc", "degC"),
        ChannelSpec("return_temperature_degc", "degC"),
        ChannelSpec("hot_water_temperature_degc", "degC"),
    ),
)
"""``operating_mode`` is the SG Ready state (bwp, "SG Ready" rules): 1 blocked, 2 normal, 3 encouraged, 4 forced."""

LOAD: Final = Interface("load", (ChannelSpec("active_power_w", "W", phases=True),))
RELAY: Final = Interface("relay", (ChannelSpec("state", "", kind="bool", settable=True, must_set=True),))
BREAKER: Final = Interface("breaker", (ChannelSpec("closed", "", kind="bool", mandatory=True, settable=True),))
SENSOR: Final = Interface("sensor", ())
"""Anything that is only read and belongs to no other kind; its profile names its channels freely."""

INTERFACES: Final[Mapping[str, Interface]] = {
    interface.kind: interface for interface in (METER, ESS, PV, HYBRID, EVCS, HEAT_PUMP, LOAD, RELAY, BREAKER, SENSOR)
}

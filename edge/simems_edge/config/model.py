"""The site file as frozen types. Unknown keys are refused; quantities arrive in base units."""

from typing import Annotated, Any, Final

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from simems_edge.config.quantities import (
    NonNegativePowerW,
    Percent,
    PositiveCurrentA,
    PositivePowerW,
    PositiveRampWPerS,
    PositiveSeconds,
    PositiveVoltageV,
    TemperatureDegC,
)
from simems_edge.config.simulation import Simulation

SITE_ID_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"
COMPONENT_ID_PATTERN: Final = r"^[a-z][a-z0-9_-]{0,31}$"

SiteId = Annotated[str, Field(pattern=SITE_ID_PATTERN)]
ChannelAddress = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}/[a-z][a-z0-9_]{0,63}$")]
ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ComponentId = Annotated[str, Field(pattern=COMPONENT_ID_PATTERN)]
Port = Annotated[int, Field(ge=1, le=65535)]
Name = Annotated[str, Field(max_length=100)]


class Strict(BaseModel):
    """Base of every section."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


class GridLimits(Strict):
    """What the grid connection allows. Kept by a guard, in both directions."""

    import_limit_w: PositivePowerW
    export_limit_w: NonNegativePowerW
    phase_limit_a: PositiveCurrentA | None = None


class SiteInfo(Strict):
    id: SiteId
    name: Name = ""
    time_zone: Annotated[str, Field(min_length=1, max_length=64)]
    """IANA name, e.g. ``Europe/Stockholm``."""
    currency: Annotated[str, Field(pattern=r"^[A-Z]{3}$")]
    """ISO 4217 code."""
    grid: GridLimits
    estop: ChannelAddress | None = None
    """A bool channel of a component that is true while the emergency stop is pressed; not valid counts as pressed."""


class CycleSettings(Strict):
    period_s: Annotated[PositiveSeconds, Field(alias="period", ge=0.001, le=60)] = 0.1


class ModbusTcp(Strict):
    host: Annotated[str, Field(min_length=1, max_length=253, pattern=r"^[A-Za-z0-9._:\-]+$")]
    port: Port = 502
    unit: Annotated[int, Field(ge=0, le=255)] = 1
    timeout_s: Annotated[PositiveSeconds, Field(alias="timeout", le=60)] = 1.0


class Connection(Strict):
    """How a component is reached. Exactly one kind of connection."""

    modbus_tcp: ModbusTcp


def _pair(value: object) -> tuple[object, ...]:
    if isinstance(value, list | tuple) and len(value) == 2:
        return tuple(value)
    raise ValueError("must be a list of two numbers; write it as [10, 95]")


class Guards(Strict):
    """Hard limits of one component that nothing can cross, manual operation included."""

    soc_pct: Annotated[tuple[Percent, Percent], BeforeValidator(_pair)] | None = None
    """Lowest and highest state of charge: no discharge at or below the first, no charge at or above the second."""
    ramp_w_per_s: PositiveRampWPerS | None = None
    cell_voltage_v: Annotated[tuple[PositiveVoltageV, PositiveVoltageV], BeforeValidator(_pair)] | None = None
    """Lowest and highest cell voltage, of the cell's data sheet; outside is a fault (LFP: [2.5, 3.65])."""
    voltage_v: Annotated[tuple[PositiveVoltageV, PositiveVoltageV], BeforeValidator(_pair)] | None = None
    """The same of ``voltage_v``, for a battery that gives its own voltage there."""
    cell_temperature_degc: Annotated[tuple[TemperatureDegC, TemperatureDegC], BeforeValidator(_pair)] | None = None
    """At or below the first, at or above the second: no power."""
    charge_temperature_degc: Annotated[tuple[TemperatureDegC, TemperatureDegC], BeforeValidator(_pair)] | None = None
    """At or below the first, at or above the second: no charge."""


class Estimator(Strict):
    """Our own estimate of a battery's state of charge, from the current and voltage of its cells (direct current)."""

    cell: Annotated[str, Field(min_length=1, max_length=4096)]
    """CELL.yaml of `simems-edge identify`; its path is relative to the site file."""
    series: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Cells (or groups of parallel ones) one after the other, between the points where the voltage is measured."""
    parallel: Annotated[int, Field(ge=1, le=100_000)] = 1
    """Cells side by side, that share the measured current."""
    capacity_ah: Annotated[float, Field(gt=0, le=100_000)] | None = None
    """Of one cell, where it differs from the cell file's (an aged or another cell)."""
    current: ChannelName | None = None
    """Channel of the battery, discharge > 0; None: ``dc_current_a``, else ``current_a``."""
    voltage: ChannelName | None = None
    """None: ``dc_voltage_v``, else ``voltage_v``."""
    temperature: ChannelName | None = None
    """None: the mean of ``cell_temperature_min_degc`` and ``cell_temperature_max_degc``, else ``temperature_degc``."""
    assumed_temperature_degc: TemperatureDegC | None = None
    """Taken while no temperature is measured."""


class Component(Strict):
    id: ComponentId
    name: Name = ""
    profile: Annotated[str, Field(min_length=1, max_length=64)]
    connection: Connection
    guards: Guards = Guards()
    estimator: Estimator | None = None


class ControllerEntry(BaseModel):
    """A controller as the file has it. ``settings`` are checked later, by the controller's own settings class."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    id: ComponentId
    type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]

    @property
    def settings(self) -> dict[str, Any]:
        """Everything but ``id`` and ``type``, as written."""
        return dict(self.model_extra or {})


class RecorderSettings(Strict):
    interval_s: Annotated[PositiveSeconds, Field(alias="interval", ge=0.01, le=3600)] = 1.0
    flush_s: Annotated[PositiveSeconds, Field(alias="flush", ge=0.05, le=3600)] = 1.0


class CloudSettings(Strict):
    endpoint: Annotated[str, Field(pattern=r"^tcp://[^\s/]+:[0-9]{1,5}$")]
    server_key: Annotated[str, Field(min_length=40, max_length=40)] = Field(repr=False)
    """The server's public CURVE key, Z85."""


class HmiSettings(Strict):
    host: Annotated[str, Field(min_length=1, max_length=253)] = "0.0.0.0"  # noqa: S104 - the screen of the local network
    port: Port = 8080


class BufferSettings(Strict):
    path: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """Folder of the store and the device's keys; None: the default of the command line."""
    max_size_mb: Annotated[int, Field(ge=8, le=1_000_000)] = 1024


class Site(Strict):
    """A whole site file."""

    site: SiteInfo
    cycle: CycleSettings = CycleSettings()
    components: Annotated[tuple[Component, ...], Field(min_length=1, max_length=500)]
    controllers: Annotated[tuple[ControllerEntry, ...], Field(max_length=200)] = ()
    """Order inside a priority class is the order here."""
    recorder: RecorderSettings = RecorderSettings()
    cloud: CloudSettings | None = None
    hmi: HmiSettings = HmiSettings()
    buffer: BufferSettings = BufferSettings()
    simulation: Simulation | None = None
    """Read by the virtual plant only."""

    def component(self, component_id: str) -> Component:
        """The component with this id; KeyError when there is none."""
        for component in self.components:
            if component.id == component_id:
                return component
        raise KeyError(component_id)

"""The site file as frozen types. Unknown keys are refused; quantities arrive in base units."""

from typing import Annotated, Any, Final, Literal, Self

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, model_validator

from simems_edge.config.charging import OcppSettings
from simems_edge.config.connection import Connection, Port
from simems_edge.config.mqtt import MqttSettings
from simems_edge.config.outside import Dimming, ExternalLimits
from simems_edge.config.prices import PriceSettings
from simems_edge.config.quantities import (
    NonNegativeCurrentA,
    NonNegativePowerW,
    NonNegativeSeconds,
    Percent,
    PositiveApparentVa,
    PositiveCurrentA,
    PositiveEnergyWh,
    PositivePowerW,
    PositiveRampWPerS,
    PositiveReactiveVar,
    PositiveSeconds,
    PositiveVoltageV,
    TemperatureDegC,
)
from simems_edge.config.section import Strict
from simems_edge.config.simulation import Simulation

SITE_ID_PATTERN: Final = r"^[a-z0-9][a-z0-9_-]{0,62}$"
COMPONENT_ID_PATTERN: Final = r"^[a-z][a-z0-9_-]{0,31}$"

SiteId = Annotated[str, Field(pattern=SITE_ID_PATTERN)]
ChannelAddress = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_-]{0,31}/[a-z][a-z0-9_]{0,63}$")]
ChannelName = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
ComponentId = Annotated[str, Field(pattern=COMPONENT_ID_PATTERN)]
Name = Annotated[str, Field(max_length=100)]


class GridLimits(Strict):
    """What the grid connection allows. Kept by a guard, in both directions."""

    import_limit_w: PositivePowerW
    export_limit_w: NonNegativePowerW
    phase_limit_a: PositiveCurrentA | None = None
    """Largest current of each phase; needs a meter that reads power, voltage and current of each phase."""
    external: ExternalLimits | None = None
    """What holds while nobody gives the limits from outside that are expected."""


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
    dimming: Dimming | None = None
    """Controllable devices whose draw the grid operator may lower (section 14a EnWG)."""


class CycleSettings(Strict):
    """The beat. What the machine does not grant of it is told once in the log; the cycle runs all the same."""

    period_s: Annotated[PositiveSeconds, Field(alias="period", ge=0.001, le=60)] = 0.1
    propose_deadline: Annotated[float, Field(ge=0.05, le=0.95)] = 0.5
    """Share of the period after which the proposals of a cycle are late."""
    max_lateness_s: Annotated[Annotated[PositiveSeconds, Field(le=60)] | None, Field(alias="max_lateness")] = None
    """A cycle that begins later raises an alarm. None: when it begins after its own propose deadline."""
    realtime_priority: Annotated[int, Field(ge=0, le=99)] = 50
    """SCHED_FIFO priority of the cycle's thread; 0: not asked for."""
    cpu: Annotated[int, Field(ge=0, le=1023)] | None = None
    """The only core that the cycle's thread runs on; None: any."""
    lock_memory: bool = True
    """Memory of the process is never taken away once it was used."""

    @property
    def lateness_limit_s(self) -> float:
        """What raises the alarm."""
        return self.period_s * self.propose_deadline if self.max_lateness_s is None else self.max_lateness_s


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


def _list(value: object) -> object:
    return tuple(value) if isinstance(value, list) else value


PhaseNumber = Annotated[int, Field(ge=1, le=3)]


class Control(Strict):
    """Commands a component beyond a battery's active power: a PV's largest power, a charger's largest current, reactive
    power, a relay, a breaker, a battery's mode. Only what the profile can set is commanded."""

    phases: Annotated[tuple[PhaseNumber, ...], BeforeValidator(_list), Field(min_length=1, max_length=3)] = (1, 2, 3)
    """Phases of the connection it stands on, in the order of its own (a rotation: [2, 3, 1]); one: [2]."""
    rating_w: PositivePowerW | None = None
    """PV: its largest power, where the profile names none."""
    reactive_rating_var: PositiveReactiveVar | None = None
    """Commands reactive power, up to this in both directions."""
    apparent_rating_va: PositiveApparentVa | None = None
    """Active and reactive power together, where the device does not tell it."""
    reactive_first: bool = False
    """Reactive power keeps its value where both were asked for by one class."""
    safe_current_a: NonNegativeCurrentA = 6.0
    """Charger: the current while nobody asks for any."""
    maximum_current_a: PositiveCurrentA | None = None
    """Charger: its largest current, where the profile names none (then 32 A)."""
    minimum_current_a: NonNegativeCurrentA = 6.0
    """Charger: nothing, or this and more."""
    dwell_s: Annotated[NonNegativeSeconds, Field(alias="dwell", le=86400)] = 300.0
    """Charger: once on or off it stays so this long, unless a guard needs it off."""
    switch_phases: bool = False
    """Charger: commands whether it offers one phase or three, at 0 A only."""
    safe_state: Annotated[int, Field(ge=0, le=1)] = 0
    """Relay: its state while nobody asks for one."""
    operating_mode: Annotated[int, Field(ge=0, le=65535)] | None = None
    """Battery: commands its mode of operation; the code of its mode on the grid, which holds when nobody speaks."""


class ClusterEntry(Strict):
    """Components that bring together what is asked of ``<id>/active_power_w``, chargers of ``<id>/current_limit_a``."""

    id: ComponentId
    members: Annotated[tuple[ComponentId, ...], BeforeValidator(_list), Field(min_length=1, max_length=100)]
    share: Literal["soc", "equal"] = "equal"
    """soc: discharge by energy left, charge by room left. equal: the same for each. Both times ``weights``."""
    weights: Annotated[tuple[Annotated[float, Field(gt=0)], ...], BeforeValidator(_list)] = ()
    """One a member: its capacity (soc) or its part (equal); all the same when left out."""
    limit_w: PositivePowerW | None = None
    """Largest sum of the members' powers, kept by a guard."""
    limit_a: PositiveCurrentA | None = None
    """Largest sum of the chargers' currents, kept by a guard."""
    fuse_a: PositiveCurrentA | None = None
    """Chargers: rating of the fuse of each phase that they stand behind, by the order of phases in their ``control``;
    kept by a guard on each phase."""


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
    bms: ComponentId | None = None
    """Component of a battery management system that stands apart from this inverter (on a CAN bus): its limits, state
    of charge, cells and temperatures hold as well; where it says nothing, nothing flows."""
    guards: Guards = Guards()
    control: Control | None = None
    estimator: Estimator | None = None


Price = Annotated[float, Field(ge=-1e6, le=1e6)]


class Shadow(Strict):
    """Runs this controller beside the real ones: on live inputs, with a battery that only exists in its books."""

    in_place_of: ComponentId | None = None
    """The real controller that is absent in its world; None: all of them are there."""
    capacity_wh: PositiveEnergyWh | None = None
    """Of each virtual battery, where the device does not tell it."""
    efficiency_pct: Annotated[Percent, Field(gt=50)] = 95.0
    """Of the virtual battery, one way."""
    import_price_per_kwh: Price = 0.0
    """In the site's currency, as the other prices."""
    export_price_per_kwh: Price = 0.0
    """What is paid for export."""
    demand_price_per_kw: Price = 0.0
    """Of the largest quarter-hour mean of import."""
    wear_price_per_kwh: Price = 0.0
    """Of each kWh discharged."""


def _shadow(value: object) -> object:
    return {True: {}, False: None}.get(value, value) if isinstance(value, bool) else value


class ControllerEntry(BaseModel):
    """A controller as the file has it. ``settings`` are checked later, by the controller's own settings class."""

    model_config = ConfigDict(extra="allow", frozen=True, strict=True, allow_inf_nan=False)

    id: ComponentId
    type: Annotated[str, Field(pattern=r"^[a-z][a-z0-9_]{0,63}$")]
    shadow: Annotated[Shadow | None, BeforeValidator(_shadow)] = None
    """true, or a section: a candidate that decides nothing and reports what it would have done."""

    @property
    def settings(self) -> dict[str, Any]:
        """Everything but ``id``, ``type`` and ``shadow``, as written."""
        return dict(self.model_extra or {})


class RecorderSettings(Strict):
    interval_s: Annotated[PositiveSeconds, Field(alias="interval", ge=0.01, le=3600)] = 1.0
    flush_s: Annotated[PositiveSeconds, Field(alias="flush", ge=0.05, le=3600)] = 1.0


ENDPOINT = r"^(tcp://[^\s/]+:[0-9]{1,5}|(https|wss|mqtts)://[^\s/]+(/[^\s?#]*)?|(http|ws|mqtt)://(127\.0\.0\.1|localhost|\[::1\])(:[0-9]{1,5})?)$"
FilePathText = Annotated[str, Field(min_length=1, max_length=4096)]


class CloudSettings(Strict):
    endpoint: Annotated[str, Field(max_length=2000, pattern=ENDPOINT)]
    """``tcp://host:port`` of ingest, or ``https://...`` or ``wss://...`` where only the web gets through; without TLS
    only to this machine."""
    server_key: Annotated[str, Field(min_length=40, max_length=40)] | None = Field(default=None, repr=False)
    """The server's public CURVE key, Z85; needed with ``tcp://``."""
    ca_file: FilePathText | None = None
    """Of the authority that signed the cloud's web certificate; None: those of the system."""
    certificate: FilePathText | None = None
    """A client certificate (PEM), where what stands before the cloud asks for one."""
    certificate_key: FilePathText | None = None

    @model_validator(mode="after")
    def _is_complete(self) -> Self:
        if self.endpoint.startswith("tcp://") and not self.server_key:
            raise ValueError("server_key is needed with a tcp:// endpoint; run `simems-cloud keys`")
        if (self.certificate is None) != (self.certificate_key is None):
            raise ValueError("certificate and certificate_key belong together; give both or neither")
        return self


class HmiSettings(Strict):
    host: Annotated[str, Field(min_length=1, max_length=253)] = "0.0.0.0"  # noqa: S104 - the screen of the local network
    port: Port = 8080


class BufferSettings(Strict):
    path: Annotated[str, Field(min_length=1, max_length=4096)] | None = None
    """Folder of the store and the device's keys; None: the default of the command line."""
    max_size_mb: Annotated[int, Field(ge=8, le=1_000_000)] = 1024


class ControllerProcesses(Strict):
    """How controllers run. Each in a process of its own, so that one that hangs or crashes costs only itself."""

    enabled: bool = True
    """False: all in the edge's own process, for a box with very little memory."""
    memory_limit_mb: Annotated[int, Field(ge=16, le=65_536)] = 256
    """Private memory that one may take beyond what it has at its start; over it the process is started again."""
    silent_after_s: Annotated[PositiveSeconds, Field(alias="silent_after", ge=0.5, le=600)] = 5.0
    """Without an answer for this long the process is killed and started again."""


class Site(Strict):
    """A whole site file."""

    site: SiteInfo
    cycle: CycleSettings = CycleSettings()
    components: Annotated[tuple[Component, ...], Field(min_length=1, max_length=500)]
    controllers: Annotated[tuple[ControllerEntry, ...], Field(max_length=200)] = ()
    """Order inside a priority class is the order here."""
    clusters: Annotated[tuple[ClusterEntry, ...], Field(max_length=50)] = ()
    controller_processes: ControllerProcesses = ControllerProcesses()
    recorder: RecorderSettings = RecorderSettings()
    cloud: CloudSettings | None = None
    hmi: HmiSettings = HmiSettings()
    ocpp: OcppSettings | None = None
    """Charging stations that connect to this edge."""
    buffer: BufferSettings = BufferSettings()
    mqtt: MqttSettings | None = None
    prices: PriceSettings | None = None
    simulation: Simulation | None = None
    """Read by the virtual plant only."""

    def component(self, component_id: str) -> Component:
        """The component with this id; KeyError when there is none."""
        for component in self.components:
            if component.id == component_id:
                return component
        raise KeyError(component_id)

"""What really stands behind one device of the virtual plant: its imperfections and its physics, in sections by kind."""

from typing import Annotated, Final, Literal

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from simems_edge.config.quantities import (
    NonNegativePowerW,
    NonNegativeSeconds,
    Percent,
    PositiveApparentVa,
    PositiveCurrentA,
    PositiveEnergyWh,
    PositivePowerW,
    PositiveRampWPerS,
    PositiveSeconds,
    Seconds,
    TemperatureDegC,
)


class Strict(BaseModel):
    """Base of every section."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, allow_inf_nan=False)


def as_tuple(value: object) -> object:
    """Lists of a file as the tuples of a frozen section."""
    return tuple(value) if isinstance(value, list) else value


Fraction = Annotated[float, Field(ge=0, le=0.5)]
ComponentName = Annotated[str, Field(min_length=1, max_length=32)]
Names = Annotated[tuple[ComponentName, ...], BeforeValidator(as_tuple)]
PhaseNumbers = Annotated[
    tuple[Annotated[int, Field(ge=1, le=3)], ...], BeforeValidator(as_tuple), Field(min_length=1, max_length=3)
]
WallTime = Annotated[str, Field(pattern=r"^([01][0-9]|2[0-3]):[0-5][0-9]$")]
"""Local time of day, ``"07:30"``."""


class SimulatedCells(Strict):
    """Cells behind a battery: it then shows the voltage and current of their side."""

    series: Annotated[int, Field(ge=1, le=10_000)]
    parallel: Annotated[int, Field(ge=1, le=100_000)] = 1
    temperature_degc: TemperatureDegC = 25.0
    soc_error_pct: Annotated[float, Field(ge=-50, le=50)] = 0.0
    """The battery's own state of charge is off by this many points."""


class SimulatedThermal(Strict):
    """Heat of a battery: losses warm it, the room cools it, its BMS narrows the limits of charge and discharge.

    Heat capacity and resistance of the whole system; the defaults are those of a 120 kWh cabinet (about 800 kg at
    1 kJ/(kg K), natural convection)."""

    ambient_degc: TemperatureDegC = 25.0
    """Driven by ``<ess>/ambient_degc`` in a scenario."""
    initial_degc: TemperatureDegC | None = None
    """None: as the room."""
    heat_capacity_j_per_k: Annotated[float, Field(gt=0, le=1e9)] = 8e5
    resistance_k_per_w: Annotated[float, Field(gt=0, le=1e3)] = 0.01
    spread_k: Annotated[float, Field(ge=0, le=50)] = 2.0
    """The hottest cell is this much above the coldest."""
    charge_from_degc: TemperatureDegC = 0.0
    """At or below, the coldest cell takes no charge; full charge 10 K above."""
    derate_from_degc: TemperatureDegC = 45.0
    """From here on (hottest cell) both limits fall linearly ..."""
    stop_at_degc: TemperatureDegC = 55.0
    """... to 0 here."""


class SimulatedForming(Strict):
    """A battery that can make the voltage of an island: a virtual synchronous machine with droop."""

    automatic: bool = False
    """It takes over by itself as soon as the bus is apart from the grid and dead; else by ``operating_mode`` 1."""
    droop_pct: Annotated[float, Field(gt=0, le=20)] = 2.0
    """Frequency falls by so much from no load to rated power."""
    inertia_s: Annotated[float, Field(ge=0, le=60)] = 5.0
    """Inertia constant H."""
    start_s: NonNegativeSeconds = Field(alias="start", default=2.0, le=600)
    """From the order to a live bus, from black."""
    overload: Annotated[float, Field(ge=1, le=5)] = 1.2
    """It gives up to this multiple of its limit ..."""
    overload_s: NonNegativeSeconds = Field(alias="overload_time", default=2.0, le=600)
    """... for so long; then, or at once above it, it trips and the island is black."""


class SimulatedHybrid(Strict):
    """PV on the battery's own direct-current side: the inverter's power is battery and PV together."""

    peak_w: PositivePowerW
    profile: Annotated[str, Field(min_length=1, max_length=64)] = "rooftop"


class SimulatedDropouts(Strict):
    """Now and then the device gives nothing new for a while, at random moments."""

    mean_interval_s: PositiveSeconds = Field(alias="mean_interval", le=1e6)
    duration_s: PositiveSeconds = Field(alias="duration", le=3600)
    show: Literal["nothing", "last", "nan"] = "nothing"
    """It does not answer, repeats its last value, or says that it has none."""


class SimulatedSession(Strict):
    """A car that comes every day."""

    arrive: WallTime
    depart: WallTime
    energy_wh: PositiveEnergyWh = 20_000.0
    """It stops by itself when it has taken this."""
    phases: Annotated[int, Field(ge=1, le=3)] = 3
    max_current_a: PositiveCurrentA = 32.0


class SimulatedCharger(Strict):
    """A charging point. Below 6 A it pauses the car (IEC 61851-1: no current below 6 A can be signalled)."""

    response_s: NonNegativeSeconds = Field(alias="response", default=3.0, le=60)
    """A car takes so long to begin with a new current (IEC 61851-1 allows 5 s)."""
    voltage_v: Annotated[float, Field(gt=0, le=500)] = 230.0
    default_current_a: Annotated[float, Field(ge=0, le=500)] = 6.0
    """While no limit comes for ``watchdog``."""
    sessions: Annotated[tuple[SimulatedSession, ...], BeforeValidator(as_tuple)] = ()


class SimulatedConsumer(Strict):
    """A load of its own, beside the site's."""

    power_w: NonNegativePowerW | None = None
    profile: Annotated[str, Field(min_length=1, max_length=64)] | None = None
    """A recorded one instead of a constant."""
    scale: Annotated[float, Field(ge=0, le=1000)] = 1.0
    tan_phi: Annotated[float, Field(ge=-2, le=2)] = 0.0


class SimulatedHeatPump(Strict):
    """A heat pump with a thermostat and a house. Its two relays are those of SG Ready (``relays: [sg1, sg2]``):
    01 normal, 10 blocked, 11 ordered on, 00 read as normal; bit order as listed."""

    power_w: PositivePowerW = 3_000.0
    cop: Annotated[float, Field(gt=0.5, le=10)] = 3.0
    outside_degc: TemperatureDegC = 0.0
    """Driven by ``<load>/outside_degc``."""
    wanted_degc: TemperatureDegC = 21.0
    loss_w_per_k: Annotated[float, Field(gt=0, le=1e5)] = 250.0
    heat_capacity_j_per_k: Annotated[float, Field(gt=0, le=1e11)] = 4e7
    rest_s: NonNegativeSeconds = Field(alias="rest", default=300.0, le=86400)
    """The compressor stays off at least this long."""


class SimulatedBreaker(Strict):
    """The switch between the connection and the site."""

    closed: bool = True
    operate_s: NonNegativeSeconds = Field(alias="operate_time", default=0.1, le=60)
    automatic: bool = False
    """It opens by itself when voltage or frequency of the grid leave their window (interface protection)."""
    sync_check: bool = True
    """It closes only onto a dead bus, or in step with a live one."""


NumberMistake = Literal["float32_words_swapped", "int32_words_swapped", "int16_unsigned"]
TwoPhases = Annotated[PhaseNumbers, Field(min_length=2, max_length=2)]


class SimulatedMistakes(Strict):
    """What was wired, set or programmed wrong, for the proof of commissioning. Nothing is wrong by default."""

    ct_reversed: PhaseNumbers | None = None
    """Meter: the current transformers of these phases are turned round."""
    ct_swapped: TwoPhases | None = None
    """Meter: the current transformers of these two phases stand at each other's voltage."""
    ct_missing: PhaseNumbers | None = None
    """Meter: these phases have no current."""
    voltage_missing: PhaseNumbers | None = None
    """Meter: these phases have no voltage (a blown fuse), so no power either."""
    ct_ratio: Annotated[float, Field(gt=0, le=1000)] = 1.0
    """Meter: current shown over true current."""
    power_scale: Annotated[float, Field(gt=0, le=1e6)] = 1.0
    """Every power is read as so many times the true one (kW taken for W: 0.001)."""
    frequency_scale: Annotated[float, Field(gt=0, le=1e4)] = 1.0
    soc_scale: Annotated[float, Field(gt=0, le=100)] = 1.0
    sign_inverted: Literal["readings", "setpoints", "both"] | None = None
    """Of active power."""
    numbers: NumberMistake | None = None
    """How its registers are misread."""
    frozen: Literal["all", "soc"] | None = None
    """It answers for ever with its first values."""
    energy: Literal["resets", "backwards"] | None = None
    answers_as: ComponentName | None = None
    """This other device answers in its place, to reading and to setpoints."""
    follows: ComponentName | None = None
    """It acts on the setpoints of this other device, not on its own."""
    ignores_setpoints: bool = False
    own_loop: Literal["self_consumption", "zero_export"] | None = None
    """Battery: a control loop of its own is on."""
    true_share: Annotated[float, Field(gt=0, le=1)] = 1.0
    """Battery: what it really gives over the limits that it tells."""


class SimulatedDevice(Strict):
    """Imperfections of a device's measurements, and what it is made of."""

    delay_s: NonNegativeSeconds = Field(alias="delay", default=0.0, le=60)
    """Age of a value when the device first shows it."""
    interval_s: NonNegativeSeconds = Field(alias="interval", default=0.0, le=3600)
    """The device shows a new value this often; 0: always."""
    noise_w: NonNegativePowerW = 0.0
    """Standard deviation of the power readings."""
    resolution_w: NonNegativePowerW = 0.0
    """Power readings are multiples of this."""
    timestamp_error_s: Seconds = Field(alias="timestamp_error", default=0.0, ge=-60, le=60)
    """The device's clock is off by this much: the time that comes with a value is wrong by it."""
    dropouts: SimulatedDropouts | None = None
    phases: PhaseNumbers | None = None
    """Where it stands, in equal shares; None: as ``control.phases``, else all three."""
    mistakes: SimulatedMistakes | None = None
    relays: Names = ()
    """It runs only while these relays are on (a heat pump: its SG Ready inputs)."""

    initially_on: bool = True
    """Relay: its contact at the start."""

    measures: Names = ()
    """Meter: the sum of these components, consumption positive, instead of the connection."""
    bus_side: bool = False
    """Meter: voltage and frequency behind the breaker, not in front of it."""

    dead_time_s: NonNegativeSeconds = Field(alias="dead_time", default=0.0, le=60)
    """A setpoint begins to act so much later."""
    time_constant_s: Annotated[NonNegativeSeconds, Field(le=600)] | None = Field(alias="time_constant", default=None)
    """First-order response of power to its setpoint; None: a battery 0.3 s, PV at once."""
    ramp_w_per_s: PositiveRampWPerS | None = None
    """The device's own ramp."""
    gain: Annotated[float, Field(gt=0, le=2)] = 1.0
    """What it gives over what it was asked for."""
    deadband_w: NonNegativePowerW = 0.0
    """A setpoint that differs less than this from the last one is not taken."""
    watchdog_s: Annotated[PositiveSeconds, Field(le=86400)] = Field(alias="watchdog", default=10.0)
    """Without a setpoint for this long it falls back by itself."""
    rating_va: PositiveApparentVa | None = None
    """Apparent power; None: the larger of its active powers."""
    reconnect_s: NonNegativeSeconds = Field(alias="reconnect", default=60.0, le=3600)
    """PV and battery: so long the voltage must have been right before it connects again."""

    peak_w: PositivePowerW | None = None
    """PV: its part of ``simulation.pv``; None: an equal one."""

    capacity_wh: PositiveEnergyWh = 120_000.0
    max_charge_w: PositivePowerW = 60_000.0
    max_discharge_w: PositivePowerW = 60_000.0
    initial_soc_pct: Percent = 50.0
    minimum_power_w: NonNegativePowerW = 0.0
    """Setpoints smaller than this are answered with 0 W."""
    cells: SimulatedCells | None = None
    """None: only its energy is counted, nothing of its cells is shown."""
    thermal: SimulatedThermal | None = None
    forming: SimulatedForming | None = None
    hybrid: SimulatedHybrid | None = None
    standby_loss_w: NonNegativePowerW = 50.0
    """Taken from the battery at all times."""
    loss_constant: Fraction = 0.005
    """Converter loss while it runs, as a share of rated power: constant + linear * p + quadratic * p**2, where p is
    power over rated power. Efficiency falls at part load."""
    loss_linear: Fraction = 0.01
    loss_quadratic: Fraction = 0.02

    charger: SimulatedCharger | None = None
    load: SimulatedConsumer | None = None
    heat_pump: SimulatedHeatPump | None = None
    breaker: SimulatedBreaker | None = None


_MOVED: Final = frozenset({"dead_time_s", "time_constant_s", "ramp_w_per_s", "rating_va", "reconnect_s"})
KEYS_OF_KIND: Final = {
    "meter": frozenset({"measures", "bus_side"}),
    "pv": _MOVED | {"peak_w"},
    "ess": _MOVED
    | {
        "gain", "deadband_w", "watchdog_s", "capacity_wh", "max_charge_w", "max_discharge_w", "initial_soc_pct",
        "minimum_power_w", "cells", "thermal", "forming", "hybrid", "standby_loss_w", "loss_constant", "loss_linear",
        "loss_quadratic",
    },
    "evcs": frozenset({"charger", "watchdog_s", "relays"}),
    "load": frozenset({"load", "heat_pump", "relays"}),
    "breaker": frozenset({"breaker"}),
    "relay": frozenset({"initially_on"}),
    "sensor": frozenset[str](),
}  # fmt: skip
"""Fields of :class:`SimulatedDevice` that only some kinds have; a field that no kind lists belongs to all."""
MISTAKES_OF_KIND: Final = {
    "meter": frozenset({"ct_reversed", "ct_swapped", "ct_missing", "voltage_missing", "ct_ratio"}),
    "ess": frozenset({"soc_scale", "own_loop", "true_share", "follows", "ignores_setpoints"}),
}
"""The same of :class:`SimulatedMistakes`."""

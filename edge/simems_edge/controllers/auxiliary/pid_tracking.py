"""Hold any measured channel at a target by one actuator: a PID with limits, ramp and anti-windup (core block).

It steps once per new sample of what it measures, with the time between the samples, so the cycle's length does not
matter. While arbitration or a guard decides otherwise it follows what was really set, and goes on from there without a
bump.
"""

from __future__ import annotations

from typing import Annotated, Self

from pydantic import Field, model_validator
from simems_core import CoreError, Pid

from simems_edge.config.quantities import NonNegativeSeconds, PositiveSeconds
from simems_edge.contracts import (
    Binding,
    ChannelRef,
    Context,
    Controller,
    ControllerSettings,
    DeviceRef,
    EssRef,
    EvcsRef,
    Input,
    Metric,
    Output,
    Priority,
    PvRef,
    Spec,
)

NS = 1_000_000_000
CHANNELS = {"ess": "active_power_w", "pv": "active_power_limit_w", "evcs": "current_limit_a"}
"""Setting -> the channel that is commanded."""
NEAR = 1e-6
"""A setpoint that differs by less from what was asked for is the same."""


class PidTrackingSettings(ControllerSettings):
    measured: ChannelRef
    """What is held, e.g. grid0/reactive_power_var or heat0/temperature_degc."""
    target: float
    """Where it is held, in the unit of ``measured``."""
    ess: EssRef | None = None
    """Held by this battery's power (discharge > 0)."""
    pv: PvRef | None = None
    """Held by this plant's largest power."""
    evcs: EvcsRef | None = None
    """Held by this charger's largest current."""
    kp: float
    """Output per unit of error (target less measured); negative where more output raises the measured value."""
    ki: float = 0.0
    """Output per unit of error and second; of the sign of ``kp``."""
    kd: float = 0.0
    """Output per unit of change in a second; of the sign of ``kp``."""
    derivative_filter_s: NonNegativeSeconds = 0.0
    """First-order filter of the derivative; needed with ``kd``."""
    minimum: float
    """Least output, in the actuator's unit."""
    maximum: float
    """Largest output."""
    ramp_per_s: Annotated[float, Field(gt=0)]
    """The output moves no faster, in the actuator's unit per second."""
    longest_gap_s: PositiveSeconds = 10.0
    """After a longer time without a new sample it starts afresh."""

    @model_validator(mode="after")
    def _loop_is_closed(self) -> Self:
        if len(self.actuators()) != 1:
            raise ValueError("name exactly one of ess, pv or evcs")
        if not self.minimum < self.maximum:
            raise ValueError("minimum must be below maximum; swap or correct them")
        try:
            self.pid()
        except CoreError as error:
            raise ValueError(f"gains make no controller ({error}); correct kp, ki, kd") from error
        return self

    def actuators(self) -> list[tuple[DeviceRef, str]]:
        """Those that are named, with their channel."""
        named = ((getattr(self, name), channel) for name, channel in CHANNELS.items())
        return [(ref, channel) for ref, channel in named if ref is not None]

    def pid(self) -> Pid:
        """A new one."""
        return Pid(
            kp=self.kp,
            ki=self.ki,
            kd=self.kd,
            derivative_filter_s=self.derivative_filter_s,
            minimum=self.minimum,
            maximum=self.maximum,
            ramp_per_s=self.ramp_per_s,
        )


class PidTracking(Controller):
    Settings = PidTrackingSettings
    settings: PidTrackingSettings
    spec = Spec(
        type="pid_tracking",
        owner="edge/simems_edge/controllers",
        priority=Priority.AUXILIARY,
        control_mode="PID_TRACKING",
        safety_impact="It moves one actuator inside its limits and every guard. Wrong gains make it swing there.",
        fallback="Without a valid measured value it withdraws at once, and the actuator goes to its fallback.",
        inputs=(
            Input("ess", "active_power_w_setpoint", "its own last output counts", optional=True),
            Input("pv", "active_power_limit_w_setpoint", "its own last output counts", optional=True),
            Input("evcs", "current_limit_a_setpoint", "its own last output counts", optional=True),
            Input("ess", "active_power_w", "not needed: commanded", optional=True),
            Input("pv", "active_power_limit_w", "not needed: commanded", optional=True),
            Input("evcs", "current_limit_a", "not needed: commanded", optional=True),
        ),
        outputs=tuple(Output(setting, channel) for setting, channel in CHANNELS.items()),
        metrics=(
            Metric("error", "", "Target less measured, in the unit of what is measured", resolution=0.001),
            Metric("output", "", "What is asked for, in the actuator's unit", resolution=0.001),
        ),
        acceptance=(
            "The output stays between minimum and maximum and moves by ramp_per_s at most.",
            "Behaviour in seconds is the same at cycles of 10, 100 and 1000 ms.",
            "Held back by others, it goes on from what was really set.",
        ),
        test_plan=("edge/tests/controllers/auxiliary/test_pid_tracking.py",),
    )

    def __init__(self, controller_id: str, settings: PidTrackingSettings) -> None:
        super().__init__(controller_id, settings)
        self._pid = settings.pid()
        self._last_ns: int | None = None
        self._asked: float | None = None

    def bind(self, binding: Binding) -> None:
        ((ref, channel),) = self.settings.actuators()
        self._actuator = binding.actuator(ref, channel)
        self._setpoint = binding.read(ref, f"{channel}_setpoint")
        self._measured = binding.channel(self.settings.measured)

    def execute(self, ctx: Context) -> None:
        if ctx.value(self._measured) is None:
            self._asked = self._last_ns = None
            return
        measured = ctx.new_sample(self._measured)
        if measured is not None:
            self._step(ctx, measured)
        if self._asked is None:
            return
        ctx.publish("output", self._asked)
        ctx.propose(self._actuator, preferred=self._asked)

    def _step(self, ctx: Context, measured: float) -> None:
        at_ns = ctx.sample_time_ns(self._measured)
        self._follow_others(ctx)
        gap_s = None if self._last_ns is None else (at_ns - self._last_ns) / NS
        self._last_ns = at_ns
        if gap_s is None or gap_s > self.settings.longest_gap_s:
            self._start(ctx)
            gap_s = 0.0
        self._asked = self._pid.step(self.settings.target, measured, gap_s)
        ctx.publish("error", self.settings.target - measured)

    def _start(self, ctx: Context) -> None:
        """From the standing setpoint, inside the limits."""
        standing = ctx.value(self._setpoint) or 0.0
        self._pid.reset(min(max(standing, self.settings.minimum), self.settings.maximum))

    def _follow_others(self, ctx: Context) -> None:
        setpoint = ctx.value(self._setpoint)
        if setpoint is None or self._asked is None or abs(setpoint - self._asked) <= NEAR * max(abs(setpoint), 1.0):
            return
        self._pid.track(min(max(setpoint, self.settings.minimum), self.settings.maximum))

"""When a relay should be on: a threshold of any channel, with hysteresis and a delay, or a time of the calendar."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Self
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, model_validator

from simems_edge.config.quantities import NonNegativeSeconds
from simems_edge.contracts import Binding, ChannelRef, Context
from simems_edge.controllers.calendar import Span, covered

NS = 1_000_000_000


class Condition(BaseModel):
    """True once the channel has been beyond ``on`` for ``delay_s``, false once beyond ``off`` for as long.

    ``on`` above ``off``: true when high (a surplus, a state of charge); below: true when low (a price, a temperature).
    """

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False, use_attribute_docstrings=True)

    channel: ChannelRef
    """Address of what decides, e.g. grid0/active_power_w (export is below 0)."""
    on: float
    """True beyond this, in the channel's unit."""
    off: float
    """False beyond this; between the two it stays as it is."""
    delay_s: NonNegativeSeconds = 0.0
    """It must last so long before it counts."""

    @model_validator(mode="after")
    def _has_a_band(self) -> Self:
        if self.on == self.off:
            raise ValueError("on and off must differ; leave a band between them, or the relay flickers")
        return self

    def beyond(self, value: float, *, now_on: bool) -> bool:
        """Where it goes from ``now_on`` with this value."""
        rising = self.on > self.off
        high, low = (value >= self.on, value <= self.off) if rising else (value <= self.on, value >= self.off)
        return high or (now_on and not low)


class WatchedCondition:
    """One condition as it runs. A value that is missing makes it false at once: nothing is switched on in the dark."""

    def __init__(self, condition: Condition, handle: int) -> None:
        self.condition = condition
        self._handle = handle
        self._since_ns: int | None = None
        self.met = False

    def update(self, ctx: Context) -> bool:
        """Once per cycle."""
        value = ctx.value(self._handle)
        if value is None:
            self.met, self._since_ns = False, None
            return False
        towards = self.condition.beyond(value, now_on=self.met)
        if towards == self.met:
            self._since_ns = None
        elif self._since_ns is None:
            self._since_ns = ctx.time_ns
        if self._since_ns is not None and ctx.time_ns - self._since_ns >= self.condition.delay_s * NS:
            self.met, self._since_ns = towards, None
        return self.met


class When(BaseModel):
    """Conditions that must all hold, at a time of the calendar."""

    model_config = ConfigDict(frozen=True, extra="forbid", use_attribute_docstrings=True)

    conditions: tuple[Condition, ...] = ()
    """All must hold; none: the calendar alone decides."""
    spans: tuple[Span, ...] = ()
    """In one of these; none: at any time."""

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if not self.conditions and not self.spans:
            raise ValueError("needs conditions or spans; add one")
        return self


class WatchedWhen:
    """One :class:`When` as it runs."""

    def __init__(self, when: When, binding: Binding) -> None:
        self._spans = when.spans
        self._conditions = [WatchedCondition(one, binding.channel(one.channel)) for one in when.conditions]

    def holds(self, ctx: Context, zone: ZoneInfo) -> bool:
        """Once per cycle. Spans do not hold while the clock is unknown."""
        met = [condition.update(ctx) for condition in self._conditions]
        utc_s = ctx.utc_s()
        timely = not self._spans or (utc_s is not None and covered(self._spans, utc_s, zone))
        return all(met) and timely


def condition_channels(groups: Mapping[str, Sequence[When]]) -> dict[str, ChannelRef]:
    """Path in the settings -> channel; ``groups``: name of the setting -> its list."""
    return {
        f"{name}[{n}].conditions[{m}].channel": condition.channel
        for name, group in groups.items()
        for n, when in enumerate(group)
        for m, condition in enumerate(when.conditions)
    }


def any_holds(group: Sequence[WatchedWhen], ctx: Context, zone: ZoneInfo) -> bool:
    """Every one is updated, whatever the first says."""
    held = [when.holds(ctx, zone) for when in group]
    return any(held)

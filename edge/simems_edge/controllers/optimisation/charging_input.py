"""What the sharing knows of one charger: a car or none, what it takes, what it needs, whether it does as it is told."""

from __future__ import annotations

from collections import deque
from math import inf
from typing import Final

from simems_edge.contracts import Binding, Context, EvcsRef
from simems_edge.controllers.optimisation.charging_share import NOMINAL_V, Wish
from simems_edge.controllers.optimisation.phase_switch import Phases, PhaseSwitch

IDLE: Final = frozenset(
    {"available", "finishing", "reserved", "unavailable", "faulted", "starting", "not ready", "error"}
)
"""States, by the profiles' labels, in which no car can charge."""
NOT_FOLLOWING_S: Final = 2.0
LEARN_S: Final = 20.0
"""A car that takes less than it may for so long cannot take more."""
TRY_AGAIN_S: Final = 300.0
SPARE_A: Final = 2.0
"""Left to a car above what it takes."""
FOLLOW_S: Final = 6.0
"""A reading from this long after a change shows it."""
NOTHING_W: Final = 50.0
"""Less than this is a meter's error, no charging."""
DECIDE_S: Final = 1.0
URGENT_SHARE: Final = 0.75
"""A car that needs this share of its largest current until it leaves is urgent."""
NS: Final = 1e-9


class ChargerInput:
    def __init__(
        self,
        ref: EvcsRef,
        phases: tuple[int, ...],
        currents_a: tuple[float, float],
        switch: PhaseSwitch | None = None,
    ) -> None:
        """``currents_a``: least and most. ``switch``: where one phase or three may be chosen."""
        self.name = str(ref)
        self._phases, (self._least_a, self._most_a) = phases, currents_a
        self._ref, self.switch = ref, switch
        self.given_a = 0.0
        self._learned_a = inf
        self._below_s = self._astray_s = self._learned_s = self._grace_s = 0.0
        self._changed_ns = 0
        self.knows_phases = False
        """What the charger offers was read: until then nothing is asked of it."""
        self._allowed_a: deque[float] = deque(maxlen=round(FOLLOW_S / DECIDE_S))
        """What it was told or said that it allows, as its car may still draw it."""
        self.waits_s = self.charges_s = 0.0

    def bind(self, binding: Binding) -> None:
        ref = self._ref
        self.actuator = binding.actuator(ref, "current_limit_a")
        self.offered = None if self.switch is None else binding.actuator(ref, "phases")
        self._setpoint = binding.read(ref, "current_limit_a_setpoint")
        self._power = binding.read(ref, "active_power_w")
        self._phases_used = binding.find(ref, "phases")
        self._status = binding.find(ref, "status")
        self._communication = binding.find(ref, "communication")
        self._reserved = binding.find(ref, "reserved_current_a")
        self._request = binding.find(ref, "energy_request_wh")
        self._departure = binding.find(ref, "departure_time")
        labels = {} if self._status is None else binding.labels(self._status)
        self._idle = frozenset(code for code, label in labels.items() if label.lower() in IDLE)

    @property
    def phases(self) -> tuple[int, ...]:
        """Those that it may load now: its first alone while it offers one."""
        return self._phases[:1] if self.switch is not None and self.switch.phases == 1 else self._phases

    # ---- readings

    def away(self, ctx: Context) -> bool:
        """Its bridge says that it does not answer: nothing new can be given to it or taken from it."""
        return self._optional(ctx, self._communication) == 0.0

    def has_car(self, ctx: Context) -> bool:
        """A charger that does not tell counts as one with a car: it gets its part, which may stay unused."""
        status = self._optional(ctx, self._status)
        return status is None or int(status) not in self._idle

    def power_w(self, ctx: Context) -> float:
        """As it told last; 0 while it tells nothing."""
        return ctx.value(self._power) or 0.0

    def time_ns(self, ctx: Context) -> int:
        """Of :meth:`power_w`."""
        return ctx.sample_time_ns(self._power)

    def told_w(self, ctx: Context) -> float:
        """What it takes once it has followed what was decided (which may be less than what it was given)."""
        told_a = min(ctx.value(self._setpoint) or 0.0, self._ability_a)
        return told_a * NOMINAL_V * len(self.phases) if self.has_car(ctx) else 0.0

    def held_a(self, ctx: Context) -> float:
        """The most that it may draw: as its bridge reserves it, else as it is told and as it says that it allows, now
        and while its car could not yet follow."""
        reserved_a = self._optional(ctx, self._reserved)
        return max(self._told_or_shown_a(ctx), *self._allowed_a) if reserved_a is None else reserved_a

    def _told_or_shown_a(self, ctx: Context) -> float:
        return max(ctx.value(self._setpoint) or 0.0, ctx.value(self.actuator) or 0.0)

    def _optional(self, ctx: Context, handle: int | None) -> float | None:
        return None if handle is None else ctx.value(handle)

    # ---- each decision

    def follow(self, ctx: Context, dt_s: float) -> None:
        """Learn what the car can take, how long it waits, and whether the charger obeys."""
        self._adopt_phases(ctx)
        self._allowed_a.append(self._told_or_shown_a(ctx))
        allowed_a = ctx.value(self.actuator)
        self._grace_s = NOT_FOLLOWING_S if allowed_a is not None else NOT_FOLLOWING_S + FOLLOW_S
        above = (self.held_a(ctx) if allowed_a is None else allowed_a) > self.given_a + 0.5
        self._astray_s = self._astray_s + dt_s if above else 0.0
        waits = self.has_car(ctx) and self.given_a == 0.0 and not self.away(ctx)
        self.waits_s = self.waits_s + dt_s if waits else 0.0
        self.charges_s = self.charges_s + dt_s if self.given_a > 0.0 else 0.0
        self._learn(ctx, dt_s)

    def _adopt_phases(self, ctx: Context) -> None:
        """Begin (again) with what the charger offers: a car may charge while this edge restarts."""
        shown = self._optional(ctx, self._phases_used)
        if self.switch is None or self.knows_phases or (shown is None and self._phases_used is not None):
            return
        self.switch.phases, self.knows_phases = 1 if shown == 1.0 else 3, True

    def _learn(self, ctx: Context, dt_s: float) -> None:
        taken_a = self._taken_a(ctx)
        below = taken_a is not None and self.given_a > 0.0 and taken_a < self.given_a - SPARE_A
        self._below_s = self._below_s + dt_s if below else 0.0
        self._learned_s += dt_s
        if taken_a is not None and self._below_s >= LEARN_S:
            self._learned_a, self._learned_s = max(taken_a + SPARE_A, self._least_a), 0.0
        elif self._learned_s >= TRY_AGAIN_S or not self.has_car(ctx):
            self._learned_a = inf

    def _taken_a(self, ctx: Context) -> float | None:
        """Per phase that the car uses; None while the power is not known."""
        power_w, used = ctx.value(self._power), self._optional(ctx, self._phases_used)
        return None if power_w is None else power_w / (NOMINAL_V * (used or len(self.phases)))

    @property
    def _ability_a(self) -> float:
        return min(self._most_a, self._learned_a)

    def choose_phases(self, ctx: Context, part_w: float) -> None:
        """``part_w``: its part of the surplus. Three phases need theirs and a quarter more; one is better than none."""
        if self.switch is None:
            return
        least_w = 3.0 * NOMINAL_V * self._least_a
        wish: Phases = 3 if part_w >= (least_w if self.switch.phases == 3 else 1.25 * least_w) else 1
        self.switch.step(wish, flows_nothing=self._flows_nothing(ctx), dt_s=DECIDE_S)

    def _flows_nothing(self, ctx: Context) -> bool:
        """A reading from after the current was taken away shows none."""
        power_w = ctx.value(self._power)
        shown = ctx.sample_time_ns(self._power) * NS >= self._changed_ns * NS + FOLLOW_S
        return self.given_a == 0.0 and power_w is not None and power_w < NOTHING_W and shown

    def astray(self, *, hurry: bool) -> bool:
        """It has been allowed more than it was given for longer than it takes to tell it. Where it does not show what
        it allows, what it may draw counts, which includes the time that a car needs to follow.

        ``hurry``: the site is over its limit. Then who has not shown at the next decision that it obeys counts as one
        that does not: chargers that are late one after the other would otherwise add their times to the cars'."""
        return self._astray_s > (self._grace_s - NOT_FOLLOWING_S if hurry else self._grace_s)

    def wish(self) -> Wish:
        most_a = 0.0 if self.switch is not None and self.switch.idle else self._ability_a
        return Wish(self.name, self.phases, most_a, self._least_a)

    def urgent(self, ctx: Context) -> bool:
        """It reaches its energy by its departure only when it charges now."""
        left_wh, departs_s = self._optional(ctx, self._request), self._optional(ctx, self._departure)
        now_s = ctx.utc_s()
        if not left_wh or departs_s is None or now_s is None or departs_s <= now_s:
            return False
        needed_a = left_wh / ((departs_s - now_s) / 3600.0) / (NOMINAL_V * len(self.phases))
        return needed_a >= URGENT_SHARE * self._ability_a

    def give(self, ctx: Context, current_a: float) -> None:
        """What it is told from now on."""
        if abs(current_a - self.given_a) > 0.05:
            self._changed_ns = ctx.time_ns
        self.given_a = current_a

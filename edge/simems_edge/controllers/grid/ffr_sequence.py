"""The course of a fast frequency reserve: activate, hold, deactivate, wait, take back, be ready again. Pure.

Technical Requirements for Fast Frequency Reserve Provision in the Nordic Synchronous Area. Times run by the cycle's own
elapsed time, not by counting cycles.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from enum import IntEnum

from simems_edge.controllers.grid.ffr_settings import FfrSettings

_WS_PER_WH = 3600.0


class Phase(IntEnum):
    """Values of the metric ``phase``."""

    READY = 0
    ACTIVATING = 1
    SUPPORTING = 2
    DEACTIVATING = 3
    BUFFER = 4
    RECOVERING = 5


@dataclass(frozen=True, slots=True)
class FfrState:
    """``since_s``: since the activation (READY: not used); ``phase_s``: in this phase; ``power_w``: answer now;
    ``owed_wh``: given and not yet taken back."""

    phase: Phase = Phase.READY
    since_s: float = 0.0
    phase_s: float = 0.0
    power_w: float = 0.0
    owed_wh: float = 0.0


def activated(state: FfrState, hz: float | None, settings: FfrSettings) -> FfrState:
    """A frequency at or below the activation level starts a ready reserve."""
    if state.phase is Phase.READY and hz is not None and hz <= settings.activation_hz:
        return _stepped(FfrState(Phase.ACTIVATING), 0.0, settings)
    return state


def advanced(state: FfrState, dt_s: float, settings: FfrSettings, *, low: bool) -> FfrState:
    """``dt_s`` later. ``low``: the frequency is at or below the activation level, so nothing is taken back."""
    if state.phase is Phase.READY:
        return state
    owed_wh = max(state.owed_wh + state.power_w * dt_s / _WS_PER_WH, 0.0)
    later = replace(state, since_s=state.since_s + dt_s, phase_s=state.phase_s + dt_s, owed_wh=owed_wh)
    if later.since_s >= settings.rearm_s and later.phase in (Phase.BUFFER, Phase.RECOVERING):
        return FfrState()
    moved = _stepped(later, dt_s, settings)
    return replace(moved, power_w=0.0) if low and moved.phase is Phase.RECOVERING else moved


def _stepped(state: FfrState, dt_s: float, settings: FfrSettings) -> FfrState:
    """The power of the phase, and the next phase when this one is over."""
    capacity_w = settings.capacity_w
    if state.phase is Phase.ACTIVATING:
        ramp_s = settings.activation_ramp_s
        share = 1.0 if ramp_s <= 0.0 else min(state.phase_s / ramp_s, 1.0)
        done = state.since_s >= settings.full_activation_s
        moved = replace(state, power_w=capacity_w * share)
        return _enter(moved, Phase.SUPPORTING) if done else moved
    if state.phase is Phase.SUPPORTING:
        done = state.phase_s >= settings.support_s
        return _stepped(_enter(state, Phase.DEACTIVATING), dt_s, settings) if done else state
    if state.phase is Phase.DEACTIVATING:
        step_w = capacity_w * settings.deactivation_pct_per_s / 100.0 * dt_s
        power_w = max(state.power_w - step_w, 0.0)
        moved = replace(state, power_w=power_w)
        return moved if power_w > 0.0 else _enter(moved, Phase.BUFFER)
    if state.phase is Phase.BUFFER:
        over = state.phase_s >= settings.buffer_s
        return _recovering(_enter(state, Phase.RECOVERING), dt_s, settings) if over else state
    return _recovering(state, dt_s, settings)


def _recovering(state: FfrState, dt_s: float, settings: FfrSettings) -> FfrState:
    """Charges no faster than agreed and no more than is owed, and begins as gently as the support ended."""
    if settings.recovery_pct == 0.0 or state.owed_wh <= 0.0:
        return FfrState()
    most_w = settings.capacity_w * settings.recovery_pct / 100.0
    left_w = state.owed_wh * _WS_PER_WH / dt_s if dt_s > 0.0 else most_w
    step_w = settings.capacity_w * settings.deactivation_pct_per_s / 100.0 * dt_s
    return replace(state, power_w=max(-min(most_w, left_w), state.power_w - step_w))


def _enter(state: FfrState, phase: Phase) -> FfrState:
    return replace(state, phase=phase, phase_s=0.0)

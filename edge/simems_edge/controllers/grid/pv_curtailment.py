"""PV at over-frequency (LFSM-O): a share of the power at the threshold, then a slow release. Pure."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Curtailment:
    """``reference_w``: PV power when the threshold was crossed, None below it; ``limit_w``: what PV may give."""

    reference_w: float | None
    limit_w: float


def next_curtailment(
    now: Curtailment, share: float, power_w: float | None, rated_w: float, release_w: float
) -> Curtailment:
    """``share``: power to add over the reference (0 inside the threshold, -1 at the end of the droop); ``power_w``: of
    PV as read, None while not known; ``release_w``: most that the limit may rise in this step."""
    if share >= 0.0:
        return Curtailment(None, min(now.limit_w + release_w, rated_w))
    reference_w = now.reference_w if now.reference_w is not None else power_w
    if reference_w is None:
        return now
    limit_w = min(max(reference_w, 0.0) * (1.0 + share), rated_w)
    return Curtailment(reference_w, limit_w)

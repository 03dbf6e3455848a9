"""The least peaks that a battery reaches which knows everything: a linear program over all quarter hours (HiGHS).

minimise sum of the months' peaks, with for each quarter hour:
    peak(month) >= site - discharge + charge energy' = energy + 0.25 (eta charge - discharge / eta),  lowest <= energy
    <= highest,  0 <= charge, discharge <= rated
Losses are those at half load, standby left out: the bound is a little better than the battery of the virtual plant.
"""

from __future__ import annotations

import highspy
import numpy as np

from bench.shaving.sites import MAXIMUM_PCT, MINIMUM_PCT, Course, SiteCase

EFFICIENCY = 0.97
HOURS = 0.25


def least_peaks_w(case: SiteCase, course: Course) -> dict[int, float]:
    """Month -> peak of the 15-minute means, W. Raises RuntimeError when there is no solution."""
    site_w = np.asarray(course.site_w).reshape(-1, 15).mean(axis=1)
    months = course.months[::15]
    names = sorted(set(months))
    steps = len(site_w)
    model = highspy.Highs()  # type: ignore[no-untyped-call]  # highspy has no types
    model.setOptionValue("output_flag", False)
    low, high = (case.capacity_wh * pct / 100.0 for pct in (MINIMUM_PCT, MAXIMUM_PCT))
    peak = [model.addVariable(lb=0.0, obj=1.0) for _ in names]
    charge = [model.addVariable(lb=0.0, ub=case.power_w) for _ in range(steps)]
    discharge = [model.addVariable(lb=0.0, ub=case.power_w) for _ in range(steps)]
    energy = [model.addVariable(lb=low, ub=high) for _ in range(steps)]
    before_wh: object = case.capacity_wh * case.battery.initial_soc_pct / 100.0
    for number in range(steps):
        month = peak[names.index(months[number])]
        model.addConstr(month + discharge[number] - charge[number] >= float(site_w[number]))
        gained = HOURS * EFFICIENCY * charge[number] - HOURS / EFFICIENCY * discharge[number]
        model.addConstr(energy[number] - gained - before_wh == 0.0)
        before_wh = energy[number]
    model.minimize()
    if model.getModelStatus() != highspy.HighsModelStatus.kOptimal:
        raise RuntimeError(f"{case.name}: HiGHS ends with {model.getModelStatus()}")
    return {name: float(model.val(variable)) for name, variable in zip(names, peak, strict=True)}

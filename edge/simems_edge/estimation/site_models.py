"""What a site draws, and what its grid does: models that stand between late readings and controllers, declared."""

from __future__ import annotations

from typing import Final

from simems_edge.estimation.model_spec import ModelInput, ModelOutput, ModelSetting, ModelSpec

LEAP_YEAR_S: Final = 366 * 86_400.0

SITE_POWER: Final = ModelSpec(
    type="site_power",
    kind="Set-membership filter: the interval of powers that explains every sample, for every delay up to a bound.",
    owner="core_rs/src/blocks",
    classes=("SitePowerEstimate", "DelayBounds"),
    used_by="peak_shaving, self_consumption, follow_schedule, export_limit, power_factor, smart_charging, "
    "grid_connection; the connection guard in the core.",
    safety_impact="Loops and the connection guard act on it. For limits the worse end of its range is taken.",
    inputs=(
        ModelInput(
            "grid meter", "W", "Nothing is told and the loop proposes nothing; it begins anew with the next one."
        ),
        ModelInput("battery", "W", "As for the meter: without both there is no answer."),
        ModelInput("setpoint of the battery", "W", "The battery's readings alone bound where it may stand."),
    ),
    outputs=(
        ModelOutput("value_w", "W", "What the site draws without its battery, the best single answer; None: not known"),
        ModelOutput("range_w", "W", "Lowest and highest that explain the samples, for who must be cautious"),
    ),
    settings=(
        ModelSetting("meter_delay_max_s", "s", "A reading may be this old when it arrives", 0, 3600, default="4"),
        ModelSetting("meter_repeat_max_s", "s", "An unchanged reading counts as old for so long", 0, 3600, default="6"),
        ModelSetting(
            "battery_settle_s", "s", "The battery is at its setpoint at the latest then", 0, 3600, default="8"
        ),
    ),
    valid="`value_w` is a number: meter and battery have both been read. While the battery moves, a further change "
    "of load may hide behind its movement until it has rested for `meter_delay_max_s`. A later meter, or a battery "
    "that reads wrong, breaks the premise.",
    fallback="Without an answer the loop proposes nothing: its last proposal lives out its lifetime, then the "
    "declared fallback of the controller holds. It is in memory only and knows the site again with the first sample.",
    acceptance=(
        "with constant load the error never grows, whatever the delay, the battery's speed and the update interval",
        "a new load beside a battery at rest is seen in full with the first sample",
        "1,458 closed loops overshoot and settle within their bounds, alike at every cycle time",
    ),
    test_plan=(
        "core_rs/tests/core/test_site_power.py",
        "edge/tests/replay/test_stability_matrix.py",
        "edge/tests/controllers/grid/test_export_limit.py",
    ),
    figures="`make stability-long` (bounds in [simulation.md](simulation.md)).",
    metrics=("<controller>/site_power_w of self_consumption, peak_shaving and follow_schedule",),
    picture="images/stability.png",
    caption="How soon loops on it settle, over the sum of the delays",
)

LOAD_BALANCE: Final = ModelSpec(
    type="load_balance",
    kind="Balance of the bus, each part at the instant of the grid meter's value.",
    owner="edge/simems_edge/runtime",
    classes=("LoadBalance",),
    used_by="Screens, records, reports; no guard.",
    safety_impact="None: it is shown and recorded.",
    inputs=(
        ModelInput("grid meter", "W", "Nothing is published; the channel goes stale."),
        ModelInput("PV, batteries, charging stations", "W", "Nothing is published: a partial sum is never shown."),
    ),
    outputs=(ModelOutput("site/load_power_w", "W", "grid + pv + ess - evcs"),),
    settings=(),
    without_settings="Nothing can be set: the parts are those that the site file lists.",
    valid="The channel is good. What is not listed in the site file counts as load, so a forgotten inverter makes it "
    "small or negative.",
    fallback="The channel goes stale and screens grey it out; control goes on without it.",
    acceptance=(
        "the sum is right at the meter's instant while PV and battery move",
        "one missing part stops it, it comes back with the part",
    ),
    test_plan=("edge/tests/runtime/test_load_balance.py", "tests/system/test_load.py"),
    figures="`make load-long`: shown against true load over five minutes.",
    metrics=("site/load_power_w: its quality and age",),
    picture="images/models/load.png",
    caption="Two hours of the demonstration, a cycle of 5 s: a step of the load is seen with the meter's next value",
)

ROCOF: Final = ModelSpec(
    type="rocof",
    kind="Least squares over a window of frequency samples, a low-pass, a deadband.",
    owner="core_rs/src/blocks",
    classes=("Rocof",),
    used_by="virtual_inertia; `site/rocof_hz_per_s` for screens and records.",
    safety_impact="Virtual inertia moves a battery by it, inside every guard.",
    inputs=(ModelInput("frequency", "Hz", "The last value holds and it is not valid; after a gap it begins anew."),),
    outputs=(
        ModelOutput("value", "Hz/s", "Rate of change of frequency"),
        ModelOutput("valid", "", "It stands on the last sample"),
        ModelOutput("noise_gain_per_s", "Hz/s per Hz", "What noise of the samples makes of it"),
    ),
    settings=(
        ModelSetting("window_s", "s", "Samples of this time; half of it is the delay", 0.001, LEAP_YEAR_S),
        ModelSetting("filter_s", "s", "Time constant of the low-pass", low=0, default="0"),
        ModelSetting("deadband_hz_per_s", "Hz/s", "A smaller rate is noise", low=0, default="0"),
    ),
    valid="`valid`: three samples or more over at least half a window.",
    fallback="Virtual inertia answers 0 W and gives back what it took; the site's channel goes stale.",
    acceptance=(
        "a frequency on a straight line gives its slope, at any spacing of the samples",
        "noise gives the standard deviation that it says",
        "no sample makes an output that is no number",
    ),
    test_plan=("core_rs/tests/core/test_blocks.py", "edge/tests/controllers/grid/test_virtual_inertia.py"),
    figures="Table of noise over window and resolution in [blocks.md](blocks.md).",
    metrics=("site/rocof_hz_per_s", "<virtual_inertia>/rocof_hz_per_s"),
    picture="controllers/virtual_inertia/plot.png",
    caption="A battery that answers it, in the example of virtual inertia",
)

DEMAND: Final = ModelSpec(
    type="demand",
    kind="Energy of a running window from a register that is read now and then; what may still flow in it.",
    owner="core_rs/src/blocks",
    classes=("Demand", "DemandWindow", "RunningDemand", "RollingDemand", "RegisterSpec"),
    used_by="peak_shaving, time_slot_peak_shaving.",
    safety_impact="None: it decides a preference of cost, never a guard.",
    inputs=(
        ModelInput("energy register", "Wh", "It costs nothing: the register goes on counting, the next reading tells."),
        ModelInput("power since the last reading", "W", "The mean so far is taken."),
        ModelInput("clock of the meter", "ns", "No window can be placed: every instant is held at the threshold."),
    ),
    outputs=(
        ModelOutput("energy_wh, error_wh", "Wh", "Of the window so far, and what that may be wrong by"),
        ModelOutput("mean_w", "W", "Of windows that ended, and of the rolling one"),
        ModelOutput("allowed_w", "W", "Mean power that brings the window to its target"),
    ),
    settings=(
        ModelSetting("window_s", "s", "Length of the window", 0.001, LEAP_YEAR_S),
        ModelSetting("maximum_power_w", "W", "More never flows: a steeper rise is a reset", low=0, above=True),
        ModelSetting("register_wrap_wh", "Wh", "It shows 0 instead of this", low=0, above=True, default="never"),
        ModelSetting("register_resolution_wh", "Wh", "It counts in steps of this", low=0, default="0"),
    ),
    valid="`valid`: the last reading could be used. `complete`: the whole window was seen, with no reset in it.",
    fallback="A window that was not seen whole counts its unseen part as drawn at the target. A meter without a "
    "register has its power integrated (`demand_source`). Readings are retained: a window over a restart is whole.",
    acceptance=(
        "wraps, resets, exchanged meters and gaps by hand",
        "who keeps to what is allowed keeps the window",
        "no reading makes an output that is no number",
    ),
    test_plan=(
        "core_rs/src/blocks/demand_tests.rs",
        "core_rs/src/blocks/rolling_demand_tests.rs",
        "core_rs/tests/core/test_blocks_demand.py",
        "edge/tests/controllers/optimisation/test_demand.py",
        "edge/tests/controllers/optimisation/test_demand_in_the_loop.py",
    ),
    figures="`python -m bench peak_shaving` (table in [peak-shaving.md](peak-shaving.md)).",
    metrics=("<controller>/window1_wh ... window4_wh", "<controller>/demand_source: register or integrated power"),
    picture="controllers/peak_shaving/plot.png",
    caption="A window held at its threshold, in the example of peak shaving",
)

HOLDABLE: Final = ModelSpec(
    type="holdable_threshold",
    kind="128 virtual batteries, one for each candidate threshold, through the windows that the site has seen.",
    owner="edge/simems_edge/controllers/optimisation",
    classes=("VirtualBatteries", "VirtualLimits"),
    used_by="peak_shaving with `adapt`.",
    safety_impact="None: it moves a threshold of cost, never a guard.",
    inputs=(
        ModelInput("mean of each billed window", "W", "A window of which less than 90 % was seen teaches nothing."),
    ),
    outputs=(ModelOutput("holdable_w", "W", "The lowest threshold that the battery could have held this month"),),
    settings=(
        ModelSetting(
            "adapt_share_pct", "%", "Capacity of the virtual batteries, of the real one's", 0, 100, default="42"
        ),
    ),
    valid="Always a threshold; before the first window that of the site file (or 80 % of last month's).",
    fallback="The site file's threshold, and what is retained of this month. It rises inside a month, it never falls.",
    acceptance=(
        "what it says holdable could have been held",
        "by hand: empty and too weak candidates are out, all come back with the month",
        "0.7 of the saving of perfect foresight, in the mean of seven sites",
    ),
    test_plan=("edge/tests/controllers/optimisation/test_demand.py",),
    figures="`python -m bench peak_shaving` (table in [peak-shaving.md](peak-shaving.md)).",
    metrics=("<controller>/holdable1_w ... holdable4_w", "<controller>/threshold_in_force_w"),
    picture="images/models/holdable.png",
    caption="A month of windows, and the threshold that has shown to be holdable",
)

SITE_MODELS: Final = (SITE_POWER, LOAD_BALANCE, ROCOF, DEMAND, HOLDABLE)

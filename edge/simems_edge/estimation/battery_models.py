"""What a battery holds, and what its cells are: the models of :mod:`simems_core`'s estimators, declared."""

from __future__ import annotations

from typing import Final

from simems_edge.estimation.model_spec import ModelInput, ModelOutput, ModelSetting, ModelSpec

CELL_SETTINGS: Final = (
    ModelSetting("cell", "", "CELL.yaml of the cell, identified before", choice="a file that `identify` wrote"),
    ModelSetting("noise.voltage_v", "V", "White noise of the voltage sensor", low=0, above=True, default="of the file"),
    ModelSetting("noise.current_offset_a", "A", "Offset of the current sensor", low=0, default="of the file"),
    ModelSetting(
        "noise.current_scale", "", "Relative error of current gain over capacity", low=0, default="of the file"
    ),
    ModelSetting("noise.model_v", "V", "Slow error of the model at rest", low=0, above=True, default="of the file"),
    ModelSetting("noise.model_share", "", "Slow error under load, of the lost voltage", low=0, default="of the file"),
    ModelSetting("noise.model_time_s", "s", "How long such an error lasts", low=0, above=True, default="of the file"),
    ModelSetting(
        "limits.longest_step_s",
        "s",
        "Longest time between samples that is no gap",
        low=0,
        above=True,
        default="of the file",
    ),
)

SOC_FILTER: Final = ModelSpec(
    type="soc_filter",
    kind="Extended Kalman filter on a 2-RC circuit with hysteresis and diffusion lag, split while little is known.",
    owner="core_rs/src/estimate",
    classes=("Estimator", "LiveEstimator", "Bank", "Estimate", "Memory", "MemoryBoard", "CellModel", "Pack", "Start"),
    used_by="The cycle, each battery with `estimator` in the site file; `simems-edge estimate`; the demonstration.",
    safety_impact="Narrows the guard of the state of charge where it is stricter than the battery's own; it can "
    "never open what the battery's own closes.",
    inputs=(
        ModelInput("current", "A", "The charge stands, sigma grows with what may have flowed; not valid after 30 s."),
        ModelInput("voltage", "V", "Charge is counted on, sigma grows; not valid after 10 minutes."),
        ModelInput("temperature", "degC", "The last or the assumed one is taken; not valid after 10 minutes."),
    ),
    outputs=(
        ModelOutput("soc_est_pct", "%", "State of charge, 0 to 100"),
        ModelOutput("soc_sigma_pct", "%", "Its standard deviation, in points"),
        ModelOutput("soc_valid", "", "1 while it may be relied on"),
    ),
    settings=(
        *CELL_SETTINGS,
        ModelSetting("series", "", "Cells between the points where the voltage is measured", 1, 100_000, default="1"),
        ModelSetting("parallel", "", "Cells that share the measured current", 1, 100_000, default="1"),
        ModelSetting(
            "capacity_ah", "Ah", "Of one cell, where it is another than the file's", 0, 100_000, above=True,
            default="of the file",
        ),
        ModelSetting(
            "assumed_temperature_degc", "degC", "Taken while none is measured", -60, 150, default="none",
        ),
    ),
    valid="`soc_valid` is 1: readings are there, sigma is 25 points or less, voltages do not contradict again and "
    "again. Sensors are judged first: not a number, outside the cell's limits, or stuck to the last bit is no reading.",
    fallback="The guard goes on with the battery's own state of charge, narrowed by the last difference, so that the "
    "loss opens nothing. After a restart it begins where it ended, less surely; a damaged memory, another cell file "
    "or a clock that went backwards: from the voltage.",
    acceptance=(
        ("RMS error after 30 minutes, start 20 points off: NMC 1 point (2 at 10 degC and below), LFP 3 points after a "
        "visit below 15 % or above 95 %, before that within two sigma"),
        ("better than look-up, counting, and counting from the true start, in every cell of the matrix and of one "
        "that was not looked at before"),
        "the innovation stays in its 95 % band in 90 to 99 % of the samples",
        "no reading makes an answer that is no number, and a step allocates nothing",
    ),
    test_plan=(
        "core_rs/src/estimate/tests.rs",
        "core_rs/src/estimate/live_tests.rs",
        "core_rs/tests/allocation.rs",
        "edge/tests/estimation/test_commands.py",
        "edge/tests/runtime/test_estimators.py",
    ),
    figures="`make ekf-long` (56 and 40 cells against PyBaMM's DFN), `python -m bench ekf` (time of a step beside "
    "C). The tables are in [battery-estimation.md](battery-estimation.md).",
    metrics=(
        "<battery>/soc_est_pct, soc_sigma_pct, soc_valid",
        "alarm `soc_disagrees`: more than 5 points from the battery's own for a minute",
        "event `soc_jumped`: the battery's own stepped by more than 2 points that no charge explains",
    ),
    picture="images/ekf-matrix.png",
    caption="Error of the filter beside look-up and counting",
)  # fmt: skip

COULOMB_COUNTER: Final = ModelSpec(
    type="coulomb_counter",
    kind="Integral of the current, with a correction from the OCV table at rest.",
    owner="core_rs/src/estimate",
    classes=("CoulombCounter", "RestCorrection"),
    used_by="Benches and whoever writes a controller: the yardstick that the filter must beat. No guard reads it.",
    safety_impact="None: nothing of the product acts on it.",
    inputs=(
        ModelInput("current", "A", "The count stands as it is."),
        ModelInput("voltage", "V", "No correction is made; the charge is counted on."),
    ),
    outputs=(ModelOutput("soc_pct", "%", "State of charge, held between 0 and 100"),),
    settings=(
        ModelSetting("initial_soc_pct", "%", "Where the count begins", 0, 100),
        ModelSetting(
            "correct_at_rest", "", "Take the table's value after half an hour below C/50, where 1 % is 3 mV or more",
            default="no", choice="yes or no",
        ),
    ),
    valid="It never says how sure it is: that is why the product takes the filter.",
    fallback="Whoever uses it has the last count. It is in memory only: a new process begins from `initial_soc_pct`.",
    acceptance=(
        "the OCV corrects the count at rest, and only where the table is steep enough to tell",
        "a reading that is no number, or time that runs backwards, changes nothing",
    ),
    test_plan=("core_rs/src/estimate/tests.rs", "edge/tests/estimation/test_model_governance.py"),
    figures="Columns *counting* and *from true start* of the tables in [battery-estimation.md](battery-estimation.md).",
    metrics=("none: it is in no site",),
    picture="images/ekf-matrix.png",
    caption="Counting from the true start is the black mark beside the filter's bar",
)  # fmt: skip

CELL_IDENTIFICATION: Final = ModelSpec(
    type="cell_identification",
    kind="Non-negative least squares for resistances inside a search over time constants, bend, lag and hysteresis.",
    owner="core_rs/src/estimate/identify",
    classes=("Cell", "Elements", "Limits", "Noise", "Ocv", "Sample"),
    used_by="`simems-edge identify`, before a site runs; never in the cycle.",
    safety_impact="A wrong cell makes the filter wrong: the filter then contradicts its voltages and is not valid.",
    inputs=(
        ModelInput("pulse tests (one per temperature)", "s, A, V, degC", "Refused with file, line, column and remedy."),
        ModelInput("open-circuit voltage", "%, V", "Refused: it must reach within 5 points of both ends and not fall."),
    ),
    outputs=(
        ModelOutput("CELL.yaml", "", "The circuit over state of charge and temperature, noise and limits"),
        ModelOutput("rmse_v", "V", "What the circuit leaves of each test"),
    ),
    settings=(ModelSetting("capacity_ah", "Ah", "Charge between empty and full", low=0, above=True),),
    valid="The command ends with 0. A test that shows nothing, or numbers that are no cell, are refused (exit code 2).",
    fallback="No file is written; a site that names none has no estimate and uses the battery's own.",
    acceptance=(
        "the circuit of a synthetic test is found again",
        "every cell that it wrote meets the error goals of the filter",
        "the same files give the same bytes",
    ),
    test_plan=("core_rs/src/estimate/tests.rs", "edge/tests/estimation/test_commands.py"),
    figures="`make ekf-long`: each cell of the matrix comes from its pulses alone; `--plot` draws what is left over.",
    metrics=("rmse_v, time constants and SOC of each test, printed and with `--json`",),
    picture="images/models/identify.png",
    caption="Voltage of a circuit that is known, with a sensor's noise, and what the fit leaves over",
)  # fmt: skip

BATTERY_MODELS: Final = (SOC_FILTER, COULOMB_COUNTER, CELL_IDENTIFICATION)

//! The Python face: converts, checks and releases the GIL; decides nothing.
//!
//! `_core.pyi` is its contract, checked by stubtest.

mod blocks;
mod channel;
mod clock;
mod columns;
mod control;
mod cycle;
mod estimate;
mod guest;
mod image;
mod pack;
mod proposal;
mod record;
mod snapshot;
mod states;
mod statistics;
mod timing;
mod watchdog;

use pyo3::create_exception;
use pyo3::exceptions::PyValueError;
use pyo3::prelude::*;

use crate::error::Error;

create_exception!(
    simems_core._core,
    CoreError,
    PyValueError,
    "Every refusal of the core: unknown address, wrong order of calls, value outside its domain."
);

impl From<Error> for PyErr {
    fn from(error: Error) -> Self {
        CoreError::new_err(error.to_string())
    }
}

/// Process image, fixed-time cycle, arbitration and guards.
#[pymodule]
mod _core {
    #[pymodule_export]
    use super::blocks::{PyChannelSum, PyCurve, PyDeadband, PyHysteresis, PyLowPass, PyPid, PyRampLimiter};
    #[pymodule_export]
    use super::blocks::{PyDemand, PyDemandWindow, PyRollingDemand, PyRunningDemand};
    #[pymodule_export]
    use super::blocks::{PyRateCounter, PyRocof, PySitePowerEstimate};
    #[pymodule_export]
    use super::channel::PyChannel;
    #[pymodule_export]
    use super::clock::PyClock;
    #[pymodule_export]
    use super::control::{PyActuator, PyCluster, PyGuard, PySource};
    #[pymodule_export]
    use super::cycle::{PyCycle, PyDecision};
    #[pymodule_export]
    use super::estimate::{PyCell, PyCoulombCounter, PyEkf, PyEkfBank, PyEstimate, PyFitReport, identify_cell};
    #[pymodule_export]
    use super::estimate::{PyEstimatorMemory, PyLiveEstimator};
    #[pymodule_export]
    use super::guest::{PyCycleGuest, ping_pong_us};
    #[pymodule_export]
    use super::image::PyProcessImage;
    #[pymodule_export]
    use super::pack::{pack_doubles, pack_integers, unpack_doubles, unpack_integers};
    #[pymodule_export]
    use super::record::{PyRecorder, PyRows};
    #[pymodule_export]
    use super::snapshot::PySnapshot;
    #[pymodule_export]
    use super::states::{PyCause, PyFault, PyStates, next_state};
    #[pymodule_export]
    use super::statistics::{PyCycleStatistics, bare_sleep_lateness};
    #[pymodule_export]
    use super::timing::image_times_ns;
    #[pymodule_export]
    use super::watchdog::PyWatchdog;

    #[pymodule_export]
    use super::CoreError;

    use pyo3::prelude::*;
    use pyo3::types::PyTuple;

    #[pymodule_init]
    fn init(module: &Bound<'_, PyModule>) -> PyResult<()> {
        let profile = if cfg!(debug_assertions) { "debug" } else { "release" };
        module.add("BUILD_PROFILE", profile)?;
        for (code, name) in ["GOOD", "STALE", "BAD", "FORCED"].into_iter().enumerate() {
            module.add(name, code)?;
        }
        for (code, name) in ["MANUAL", "SAFETY", "GRID", "OPTIMISATION", "AUXILIARY"].into_iter().enumerate() {
            module.add(name, code)?;
        }
        module.add(
            "CONTROL_MODES",
            PyTuple::new(module.py(), crate::states::Mode::ALL.map(crate::states::Mode::name))?,
        )?;
        module.add("ESTIMATE_REASONS", PyTuple::new(module.py(), super::estimate::ESTIMATE_REASONS)?)?;
        module.add("CYCLE_CHANNELS", PyTuple::new(module.py(), crate::cycle::CYCLE_CHANNELS)?)
    }
}

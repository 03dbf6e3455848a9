//! `Watchdog`.

use pyo3::prelude::*;

use super::CoreError;
use super::cycle::PyCycle;
use crate::clock::seconds_to_ns;
use crate::cycle::Watchdog;

/// Tells a service manager that cycles complete, from a thread that takes no GIL.
#[pyclass(frozen, name = "Watchdog", module = "simems_core")]
pub(super) struct PyWatchdog(Watchdog);

#[pymethods]
impl PyWatchdog {
    #[new]
    fn new(cycle: &PyCycle, address: &str, interval_s: f64) -> PyResult<Self> {
        if !(interval_s.is_finite() && interval_s > 0.0) {
            return Err(CoreError::new_err(format!("interval_s must be a finite number above 0, not {interval_s}")));
        }
        Ok(Self(Watchdog::start(&cycle.0, address, seconds_to_ns(interval_s))?))
    }

    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }
}

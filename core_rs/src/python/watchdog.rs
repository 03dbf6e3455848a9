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
    #[pyo3(signature = (cycle, address, interval_s, *, patience_s=f64::INFINITY))]
    fn new(cycle: &PyCycle, address: &str, interval_s: f64, patience_s: f64) -> PyResult<Self> {
        if patience_s.is_nan() || patience_s <= 0.0 {
            return Err(CoreError::new_err(format!("patience_s must be above 0, not {patience_s}")));
        }
        if !(interval_s.is_finite() && interval_s > 0.0) {
            return Err(CoreError::new_err(format!("interval_s must be a finite number above 0, not {interval_s}")));
        }
        Ok(Self(Watchdog::start(&cycle.0, address, seconds_to_ns(interval_s), seconds_to_ns(patience_s))?))
    }

    fn pulse(&self) {
        self.0.pulse();
    }

    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }
}

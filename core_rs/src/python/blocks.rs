//! `RampLimiter` and `Hysteresis`.

use pyo3::prelude::*;

use crate::blocks::{Hysteresis, RampLimiter};

/// Follows a target no faster than its rate.
#[pyclass(name = "RampLimiter", module = "simems_core")]
pub(super) struct PyRampLimiter(RampLimiter);

#[pymethods]
impl PyRampLimiter {
    #[new]
    #[pyo3(signature = (rate_per_s, *, initial=0.0))]
    fn new(rate_per_s: f64, initial: f64) -> PyResult<Self> {
        Ok(Self(RampLimiter::new(rate_per_s, initial)?))
    }

    #[getter]
    fn value(&self) -> f64 {
        self.0.value()
    }

    fn step(&mut self, target: f64, dt_s: f64) -> PyResult<f64> {
        Ok(self.0.step(target, dt_s)?)
    }

    fn reset(&mut self, value: f64) -> PyResult<()> {
        Ok(self.0.reset(value)?)
    }
}

/// True above `on`, false below `off`, else as before.
#[pyclass(name = "Hysteresis", module = "simems_core")]
pub(super) struct PyHysteresis(Hysteresis);

#[pymethods]
impl PyHysteresis {
    #[new]
    #[pyo3(signature = (*, on, off, initial=false))]
    fn new(on: f64, off: f64, initial: bool) -> PyResult<Self> {
        Ok(Self(Hysteresis::new(on, off, initial)?))
    }

    #[getter]
    fn active(&self) -> bool {
        self.0.active()
    }

    fn step(&mut self, value: f64) -> PyResult<bool> {
        Ok(self.0.step(value)?)
    }
}

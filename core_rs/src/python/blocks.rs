//! Blocks. Here `RampLimiter`, `Hysteresis` and `SitePowerEstimate`, the others in the folder.

mod demand;
mod measuring;
mod pid;
mod shaping;

use pyo3::prelude::*;

pub(super) use demand::{PyDemand, PyDemandWindow, PyRollingDemand, PyRunningDemand};
pub(super) use measuring::{PyChannelSum, PyRateCounter, PyRocof};
pub(super) use pid::PyPid;
pub(super) use shaping::{PyCurve, PyDeadband, PyLowPass};

use crate::blocks::{DelayBounds, Hysteresis, RampLimiter, SitePowerEstimate};

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

/// What the site draws without its battery, from a late meter.
#[pyclass(name = "SitePowerEstimate", module = "simems_core")]
pub(super) struct PySitePowerEstimate(SitePowerEstimate);

#[pymethods]
impl PySitePowerEstimate {
    #[new]
    #[pyo3(signature = (*, delay_max_s, repeat_max_s, settle_s))]
    fn new(delay_max_s: f64, repeat_max_s: f64, settle_s: f64) -> PyResult<Self> {
        Ok(Self(SitePowerEstimate::new(DelayBounds { delay_max_s, repeat_max_s, settle_s })?))
    }

    #[getter]
    fn value_w(&self) -> Option<f64> {
        self.0.value_w()
    }

    #[getter]
    fn range_w(&self) -> Option<(f64, f64)> {
        self.0.range_w()
    }

    fn battery(&mut self, time_ns: i64, power_w: f64) -> PyResult<()> {
        Ok(self.0.battery(time_ns, power_w)?)
    }

    fn command(&mut self, time_ns: i64, setpoint_w: f64) -> PyResult<()> {
        Ok(self.0.command(time_ns, setpoint_w)?)
    }

    fn meter(&mut self, time_ns: i64, grid_w: f64) -> PyResult<bool> {
        Ok(self.0.meter(time_ns, grid_w)?)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

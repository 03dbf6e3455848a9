//! `Pid`.

use pyo3::prelude::*;

use crate::blocks::{Gains, Limits, Pid};

/// PID controller.
#[pyclass(name = "Pid", module = "simems_core")]
pub(in crate::python) struct PyPid(Pid);

#[pymethods]
impl PyPid {
    #[new]
    #[pyo3(signature = (
        *, kp, minimum, maximum, ki=0.0, kd=0.0, derivative_filter_s=0.0, tracking_s=None, ramp_per_s=None, initial=0.0
    ))]
    #[allow(clippy::too_many_arguments)] // settings, by keyword
    fn new(
        kp: f64,
        minimum: f64,
        maximum: f64,
        ki: f64,
        kd: f64,
        derivative_filter_s: f64,
        tracking_s: Option<f64>,
        ramp_per_s: Option<f64>,
        initial: f64,
    ) -> PyResult<Self> {
        let gains = Gains { kp, ki, kd, derivative_filter_s, tracking_s };
        Ok(Self(Pid::new(gains, Limits { minimum, maximum, ramp_per_s }, initial)?))
    }

    #[getter]
    fn value(&self) -> f64 {
        self.0.value()
    }

    #[getter]
    fn integral(&self) -> f64 {
        self.0.integral()
    }

    #[getter]
    fn valid(&self) -> bool {
        self.0.valid()
    }

    fn step(&mut self, setpoint: f64, measurement: f64, dt_s: f64) -> PyResult<f64> {
        Ok(self.0.step(setpoint, measurement, dt_s)?)
    }

    fn track(&mut self, output: f64) -> PyResult<()> {
        Ok(self.0.track(output)?)
    }

    #[pyo3(signature = (*, kp, ki=0.0, kd=0.0, derivative_filter_s=0.0, tracking_s=None))]
    fn set_gains(
        &mut self,
        kp: f64,
        ki: f64,
        kd: f64,
        derivative_filter_s: f64,
        tracking_s: Option<f64>,
    ) -> PyResult<()> {
        Ok(self.0.set_gains(Gains { kp, ki, kd, derivative_filter_s, tracking_s })?)
    }

    #[pyo3(signature = (*, minimum, maximum, ramp_per_s=None))]
    fn set_limits(&mut self, minimum: f64, maximum: f64, ramp_per_s: Option<f64>) -> PyResult<()> {
        Ok(self.0.set_limits(Limits { minimum, maximum, ramp_per_s })?)
    }

    #[pyo3(signature = (output=0.0))]
    fn reset(&mut self, output: f64) -> PyResult<()> {
        Ok(self.0.reset(output)?)
    }
}

//! `Deadband`, `LowPass` and `Curve`: one number in, one out.

use pyo3::prelude::*;

use crate::blocks::{Curve, Deadband, Droop, LowPass};

/// 0 near a centre.
#[pyclass(name = "Deadband", module = "simems_core")]
pub(in crate::python) struct PyDeadband(Deadband);

#[pymethods]
impl PyDeadband {
    #[new]
    #[pyo3(signature = (half_width, *, centre=0.0, jump=false))]
    fn new(half_width: f64, centre: f64, jump: bool) -> PyResult<Self> {
        Ok(Self(Deadband::new(half_width, centre, jump)?))
    }

    #[getter]
    fn value(&self) -> f64 {
        self.0.value()
    }

    #[getter]
    fn valid(&self) -> bool {
        self.0.valid()
    }

    fn step(&mut self, value: f64) -> f64 {
        self.0.step(value)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// First-order low-pass.
#[pyclass(name = "LowPass", module = "simems_core")]
pub(in crate::python) struct PyLowPass(LowPass);

#[pymethods]
impl PyLowPass {
    #[new]
    #[pyo3(signature = (time_constant_s, *, initial=None))]
    fn new(time_constant_s: f64, initial: Option<f64>) -> PyResult<Self> {
        Ok(Self(LowPass::new(time_constant_s, initial)?))
    }

    #[getter]
    fn value(&self) -> f64 {
        self.0.value()
    }

    #[getter]
    fn valid(&self) -> bool {
        self.0.valid()
    }

    fn step(&mut self, value: f64, dt_s: f64) -> PyResult<f64> {
        Ok(self.0.step(value, dt_s)?)
    }

    fn set_time_constant_s(&mut self, time_constant_s: f64) -> PyResult<()> {
        Ok(self.0.set_time_constant_s(time_constant_s)?)
    }

    #[pyo3(signature = (value=None))]
    fn reset(&mut self, value: Option<f64>) -> PyResult<()> {
        Ok(self.0.reset(value)?)
    }
}

/// Piecewise linear characteristic.
#[pyclass(name = "Curve", module = "simems_core")]
pub(in crate::python) struct PyCurve(Curve);

#[pymethods]
impl PyCurve {
    #[new]
    #[pyo3(signature = (points, *, initial=0.0))]
    #[allow(clippy::needless_pass_by_value)] // PyO3 hands the list over
    fn new(points: Vec<(f64, f64)>, initial: f64) -> PyResult<Self> {
        Ok(Self(Curve::new(&points, initial)?))
    }

    #[staticmethod]
    #[pyo3(signature = (
        *, nominal_hz, deadband_below_hz, deadband_above_hz, droop_below_pct, droop_above_pct, reference_w, raise_max_w,
        lower_max_w
    ))]
    #[allow(clippy::too_many_arguments)] // one per setting of the standard's formula, by keyword
    fn droop(
        nominal_hz: f64,
        deadband_below_hz: f64,
        deadband_above_hz: f64,
        droop_below_pct: f64,
        droop_above_pct: f64,
        reference_w: f64,
        raise_max_w: f64,
        lower_max_w: f64,
    ) -> PyResult<Self> {
        let droop = Droop {
            nominal_hz,
            deadband_below_hz,
            deadband_above_hz,
            droop_below_pct,
            droop_above_pct,
            reference_w,
            raise_max_w,
            lower_max_w,
        };
        Ok(Self(droop.curve()?))
    }

    #[getter]
    fn points(&self) -> Vec<(f64, f64)> {
        self.0.points().to_vec()
    }

    #[getter]
    fn value(&self) -> f64 {
        self.0.value()
    }

    #[getter]
    fn valid(&self) -> bool {
        self.0.valid()
    }

    fn at(&self, x: f64) -> Option<f64> {
        self.0.at(x)
    }

    fn step(&mut self, x: f64) -> f64 {
        self.0.step(x)
    }

    #[pyo3(signature = (value=0.0))]
    fn reset(&mut self, value: f64) -> PyResult<()> {
        Ok(self.0.reset(value)?)
    }
}

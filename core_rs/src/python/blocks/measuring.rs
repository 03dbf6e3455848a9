//! `RateCounter`, `Rocof` and `ChannelSum`: what samples with their times tell.

use pyo3::prelude::*;

use super::super::CoreError;
use super::super::image::PyProcessImage;
use super::super::snapshot::PySnapshot;
use crate::blocks::{ChannelSum, RateCounter, Rocof};

/// Events per window.
#[pyclass(name = "RateCounter", module = "simems_core")]
pub(in crate::python) struct PyRateCounter(RateCounter);

#[pymethods]
impl PyRateCounter {
    #[new]
    #[pyo3(signature = (window_s, *, capacity=1024))]
    fn new(window_s: f64, capacity: usize) -> PyResult<Self> {
        Ok(Self(RateCounter::new(window_s, capacity)?))
    }

    fn event(&mut self, time_ns: i64) -> bool {
        self.0.event(time_ns)
    }

    fn step(&mut self, on: bool, time_ns: i64) -> usize {
        self.0.step(on, time_ns)
    }

    fn count(&mut self, now_ns: i64) -> usize {
        self.0.count(now_ns)
    }

    fn per_hour(&mut self, now_ns: i64) -> f64 {
        self.0.per_hour(now_ns)
    }

    fn wait_s(&mut self, limit: usize, now_ns: i64) -> Option<f64> {
        self.0.wait_s(limit, now_ns)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// Rate of change of frequency.
#[pyclass(name = "Rocof", module = "simems_core")]
pub(in crate::python) struct PyRocof(Rocof);

#[pymethods]
impl PyRocof {
    #[new]
    #[pyo3(signature = (window_s, *, filter_s=0.0, deadband_hz_per_s=0.0))]
    fn new(window_s: f64, filter_s: f64, deadband_hz_per_s: f64) -> PyResult<Self> {
        Ok(Self(Rocof::new(window_s, filter_s, deadband_hz_per_s)?))
    }

    #[getter]
    fn value(&self) -> f64 {
        self.0.value()
    }

    #[getter]
    fn valid(&self) -> bool {
        self.0.valid()
    }

    #[getter]
    fn noise_gain_per_s(&self) -> Option<f64> {
        self.0.noise_gain_per_s()
    }

    fn step(&mut self, time_ns: i64, frequency_hz: f64) -> f64 {
        self.0.step(time_ns, frequency_hz)
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

/// Several channels at one instant.
#[pyclass(name = "ChannelSum", module = "simems_core")]
pub(in crate::python) struct PyChannelSum(ChannelSum);

#[pymethods]
impl PyChannelSum {
    #[new]
    #[allow(clippy::needless_pass_by_value)] // PyO3 hands the list over
    fn new(image: &PyProcessImage, terms: Vec<(String, f64)>) -> PyResult<Self> {
        Ok(Self(ChannelSum::new(&image.0, &terms)?))
    }

    #[getter]
    fn value(&self) -> f64 {
        self.0.value()
    }

    #[getter]
    fn valid(&self) -> bool {
        self.0.valid()
    }

    fn step(&mut self, snapshot: &PySnapshot, time_ns: i64) -> PyResult<f64> {
        let reader = snapshot.0.reader().ok_or_else(|| CoreError::new_err("the snapshot has no buffer"))?;
        Ok(self.0.step(&reader, time_ns))
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

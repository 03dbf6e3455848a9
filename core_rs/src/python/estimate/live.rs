//! `LiveEstimator` and `EstimatorMemory`.

use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

use super::cell::PyCell;
use super::start;
use crate::error::{Error, Result};
use crate::estimate::{LiveEstimator, LiveSpec, Memory, MemoryBoard, Pack, Start};
use crate::python::image::PyProcessImage;

/// What outlives the process.
#[pyclass(frozen, name = "EstimatorMemory", module = "simems_core")]
pub(in crate::python) struct PyEstimatorMemory(Memory);

#[pymethods]
impl PyEstimatorMemory {
    #[new]
    #[pyo3(signature = (*, soc_pct, soc_sigma_pct, offset_a, offset_sigma_a, scale, scale_sigma))]
    fn new(
        soc_pct: f64,
        soc_sigma_pct: f64,
        offset_a: f64,
        offset_sigma_a: f64,
        scale: f64,
        scale_sigma: f64,
    ) -> PyResult<Self> {
        let memory = Memory { soc_pct, soc_sigma_pct, offset_a, offset_sigma_a, scale, scale_sigma };
        memory.check()?;
        Ok(Self(memory))
    }

    #[getter]
    fn soc_pct(&self) -> f64 {
        self.0.soc_pct
    }

    #[getter]
    fn soc_sigma_pct(&self) -> f64 {
        self.0.soc_sigma_pct
    }

    #[getter]
    fn offset_a(&self) -> f64 {
        self.0.offset_a
    }

    #[getter]
    fn offset_sigma_a(&self) -> f64 {
        self.0.offset_sigma_a
    }

    #[getter]
    fn scale(&self) -> f64 {
        self.0.scale
    }

    #[getter]
    fn scale_sigma(&self) -> f64 {
        self.0.scale_sigma
    }
}

/// The estimator of one battery, in a cycle.
#[pyclass(frozen, name = "LiveEstimator", module = "simems_core")]
pub(in crate::python) struct PyLiveEstimator {
    waiting: Mutex<Option<LiveEstimator>>,
    board: Arc<MemoryBoard>,
}

impl PyLiveEstimator {
    /// Gives the estimator away, once.
    pub(in crate::python) fn take(&self) -> Result<LiveEstimator> {
        let taken = self.waiting.lock().unwrap_or_else(PoisonError::into_inner).take();
        taken.ok_or(Error::Order("this estimator was attached already"))
    }
}

#[pymethods]
impl PyLiveEstimator {
    #[new]
    #[pyo3(signature = (
        image, cell, *, current, voltage, soc, sigma, valid, temperatures=Vec::new(), assumed_temperature_degc=None,
        series=1, parallel=1, initial_soc_pct=None, initial_sigma_pct=20.0, memory=None, away_s=0.0
    ))]
    #[expect(clippy::too_many_arguments, reason = "named arguments of Python")]
    fn new(
        image: &PyProcessImage,
        cell: &PyCell,
        current: String,
        voltage: String,
        soc: String,
        sigma: String,
        valid: String,
        temperatures: Vec<String>,
        assumed_temperature_degc: Option<f64>,
        series: u32,
        parallel: u32,
        initial_soc_pct: Option<f64>,
        initial_sigma_pct: f64,
        memory: Option<PyRef<'_, PyEstimatorMemory>>,
        away_s: f64,
    ) -> PyResult<Self> {
        let remembered = memory.map(|memory| Start::Remembered { memory: memory.0, away_s });
        let spec = LiveSpec {
            current,
            voltage,
            temperatures,
            assumed_degc: assumed_temperature_degc,
            pack: Pack { series, parallel },
            start: remembered.unwrap_or_else(|| start(initial_soc_pct, initial_sigma_pct)),
            soc,
            sigma,
            valid,
        };
        let (estimator, board) = LiveEstimator::build(&image.0, Arc::clone(&cell.model), &spec)?;
        Ok(Self { waiting: Mutex::new(Some(estimator)), board })
    }

    #[getter]
    fn memory(&self) -> Option<(i64, PyEstimatorMemory)> {
        self.board.read().map(|(time_ns, memory)| (time_ns, PyEstimatorMemory(memory)))
    }
}

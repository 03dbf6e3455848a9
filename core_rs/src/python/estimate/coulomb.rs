//! `CoulombCounter`.

use std::sync::Arc;

use pyo3::prelude::*;

use super::cell::PyCell;
use crate::estimate::{CoulombCounter, RestCorrection};

/// Counts charge.
#[pyclass(name = "CoulombCounter", module = "simems_core")]
pub(in crate::python) struct PyCoulombCounter(CoulombCounter);

#[pymethods]
impl PyCoulombCounter {
    #[new]
    #[pyo3(signature = (cell, initial_soc_pct, *, correct_at_rest=false))]
    fn new(cell: &PyCell, initial_soc_pct: f64, correct_at_rest: bool) -> PyResult<Self> {
        let correction = correct_at_rest.then(RestCorrection::default);
        Ok(Self(CoulombCounter::new(Arc::clone(&cell.model), initial_soc_pct, correction)?))
    }

    #[getter]
    fn soc_pct(&self) -> f64 {
        self.0.soc_pct()
    }

    fn step(&mut self, current_a: f64, voltage_v: f64, dt_s: f64) -> f64 {
        self.0.step(current_a, voltage_v, dt_s)
    }
}

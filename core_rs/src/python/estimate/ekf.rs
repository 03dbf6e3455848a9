//! `Ekf` and `Estimate`.

use std::sync::Arc;

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;

use super::cell::PyCell;
use super::{columns, start};
use crate::estimate::{Estimate, Estimator, Pack, Reason, Sample};

/// Names of the reasons, by code.
pub(in crate::python) const ESTIMATE_REASONS: [&str; 7] =
    ["good", "not started", "missing", "stuck", "time", "contradicted", "unsure"];

/// The answer to one sample.
#[pyclass(frozen, name = "Estimate", module = "simems_core")]
pub(in crate::python) struct PyEstimate(Estimate);

#[pymethods]
impl PyEstimate {
    #[getter]
    fn soc_pct(&self) -> f64 {
        self.0.soc_pct
    }

    #[getter]
    fn sigma_pct(&self) -> f64 {
        self.0.sigma_pct
    }

    #[getter]
    fn valid(&self) -> bool {
        self.0.valid()
    }

    #[getter]
    fn reason(&self) -> &'static str {
        reason_text(self.0.reason)
    }

    #[getter]
    fn innovation_v(&self) -> f64 {
        self.0.innovation_v
    }

    #[getter]
    fn innovation_variance_v2(&self) -> f64 {
        self.0.innovation_variance_v2
    }
}

fn reason_text(reason: Reason) -> &'static str {
    ESTIMATE_REASONS.get(reason as usize).copied().unwrap_or("")
}

/// The estimator of one battery.
#[pyclass(name = "Ekf", module = "simems_core")]
pub(in crate::python) struct PyEkf(Estimator);

#[pymethods]
impl PyEkf {
    #[new]
    #[pyo3(signature = (cell, *, series=1, parallel=1, initial_soc_pct=None, initial_sigma_pct=20.0))]
    fn new(
        cell: &PyCell,
        series: u32,
        parallel: u32,
        initial_soc_pct: Option<f64>,
        initial_sigma_pct: f64,
    ) -> PyResult<Self> {
        let start = start(initial_soc_pct, initial_sigma_pct);
        Ok(Self(Estimator::new(Arc::clone(&cell.model), Pack { series, parallel }, start)?))
    }

    fn step(&mut self, current_a: f64, voltage_v: f64, temperature_degc: f64, dt_s: f64) -> PyEstimate {
        PyEstimate(self.0.step(&Sample { current_a, voltage_v, temperature_degc, dt_s }))
    }

    #[allow(clippy::type_complexity, reason = "five columns of the contract")]
    fn run(
        &mut self,
        py: Python<'_>,
        time_s: PyBuffer<f64>,
        current_a: PyBuffer<f64>,
        voltage_v: PyBuffer<f64>,
        temperature_degc: PyBuffer<f64>,
    ) -> PyResult<(Vec<f64>, Vec<f64>, Vec<u8>, Vec<f64>, Vec<f64>)> {
        let columns = columns(py, [&time_s, &current_a, &voltage_v, &temperature_degc])?;
        let estimates = py.detach(|| estimates(&mut self.0, &columns));
        let column = |value: fn(&Estimate) -> f64| estimates.iter().map(value).collect();
        let reasons = estimates.iter().map(|estimate| estimate.reason as u8).collect::<Vec<u8>>();
        Ok((
            column(|estimate| estimate.soc_pct),
            column(|estimate| estimate.sigma_pct),
            reasons,
            column(|estimate| estimate.innovation_v),
            column(|estimate| estimate.innovation_variance_v2),
        ))
    }

    fn reset(&mut self) {
        self.0.reset();
    }
}

fn estimates(estimator: &mut Estimator, columns: &[Vec<f64>]) -> Vec<Estimate> {
    let [time_s, current_a, voltage_v, temperature_degc] = columns else { return Vec::new() };
    let mut before_s = time_s.first().copied().unwrap_or(0.0);
    let rows = time_s.iter().zip(current_a).zip(voltage_v).zip(temperature_degc);
    let step = |(((&time_s, &current_a), &voltage_v), &temperature_degc)| {
        let dt_s = time_s - before_s;
        before_s = time_s;
        estimator.step(&Sample { current_a, voltage_v, temperature_degc, dt_s })
    };
    rows.map(step).collect()
}

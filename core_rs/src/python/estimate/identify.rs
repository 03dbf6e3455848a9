//! `identify` and `FitReport`.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use super::cell::{PyCell, ocv_of};
use crate::estimate::identify::{FitReport, PulseTest, identify};

/// How well a pulse test was fitted.
#[pyclass(frozen, get_all, name = "FitReport", module = "simems_core")]
pub(in crate::python) struct PyFitReport {
    temperature_degc: f64,
    time_constants_s: (f64, f64),
    rmse_v: f64,
    soc_pct: (f64, f64),
    fitted_v: Vec<f64>,
}

impl From<FitReport> for PyFitReport {
    fn from(report: FitReport) -> Self {
        Self {
            temperature_degc: report.temperature_degc,
            time_constants_s: report.time_constants_s.into(),
            rmse_v: report.rmse_v,
            soc_pct: report.soc_pct.into(),
            fitted_v: report.fitted_v,
        }
    }
}

type TestColumns = (PyBuffer<f64>, PyBuffer<f64>, PyBuffer<f64>, PyBuffer<f64>);

/// The cell behind pulse tests, and how well each was fitted.
#[pyfunction(name = "identify")]
pub(in crate::python) fn identify_cell(
    py: Python<'_>,
    tests: Vec<TestColumns>,
    ocv: &Bound<'_, PyDict>,
    capacity_ah: f64,
) -> PyResult<(PyCell, Vec<PyFitReport>)> {
    let tests = tests.iter().map(|test| pulse_test(py, test)).collect::<PyResult<Vec<_>>>()?;
    let ocv = ocv_of(ocv)?;
    let found = py.detach(|| identify(&tests, &ocv, capacity_ah))?;
    Ok((PyCell::of(found.cell)?, found.reports.into_iter().map(Into::into).collect()))
}

fn pulse_test(py: Python<'_>, test: &TestColumns) -> PyResult<PulseTest> {
    let column = |buffer: &PyBuffer<f64>| buffer.to_vec(py);
    Ok(PulseTest {
        time_s: column(&test.0)?,
        current_a: column(&test.1)?,
        voltage_v: column(&test.2)?,
        temperature_degc: column(&test.3)?,
    })
}

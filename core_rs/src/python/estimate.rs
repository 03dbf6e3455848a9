//! `Cell`, `Ekf`, `EkfBank`, `CoulombCounter` and `identify`.

use std::sync::Arc;

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;
use pyo3::types::PyDict;

use crate::error::{Error, Result};
use crate::estimate::identify::{FitReport, PulseTest, identify};
use crate::estimate::{
    Bank, Cell, CellModel, CoulombCounter, Elements, Estimate, Estimator, Limits, Noise, Ocv, Pack, Reason,
    RestCorrection, Sample, Start,
};

/// Names of the reasons, by code.
pub(super) const ESTIMATE_REASONS: [&str; 7] =
    ["good", "not started", "missing", "stuck", "time", "contradicted", "unsure"];

/// One cell: what CELL.yaml holds.
#[pyclass(frozen, name = "Cell", module = "simems_core")]
pub(super) struct PyCell {
    cell: Cell,
    model: Arc<CellModel>,
}

impl PyCell {
    fn of(cell: Cell) -> Result<Self> {
        let model = Arc::new(CellModel::new(&cell)?);
        Ok(Self { cell, model })
    }
}

fn item<'py, T>(section: &Bound<'py, PyDict>, name: &str, key: &str) -> PyResult<T>
where
    T: for<'a> FromPyObject<'a, 'py>,
{
    let found = section.get_item(key)?.ok_or_else(|| Error::invalid(format!("{name}.{key} is missing")))?;
    found.extract().map_err(|_| Error::invalid(format!("{name}.{key} is not a number or list of numbers")).into())
}

fn ocv_of(section: &Bound<'_, PyDict>) -> PyResult<Ocv> {
    let list = |key: &str| item::<Vec<f64>>(section, "ocv", key);
    let hysteresis_v = if section.contains("hysteresis_v")? { list("hysteresis_v")? } else { Vec::new() };
    let rate = section.get_item("hysteresis_rate")?.map(|rate| rate.extract()).transpose()?;
    Ok(Ocv { soc_pct: list("soc_pct")?, ocv_v: list("ocv_v")?, hysteresis_v, hysteresis_rate: rate.unwrap_or(30.0) })
}

fn elements_of(section: &Bound<'_, PyDict>) -> PyResult<Elements> {
    let list = |key: &str| item::<Vec<f64>>(section, "elements", key);
    Ok(Elements {
        soc_pct: list("soc_pct")?,
        temperature_degc: list("temperature_degc")?,
        r0_ohm: list("r0_ohm")?,
        r0_bend_a: list("r0_bend_a")?,
        r1_ohm: list("r1_ohm")?,
        c1_f: list("c1_f")?,
        r2_ohm: list("r2_ohm")?,
        c2_f: list("c2_f")?,
    })
}

fn noise_of(section: &Bound<'_, PyDict>) -> PyResult<Noise> {
    let number = |key: &str| item::<f64>(section, "noise", key);
    Ok(Noise {
        voltage_v: number("voltage_v")?,
        current_offset_a: number("current_offset_a")?,
        current_scale: number("current_scale")?,
        model_v: number("model_v")?,
        model_share: number("model_share")?,
        model_time_s: number("model_time_s")?,
    })
}

fn limits_of(section: &Bound<'_, PyDict>) -> PyResult<Limits> {
    let number = |key: &str| item::<f64>(section, "limits", key);
    Ok(Limits {
        minimum_voltage_v: number("minimum_voltage_v")?,
        maximum_voltage_v: number("maximum_voltage_v")?,
        maximum_current_a: number("maximum_current_a")?,
        longest_step_s: number("longest_step_s")?,
    })
}

#[pymethods]
impl PyCell {
    #[new]
    #[pyo3(signature = (*, capacity_ah, ocv, elements, noise, limits))]
    fn new(
        capacity_ah: f64,
        ocv: &Bound<'_, PyDict>,
        elements: &Bound<'_, PyDict>,
        noise: &Bound<'_, PyDict>,
        limits: &Bound<'_, PyDict>,
    ) -> PyResult<Self> {
        Ok(Self::of(Cell {
            capacity_ah,
            ocv: ocv_of(ocv)?,
            elements: elements_of(elements)?,
            noise: noise_of(noise)?,
            limits: limits_of(limits)?,
        })?)
    }

    fn as_dict<'py>(&self, py: Python<'py>) -> PyResult<Bound<'py, PyDict>> {
        let cell = &self.cell;
        let out = PyDict::new(py);
        out.set_item("capacity_ah", cell.capacity_ah)?;
        out.set_item("ocv", ocv_dict(py, &cell.ocv)?)?;
        out.set_item("elements", elements_dict(py, &cell.elements)?)?;
        out.set_item("noise", noise_dict(py, &cell.noise)?)?;
        out.set_item("limits", limits_dict(py, &cell.limits)?)?;
        Ok(out)
    }

    fn soc_at_pct(&self, voltage_v: f64) -> f64 {
        let soc = self.model.soc_at(voltage_v);
        if soc.is_finite() { 100.0 * soc } else { 50.0 }
    }

    fn ocv_v(&self, soc_pct: f64) -> f64 {
        self.model.ocv(soc_pct / 100.0).0
    }
}

fn numbers<'py>(py: Python<'py>, rows: &[(&str, f64)]) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    rows.iter().try_for_each(|(key, value)| out.set_item(key, value))?;
    Ok(out)
}

fn ocv_dict<'py>(py: Python<'py>, ocv: &Ocv) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    out.set_item("soc_pct", ocv.soc_pct.clone())?;
    out.set_item("ocv_v", ocv.ocv_v.clone())?;
    if !ocv.hysteresis_v.is_empty() {
        out.set_item("hysteresis_v", ocv.hysteresis_v.clone())?;
    }
    out.set_item("hysteresis_rate", ocv.hysteresis_rate)?;
    Ok(out)
}

fn elements_dict<'py>(py: Python<'py>, elements: &Elements) -> PyResult<Bound<'py, PyDict>> {
    let out = PyDict::new(py);
    let columns = [
        ("soc_pct", &elements.soc_pct),
        ("temperature_degc", &elements.temperature_degc),
        ("r0_ohm", &elements.r0_ohm),
        ("r0_bend_a", &elements.r0_bend_a),
        ("r1_ohm", &elements.r1_ohm),
        ("c1_f", &elements.c1_f),
        ("r2_ohm", &elements.r2_ohm),
        ("c2_f", &elements.c2_f),
    ];
    columns.into_iter().try_for_each(|(key, values)| out.set_item(key, values.clone()))?;
    Ok(out)
}

fn noise_dict<'py>(py: Python<'py>, noise: &Noise) -> PyResult<Bound<'py, PyDict>> {
    numbers(
        py,
        &[
            ("voltage_v", noise.voltage_v),
            ("current_offset_a", noise.current_offset_a),
            ("current_scale", noise.current_scale),
            ("model_v", noise.model_v),
            ("model_share", noise.model_share),
            ("model_time_s", noise.model_time_s),
        ],
    )
}

fn limits_dict<'py>(py: Python<'py>, limits: &Limits) -> PyResult<Bound<'py, PyDict>> {
    numbers(
        py,
        &[
            ("minimum_voltage_v", limits.minimum_voltage_v),
            ("maximum_voltage_v", limits.maximum_voltage_v),
            ("maximum_current_a", limits.maximum_current_a),
            ("longest_step_s", limits.longest_step_s),
        ],
    )
}

/// The answer to one sample.
#[pyclass(frozen, name = "Estimate", module = "simems_core")]
pub(super) struct PyEstimate(Estimate);

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

fn start(initial_soc_pct: Option<f64>, sigma_pct: f64) -> Start {
    initial_soc_pct.map_or(Start::FromVoltage, |soc_pct| Start::Soc { soc_pct, sigma_pct })
}

/// The estimator of one battery.
#[pyclass(name = "Ekf", module = "simems_core")]
pub(super) struct PyEkf(Estimator);

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

fn columns<const COUNT: usize>(py: Python<'_>, buffers: [&PyBuffer<f64>; COUNT]) -> PyResult<Vec<Vec<f64>>> {
    let columns = buffers.iter().map(|buffer| buffer.to_vec(py)).collect::<PyResult<Vec<_>>>()?;
    let lengths: Vec<usize> = columns.iter().map(Vec::len).collect();
    if lengths.windows(2).any(|pair| matches!(pair, [a, b] if a != b)) {
        return Err(Error::invalid(format!("columns must be equally long, not {lengths:?}")).into());
    }
    Ok(columns)
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

/// Thousands of cells of one kind.
#[pyclass(name = "EkfBank", module = "simems_core")]
pub(super) struct PyEkfBank(Bank);

#[pymethods]
impl PyEkfBank {
    #[new]
    #[pyo3(signature = (cell, count, *, initial_soc_pct=None, initial_sigma_pct=20.0))]
    fn new(cell: &PyCell, count: usize, initial_soc_pct: Option<f64>, initial_sigma_pct: f64) -> PyResult<Self> {
        Ok(Self(Bank::new(&cell.model, count, start(initial_soc_pct, initial_sigma_pct))?))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    fn step(
        &mut self,
        py: Python<'_>,
        current_a: PyBuffer<f64>,
        voltage_v: PyBuffer<f64>,
        temperature_degc: PyBuffer<f64>,
        dt_s: f64,
    ) -> PyResult<()> {
        let columns = columns(py, [&current_a, &voltage_v, &temperature_degc])?;
        let [current, voltage, temperature] = columns.as_slice() else { return Ok(()) };
        if current.len() != self.0.len() {
            let (given, count) = (current.len(), self.0.len());
            return Err(Error::invalid(format!("one value for each of {count} cells, not {given}")).into());
        }
        let rows = current.iter().zip(voltage).zip(temperature);
        let sample =
            |((&current_a, &voltage_v), &temperature_degc)| Sample { current_a, voltage_v, temperature_degc, dt_s };
        py.detach(|| self.0.step(rows.map(sample)));
        Ok(())
    }

    fn soc_pct(&self) -> Vec<f64> {
        self.0.estimates().iter().map(|estimate| estimate.soc_pct).collect()
    }

    fn sigma_pct(&self) -> Vec<f64> {
        self.0.estimates().iter().map(|estimate| estimate.sigma_pct).collect()
    }

    fn valid(&self) -> Vec<bool> {
        self.0.estimates().iter().map(Estimate::valid).collect()
    }
}

/// Counts charge.
#[pyclass(name = "CoulombCounter", module = "simems_core")]
pub(super) struct PyCoulombCounter(CoulombCounter);

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

/// How well a pulse test was fitted.
#[pyclass(frozen, get_all, name = "FitReport", module = "simems_core")]
pub(super) struct PyFitReport {
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
pub(super) fn identify_cell(
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

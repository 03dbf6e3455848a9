//! `EkfBank`.

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;

use super::cell::PyCell;
use super::{columns, start};
use crate::error::Error;
use crate::estimate::{Bank, Estimate, Pack, Sample};

/// SOC in percent of all, or of each.
#[derive(FromPyObject)]
enum Initial {
    All(f64),
    Each(Vec<f64>),
}

/// Thousands of cells of one kind.
#[pyclass(name = "EkfBank", module = "simems_core")]
pub(in crate::python) struct PyEkfBank(Bank);

#[pymethods]
impl PyEkfBank {
    #[new]
    #[pyo3(signature = (cell, count, *, series=1, parallel=1, initial_soc_pct=None, initial_sigma_pct=20.0))]
    fn new(
        cell: &PyCell,
        count: usize,
        series: u32,
        parallel: u32,
        initial_soc_pct: Option<Initial>,
        initial_sigma_pct: f64,
    ) -> PyResult<Self> {
        let each = |soc_pct: Option<f64>| start(soc_pct, initial_sigma_pct);
        let starts = match initial_soc_pct {
            Some(Initial::Each(each_pct)) if each_pct.len() != count => {
                let given = each_pct.len();
                return Err(Error::invalid(format!("initial_soc_pct must have {count} values, not {given}")).into());
            }
            Some(Initial::Each(each_pct)) => each_pct.into_iter().map(|soc_pct| each(Some(soc_pct))).collect(),
            Some(Initial::All(soc_pct)) => vec![each(Some(soc_pct)); count],
            None => vec![each(None); count],
        };
        Ok(Self(Bank::new(&cell.model, Pack { series, parallel }, &starts)?))
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

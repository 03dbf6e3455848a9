//! `Cell`, `Ekf`, `EkfBank`, `LiveEstimator`, `CoulombCounter` and `identify`.

mod bank;
mod cell;
mod coulomb;
mod ekf;
mod identify;
mod live;

use pyo3::buffer::PyBuffer;
use pyo3::prelude::*;

pub(super) use bank::PyEkfBank;
pub(super) use cell::PyCell;
pub(super) use coulomb::PyCoulombCounter;
pub(super) use ekf::{ESTIMATE_REASONS, PyEkf, PyEstimate};
pub(super) use identify::{PyFitReport, identify_cell};
pub(super) use live::{PyEstimatorMemory, PyLiveEstimator};

use crate::error::Error;
use crate::estimate::Start;

fn columns<const COUNT: usize>(py: Python<'_>, buffers: [&PyBuffer<f64>; COUNT]) -> PyResult<Vec<Vec<f64>>> {
    let columns = buffers.iter().map(|buffer| buffer.to_vec(py)).collect::<PyResult<Vec<_>>>()?;
    let lengths: Vec<usize> = columns.iter().map(Vec::len).collect();
    if lengths.windows(2).any(|pair| matches!(pair, [a, b] if a != b)) {
        return Err(Error::invalid(format!("columns must be equally long, not {lengths:?}")).into());
    }
    Ok(columns)
}

fn start(initial_soc_pct: Option<f64>, sigma_pct: f64) -> Start {
    initial_soc_pct.map_or(Start::FromVoltage, |soc_pct| Start::Soc { soc_pct, sigma_pct })
}

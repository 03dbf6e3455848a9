//! Columns as bytes: little-endian values in, packed bytes out, and back.

use pyo3::prelude::*;
use pyo3::types::PyBytes;

use super::CoreError;
use crate::pack::{pack, unpack};

const WIDTH: usize = size_of::<i64>();

/// Packs int64 values.
#[pyfunction]
pub(super) fn pack_integers<'py>(py: Python<'py>, values: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let numbers = numbers(values, i64::from_le_bytes)?;
    Ok(PyBytes::new(py, &py.detach(|| pack(&numbers))?))
}

/// Unpacks int64 values.
#[pyfunction]
pub(super) fn unpack_integers<'py>(py: Python<'py>, packed: &[u8], count: usize) -> PyResult<Bound<'py, PyBytes>> {
    let values = py.detach(|| unpack::<i64>(packed, count))?;
    Ok(bytes(py, values.into_iter().map(i64::to_le_bytes)))
}

/// Packs doubles.
#[pyfunction]
pub(super) fn pack_doubles<'py>(py: Python<'py>, values: &[u8]) -> PyResult<Bound<'py, PyBytes>> {
    let numbers = numbers(values, f64::from_le_bytes)?;
    Ok(PyBytes::new(py, &py.detach(|| pack(&numbers))?))
}

/// Unpacks doubles.
#[pyfunction]
pub(super) fn unpack_doubles<'py>(py: Python<'py>, packed: &[u8], count: usize) -> PyResult<Bound<'py, PyBytes>> {
    let values = py.detach(|| unpack::<f64>(packed, count))?;
    Ok(bytes(py, values.into_iter().map(f64::to_le_bytes)))
}

fn numbers<T>(bytes: &[u8], number: impl Fn([u8; WIDTH]) -> T) -> PyResult<Vec<T>> {
    let (whole, rest) = bytes.as_chunks::<WIDTH>();
    if !rest.is_empty() {
        return Err(CoreError::new_err(format!("{} bytes are no column of 8-byte values", bytes.len())));
    }
    Ok(whole.iter().copied().map(number).collect())
}

fn bytes(py: Python<'_>, values: impl Iterator<Item = [u8; WIDTH]>) -> Bound<'_, PyBytes> {
    PyBytes::new(py, &values.flatten().collect::<Vec<u8>>())
}

//! `Snapshot`.

use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64};

use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

use super::CoreError;
use super::columns::{Owner, view};
use crate::image::{Reader, Snapshot};

/// What one cycle saw.
#[pyclass(frozen, name = "Snapshot", module = "simems_core")]
pub(super) struct PySnapshot(pub(super) Snapshot);

impl PySnapshot {
    fn reader(&self) -> PyResult<Reader<'_>> {
        self.0.reader().ok_or_else(|| CoreError::new_err("the snapshot has no buffer"))
    }

    fn at(&self, handle: i64) -> PyResult<(Reader<'_>, usize)> {
        Ok((self.reader()?, self.0.image().checked(handle)?))
    }

    fn buffer(&self) -> PyResult<&crate::image::Buffer> {
        self.0.buffer().ok_or_else(|| CoreError::new_err("the snapshot has no buffer"))
    }
}

#[pymethods]
impl PySnapshot {
    #[getter]
    fn cycle(&self) -> PyResult<u64> {
        Ok(self.reader()?.cycle())
    }

    #[getter]
    fn time_ns(&self) -> PyResult<i64> {
        Ok(self.reader()?.time_ns())
    }

    // An atomic has the layout of its number, and a pinned buffer is not written.
    #[getter]
    fn values<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        let values: &[AtomicU64] = &slf.get().buffer()?.values;
        let (start, length) = (values.as_ptr().cast::<f64>(), values.len());
        view(slf.py(), Owner::Snapshot(slf.clone().unbind()), start, &[length])
    }

    #[getter]
    fn times_ns<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        let times: &[AtomicI64] = &slf.get().buffer()?.times_ns;
        let (start, length) = (times.as_ptr().cast::<i64>(), times.len());
        view(slf.py(), Owner::Snapshot(slf.clone().unbind()), start, &[length])
    }

    #[getter]
    fn qualities<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        let qualities: &[AtomicU8] = &slf.get().buffer()?.qualities;
        let (start, length) = (qualities.as_ptr().cast::<u8>(), qualities.len());
        view(slf.py(), Owner::Snapshot(slf.clone().unbind()), start, &[length])
    }

    fn value(&self, handle: i64) -> PyResult<f64> {
        let (reader, handle) = self.at(handle)?;
        Ok(reader.value(handle))
    }

    fn last_value(&self, handle: i64) -> PyResult<f64> {
        let (reader, handle) = self.at(handle)?;
        Ok(reader.last_value(handle))
    }

    fn quality(&self, handle: i64) -> PyResult<u8> {
        let (reader, handle) = self.at(handle)?;
        Ok(reader.quality(handle) as u8)
    }

    fn time_of(&self, handle: i64) -> PyResult<i64> {
        let (reader, handle) = self.at(handle)?;
        Ok(reader.time_of(handle))
    }

    fn value_at(&self, handle: i64, time_ns: i64) -> PyResult<f64> {
        let (reader, handle) = self.at(handle)?;
        Ok(reader.value_at(handle, time_ns))
    }
}

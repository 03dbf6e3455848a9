//! `Snapshot`.

use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

use super::CoreError;
use super::columns::{Owner, stepped, view};
use crate::image::{Cell, Reader, Snapshot};

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

    fn cells(&self) -> PyResult<(*const Cell, usize)> {
        let buffer = self.0.buffer().ok_or_else(|| CoreError::new_err("the snapshot has no buffer"))?;
        Ok((buffer.cells.as_ptr(), buffer.cells.len()))
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

    // A cell is value, time and quality in this order; a held buffer is not written.
    #[getter]
    fn values<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        let (start, count) = slf.get().cells()?;
        stepped(slf.py(), Owner::of(&slf), start.cast::<f64>(), count, size_of::<Cell>())
    }

    #[getter]
    fn times_ns<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        let (start, count) = slf.get().cells()?;
        let start = start.cast::<i64>().wrapping_add(1);
        stepped(slf.py(), Owner::of(&slf), start, count, size_of::<Cell>())
    }

    // Made on demand: what a value is worth depends on its age at the latch.
    #[getter]
    fn qualities<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        let reader = slf.get().reader()?;
        let codes: Box<[u8]> = (0..slf.get().0.image().len()).map(|handle| reader.quality(handle) as u8).collect();
        let (start, count) = (codes.as_ptr(), codes.len());
        view(slf.py(), Owner::Made(codes), start, &[count])
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

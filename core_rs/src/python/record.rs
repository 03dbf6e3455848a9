//! `Recorder` and `Rows`.

use std::sync::Arc;

use pyo3::prelude::*;
use pyo3::types::PyMemoryView;

use super::columns::{Owner, view};
use super::image::PyProcessImage;
use crate::record::{Recorder, Rows};

/// Samples chosen channels at a fixed interval.
#[pyclass(frozen, name = "Recorder", module = "simems_core")]
pub(super) struct PyRecorder(pub(super) Arc<Recorder>);

#[pymethods]
impl PyRecorder {
    #[new]
    #[pyo3(signature = (image, handles, *, interval_s, capacity=4096))]
    fn new(image: &PyProcessImage, handles: Vec<i64>, interval_s: f64, capacity: i64) -> PyResult<Self> {
        let handles = handles.into_iter().map(|handle| image.0.checked(handle)).collect::<Result<Vec<_>, _>>()?;
        let capacity = usize::try_from(capacity).unwrap_or(0);
        Ok(Self(Recorder::new(Arc::clone(&image.0), handles, interval_s, capacity)?))
    }

    #[getter]
    fn handles(&self) -> Vec<usize> {
        self.0.handles().to_vec()
    }

    #[getter]
    fn lost(&self) -> u64 {
        self.0.lost()
    }

    #[pyo3(signature = (max_rows=4096))]
    fn drain(&self, py: Python<'_>, max_rows: i64) -> PyRows {
        let max_rows = usize::try_from(max_rows).unwrap_or(0);
        PyRows(py.detach(|| self.0.drain(max_rows)))
    }
}

/// Rows taken out of a recorder.
#[pyclass(frozen, name = "Rows", module = "simems_core")]
pub(super) struct PyRows(Rows);

#[pymethods]
impl PyRows {
    #[getter]
    fn count(&self) -> usize {
        self.0.times_ns.len()
    }

    #[getter]
    fn times_ns<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        let times = &slf.get().0.times_ns;
        view(slf.py(), Owner::of(&slf), times.as_ptr(), &[times.len()])
    }

    #[getter]
    fn values<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        let rows = &slf.get().0;
        let shape = [rows.times_ns.len(), rows.columns];
        view(slf.py(), Owner::of(&slf), rows.values.as_ptr(), &shape)
    }

    #[getter]
    fn qualities<'py>(slf: Bound<'py, Self>) -> PyResult<Bound<'py, PyMemoryView>> {
        let rows = &slf.get().0;
        let shape = [rows.times_ns.len(), rows.columns];
        view(slf.py(), Owner::of(&slf), rows.qualities.as_ptr(), &shape)
    }
}

//! `ProcessImage`.

use std::sync::Arc;

use pyo3::prelude::*;

use super::CoreError;
use super::channel::PyChannel;
use super::snapshot::PySnapshot;
use crate::image::{Image, Latcher, Quality};

/// The tag table and its values.
#[pyclass(frozen, name = "ProcessImage", module = "simems_core")]
pub(super) struct PyProcessImage(pub(super) Arc<Image>);

#[pymethods]
impl PyProcessImage {
    #[new]
    #[pyo3(signature = (channels, *, history=64, shared=false))]
    fn new(channels: Vec<PyRef<'_, PyChannel>>, history: i64, shared: bool) -> PyResult<Self> {
        let channels = channels.iter().map(|channel| channel.0.clone()).collect();
        let make = if shared { Image::shared } else { Image::new };
        Ok(Self(make(channels, usize::try_from(history).unwrap_or(0))?))
    }

    fn __len__(&self) -> usize {
        self.0.len()
    }

    #[getter]
    fn channels(&self) -> Vec<PyChannel> {
        self.0.channels().iter().cloned().map(PyChannel).collect()
    }

    fn handle(&self, address: &str) -> PyResult<usize> {
        Ok(self.0.handle(address)?)
    }

    fn find(&self, address: &str) -> Option<usize> {
        self.0.find(address)
    }

    #[pyo3(signature = (handle, value, time_ns, quality=0))]
    fn publish(&self, handle: i64, value: f64, time_ns: i64, quality: i64) -> PyResult<()> {
        Ok(self.0.publish(self.0.checked(handle)?, value, time_ns, Quality::parse(quality)?)?)
    }

    #[pyo3(signature = (handles, values, time_ns, qualities=None))]
    fn publish_many(
        &self,
        handles: Vec<i64>,
        values: Vec<f64>,
        time_ns: i64,
        qualities: Option<Vec<i64>>,
    ) -> PyResult<()> {
        let qualities = qualities.unwrap_or_else(|| vec![0; handles.len()]);
        if handles.len() != values.len() || handles.len() != qualities.len() {
            return Err(CoreError::new_err(format!(
                "publish_many needs as many values as handles: {} handles, {} values, {} qualities",
                handles.len(),
                values.len(),
                qualities.len()
            )));
        }
        let rows = handles.iter().zip(&values).zip(&qualities);
        let checked =
            rows.map(|((&handle, &value), &code)| Ok((self.0.checked(handle)?, value, Quality::parse(code)?)));
        let checked = checked.collect::<crate::error::Result<Vec<_>>>()?;
        for (handle, value, quality) in checked {
            self.0.publish(handle, value, time_ns, quality)?;
        }
        Ok(())
    }

    fn snapshot(&self) -> PyResult<PySnapshot> {
        Ok(PySnapshot(self.0.snapshot()?))
    }

    fn latch(&self, time_ns: i64) -> PyResult<PySnapshot> {
        let mut latcher = Latcher::claim(&self.0)?;
        latcher.latch(time_ns, true)?;
        Ok(PySnapshot(self.0.snapshot()?))
    }
}

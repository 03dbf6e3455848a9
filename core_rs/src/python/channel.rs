//! `Channel`.

use std::collections::BTreeMap;

use pyo3::prelude::*;

use crate::image::{Channel, Scaling};

/// One row of the tag table.
#[pyclass(frozen, name = "Channel", module = "simems_core")]
pub(super) struct PyChannel(pub(super) Channel);

#[pymethods]
impl PyChannel {
    #[new]
    #[pyo3(signature = (address, *, unit="", kind="float", access="read", scale=1.0, offset=0.0,
        resolution=0.0, minimum=f64::NEG_INFINITY,
        maximum=f64::INFINITY, stale_after_s=5.0, labels=None))]
    #[allow(clippy::too_many_arguments, reason = "keyword arguments of the contract")]
    fn new(
        address: String,
        unit: &str,
        kind: &str,
        access: &str,
        scale: f64,
        offset: f64,
        resolution: f64,
        minimum: f64,
        maximum: f64,
        stale_after_s: f64,
        labels: Option<BTreeMap<i64, String>>,
    ) -> PyResult<Self> {
        let mut channel = Channel::new(address).with_kind(kind, access)?;
        unit.clone_into(&mut channel.unit);
        channel.scaling = Scaling { factor: scale, offset };
        (channel.resolution, channel.stale_after_s) = (resolution, stale_after_s);
        (channel.minimum, channel.maximum) = (minimum, maximum);
        channel.labels = labels.unwrap_or_default();
        channel.validate()?;
        Ok(Self(channel))
    }

    #[getter]
    fn address(&self) -> &str {
        &self.0.address
    }

    #[getter]
    fn unit(&self) -> &str {
        &self.0.unit
    }

    #[getter]
    fn kind(&self) -> &'static str {
        self.0.kind.name()
    }

    #[getter]
    fn access(&self) -> &'static str {
        if self.0.writable { "write" } else { "read" }
    }

    #[getter]
    fn scale(&self) -> f64 {
        self.0.scaling.factor
    }

    #[getter]
    fn offset(&self) -> f64 {
        self.0.scaling.offset
    }

    #[getter]
    fn resolution(&self) -> f64 {
        self.0.resolution
    }

    #[getter]
    fn minimum(&self) -> f64 {
        self.0.minimum
    }

    #[getter]
    fn maximum(&self) -> f64 {
        self.0.maximum
    }

    #[getter]
    fn stale_after_s(&self) -> f64 {
        self.0.stale_after_s
    }

    #[getter]
    fn labels(&self) -> BTreeMap<i64, String> {
        self.0.labels.clone()
    }

    fn __repr__(&self) -> String {
        format!("Channel({:?}, unit={:?}, kind={:?})", self.0.address, self.0.unit, self.0.kind.name())
    }
}

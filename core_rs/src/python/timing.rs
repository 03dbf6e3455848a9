//! `image_times_ns`, for the figures.

use std::collections::BTreeMap;

use pyo3::prelude::*;

use super::CoreError;
use crate::image::times;

/// Medians in nanoseconds over the rounds.
#[pyfunction]
pub(super) fn image_times_ns(py: Python<'_>, channels: i64, rounds: i64) -> PyResult<BTreeMap<&'static str, f64>> {
    let within = |count: i64| usize::try_from(count).ok().filter(|count| (1..=100_000).contains(count));
    let Some((channels, rounds)) = within(channels).zip(within(rounds)) else {
        return Err(CoreError::new_err(format!("needs 1 to 100000 channels and rounds, not {channels} and {rounds}")));
    };
    let times = py.detach(|| times(channels, rounds))?;
    Ok(BTreeMap::from([
        ("publish", times.publish),
        ("latch", times.latch),
        ("history", times.history),
        ("latch_unchanged", times.latch_unchanged),
        ("copy", times.copy),
        ("acquire", times.acquire),
    ]))
}

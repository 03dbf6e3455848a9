//! `CycleGuest`.

use std::os::fd::{FromRawFd, OwnedFd};
use std::sync::Arc;

use pyo3::prelude::*;

use super::CoreError;
use super::clock::{SIGNAL_CHECK_NS, patience_ns};
use super::image::PyProcessImage;
use super::proposal::read;
use super::snapshot::PySnapshot;
use crate::clock::{host_now_ns, seconds_to_ns};
use crate::cycle::Guest;

/// A cycle from inside the process of a desk.
#[pyclass(frozen, name = "CycleGuest", module = "simems_core")]
pub(super) struct PyCycleGuest(Guest);

fn owned(file: i32) -> PyResult<OwnedFd> {
    // SAFETY: F_GETFD touches nothing; a descriptor that is not open is refused before it is taken over.
    if file < 0 || unsafe { libc::fcntl(file, libc::F_GETFD) } < 0 {
        return Err(CoreError::new_err(format!("{file} is no open descriptor")));
    }
    // SAFETY: open, as just checked; the caller hands it over.
    Ok(unsafe { OwnedFd::from_raw_fd(file) })
}

#[pymethods]
impl PyCycleGuest {
    #[new]
    fn new(board: i32, desk: i32, bell: i32) -> PyResult<Self> {
        Ok(Self(Guest::attach(owned(board)?, owned(desk)?, owned(bell)?)?))
    }

    #[getter]
    fn image(&self) -> PyProcessImage {
        PyProcessImage(Arc::clone(self.0.image()))
    }

    #[getter]
    fn number(&self) -> u64 {
        self.0.number()
    }

    #[getter]
    fn stopped(&self) -> bool {
        self.0.has_stopped()
    }

    fn wait(&self, py: Python<'_>, after: u64, timeout_s: f64) -> PyResult<Option<PySnapshot>> {
        let deadline_ns = host_now_ns().saturating_add(patience_ns(timeout_s)?);
        loop {
            let left_ns = deadline_ns.saturating_sub(host_now_ns()).max(0);
            let found = py.detach(|| self.0.wait(after, left_ns.min(SIGNAL_CHECK_NS)))?;
            py.check_signals()?;
            if found.is_some() || self.0.has_stopped() || host_now_ns() >= deadline_ns {
                return Ok(found.map(PySnapshot));
            }
        }
    }

    fn vigil(&self, py: Python<'_>, after: u64, timeout_s: f64) -> PyResult<bool> {
        let timeout_ns = patience_ns(timeout_s)?;
        Ok(py.detach(|| self.0.vigil(after, timeout_ns)))
    }

    fn propose(&self, source: i64, cycle: i64, proposals: &Bound<'_, PyAny>) -> PyResult<bool> {
        match read(proposals) {
            Ok(proposals) => Ok(self.0.propose(source, cycle, &proposals)?),
            Err(error) => {
                self.0.withdraw(source)?;
                Err(error)
            }
        }
    }

    fn rehearse(&self, proposals: &Bound<'_, PyAny>) -> PyResult<()> {
        Ok(self.0.rehearse(&read(proposals)?)?)
    }

    fn publish(&self, handle: i64, value: f64, time_ns: i64) -> PyResult<()> {
        Ok(self.0.publish(self.0.image().checked(handle)?, value, time_ns)?)
    }
}

/// Round trips of a bare futex between this process and a child of it, in microseconds.
#[pyfunction]
pub(super) fn ping_pong_us(py: Python<'_>, count: i64, pause_s: f64) -> PyResult<Vec<f64>> {
    let rounds = usize::try_from(count).ok().filter(|count| (1..=1_000_000).contains(count));
    match rounds.filter(|_| (0.0..=1.0).contains(&pause_s)) {
        Some(rounds) => Ok(py.detach(|| crate::cycle::ping_pong_us(rounds, seconds_to_ns(pause_s)))?),
        None => Err(CoreError::new_err(format!(
            "needs 1 to 1000000 rounds and a pause_s of 0 to 1, not {count} and {pause_s}"
        ))),
    }
}

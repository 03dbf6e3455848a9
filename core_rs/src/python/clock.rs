//! `Clock`.

use std::sync::Arc;

use pyo3::prelude::*;

use super::CoreError;
use crate::clock::{Clock, host_now_ns, host_sleep_until, seconds_to_ns};
use crate::error::Error;

/// A signal is noticed after at most this long a sleep.
pub(super) const SIGNAL_CHECK_NS: i64 = 100_000_000;

/// What a caller of a wait gave for its time-out.
pub(super) fn patience_ns(timeout_s: f64) -> PyResult<i64> {
    if timeout_s.is_nan() || timeout_s < 0.0 {
        return Err(CoreError::new_err(format!("timeout_s must be 0 or more, not {timeout_s}")));
    }
    Ok(seconds_to_ns(timeout_s))
}

/// The one source of time of a process.
#[pyclass(frozen, name = "Clock", module = "simems_core")]
pub(super) struct PyClock(pub(super) Arc<Clock>);

#[pymethods]
impl PyClock {
    #[staticmethod]
    fn monotonic() -> Self {
        Self(Arc::new(Clock::Monotonic))
    }

    #[staticmethod]
    fn scaled(origin_ns: i64, origin_utc_us: i64, speed: f64) -> PyResult<Self> {
        Ok(Self(Arc::new(Clock::scaled(origin_ns, origin_utc_us, speed)?)))
    }

    #[staticmethod]
    fn simulated(origin_utc_us: i64) -> Self {
        Self(Arc::new(Clock::simulated(origin_utc_us)))
    }

    #[staticmethod]
    fn stepped(utc_us: i64) -> Self {
        Self(Arc::new(Clock::stepped(utc_us)))
    }

    fn set_wall(&self, utc_us: i64) -> PyResult<()> {
        Ok(self.0.set_wall(utc_us)?)
    }

    #[getter]
    fn speed(&self) -> f64 {
        self.0.speed()
    }

    fn now_ns(&self) -> i64 {
        self.0.now_ns()
    }

    fn utc_us(&self, time_ns: i64) -> i64 {
        self.0.utc_us(time_ns)
    }

    fn advance_to(&self, time_ns: i64) -> PyResult<()> {
        Ok(self.0.advance_to(time_ns)?)
    }

    fn sleep_until(&self, py: Python<'_>, time_ns: i64) -> PyResult<()> {
        let refusal = Error::Order("a simulated clock does not sleep: advance it");
        let deadline_ns = self.0.to_host_ns(time_ns).ok_or(refusal)?;
        loop {
            let now_ns = host_now_ns();
            if now_ns >= deadline_ns {
                return Ok(());
            }
            py.detach(|| host_sleep_until(deadline_ns.min(now_ns.saturating_add(SIGNAL_CHECK_NS))));
            py.check_signals()?;
        }
    }
}

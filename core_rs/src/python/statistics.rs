//! `CycleStatistics`, and the reference for its lateness.

use pyo3::prelude::*;

use super::CoreError;
use crate::clock::seconds_to_ns;
use crate::cycle::{Phase, Statistics};

/// Counters and quantiles at one moment.
#[pyclass(frozen, get_all, name = "CycleStatistics", module = "simems_core")]
pub(super) struct PyCycleStatistics {
    cycles: u64,
    skipped: u64,
    overruns: u64,
    late_proposals: u64,
    refused_proposals: u64,
    unfinished_splits: u64,
    work_us_p50: f64,
    work_us_p99: f64,
    work_us_max: f64,
    lateness_us_p50: f64,
    lateness_us_p99: f64,
    lateness_us_p999: f64,
    lateness_us_max: f64,
    lateness_1min_us_p50: f64,
    lateness_1min_us_p99: f64,
    lateness_1min_us_p999: f64,
    lateness_1min_us_max: f64,
    latch_us_p50: f64,
    latch_us_p99: f64,
    estimate_us_p50: f64,
    estimate_us_p99: f64,
    propose_wait_us_p50: f64,
    propose_wait_us_p99: f64,
    arbitrate_us_p50: f64,
    arbitrate_us_p99: f64,
    guard_us_p50: f64,
    guard_us_p99: f64,
    publish_us_p50: f64,
    publish_us_p99: f64,
    input_age_s_p50: f64,
    input_age_s_max: f64,
    realtime: bool,
    memory_locked: bool,
}

impl From<&Statistics> for PyCycleStatistics {
    fn from(statistics: &Statistics) -> Self {
        let [work_us_p50, work_us_p99] = statistics.work.quantiles_us([0.5, 0.99]);
        let shares = [0.5, 0.99, 0.999];
        let [lateness_us_p50, lateness_us_p99, lateness_us_p999] = statistics.lateness.quantiles_us(shares);
        let minute = statistics.lateness_1min.quantiles_us(shares);
        let phase = |phase| statistics.phase(phase).map_or([0.0; 2], |spent| spent.quantiles_us([0.5, 0.99]));
        let (latch, estimate, wait) = (phase(Phase::Latch), phase(Phase::Estimate), phase(Phase::ProposeWait));
        let (arbitrate, guard, publish) = (phase(Phase::Arbitrate), phase(Phase::Guard), phase(Phase::Publish));
        Self {
            cycles: statistics.cycles(),
            skipped: statistics.skipped(),
            overruns: statistics.overruns(),
            late_proposals: statistics.late_proposals(),
            refused_proposals: statistics.refused_proposals(),
            unfinished_splits: statistics.unfinished_splits(),
            work_us_p50,
            work_us_p99,
            work_us_max: statistics.work.max_us(),
            lateness_us_p50,
            lateness_us_p99,
            lateness_us_p999,
            lateness_us_max: statistics.lateness.max_us(),
            lateness_1min_us_p50: minute[0],
            lateness_1min_us_p99: minute[1],
            lateness_1min_us_p999: minute[2],
            lateness_1min_us_max: statistics.lateness_1min.max_us(),
            latch_us_p50: latch[0],
            latch_us_p99: latch[1],
            estimate_us_p50: estimate[0],
            estimate_us_p99: estimate[1],
            propose_wait_us_p50: wait[0],
            propose_wait_us_p99: wait[1],
            arbitrate_us_p50: arbitrate[0],
            arbitrate_us_p99: arbitrate[1],
            guard_us_p50: guard[0],
            guard_us_p99: guard[1],
            publish_us_p50: publish[0],
            publish_us_p99: publish[1],
            input_age_s_p50: statistics.ages().median_s(),
            input_age_s_max: statistics.ages().largest_s(),
            realtime: statistics.grants().realtime(),
            memory_locked: statistics.grants().memory_locked(),
        }
    }
}

/// Lateness in microseconds of a bare sleep loop of the same policy, on its own thread.
#[pyfunction]
pub(super) fn bare_sleep_lateness(py: Python<'_>, period_s: f64, cycles: i64) -> PyResult<Vec<f64>> {
    let count = usize::try_from(cycles).ok().filter(|count| (1..=10_000_000).contains(count));
    match count.filter(|_| (1e-5..=60.0).contains(&period_s)) {
        Some(count) => Ok(py.detach(|| crate::cycle::bare_sleep_lateness(seconds_to_ns(period_s), count))),
        None => Err(CoreError::new_err(format!(
            "needs a period_s of 0.00001 to 60 and 1 to 10000000 cycles, not {period_s} and {cycles}"
        ))),
    }
}

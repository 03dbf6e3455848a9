//! `Cycle`, `Decision` and `CycleStatistics`.

use std::collections::BTreeMap;
use std::sync::Arc;

use pyo3::prelude::*;

use super::CoreError;
use super::clock::{PyClock, SIGNAL_CHECK_NS};
use super::control::{PyActuator, PyGuard, PySource};
use super::estimate::PyLiveEstimator;
use super::image::PyProcessImage;
use super::record::PyRecorder;
use super::snapshot::PySnapshot;
use super::states::PyStates;
use crate::clock::{host_now_ns, seconds_to_ns};
use crate::cycle::{Configuration, Cycle, Decided, Proposal, Shared, Statistics};

type Row = (i64, Option<f64>, Option<f64>, Option<f64>, Option<f64>);

/// latch -> estimate -> wake controllers -> propose deadline -> arbitrate -> guard -> publish -> statistics.
#[pyclass(frozen, name = "Cycle", module = "simems_core")]
pub(super) struct PyCycle(Cycle);

impl PyCycle {
    fn decisions_of(&self, decided: Vec<Decided>) -> Vec<PyDecision> {
        let decision = |(index, decided)| PyDecision { shared: Arc::clone(self.0.shared()), index, decided };
        decided.into_iter().enumerate().map(decision).collect()
    }

    // Waits without the GIL, looking for signals now and then.
    fn patiently<T: Send>(
        &self,
        py: Python<'_>,
        timeout_s: f64,
        wait: impl Fn(&Shared, i64) -> Option<T> + Sync,
    ) -> PyResult<Option<T>> {
        if timeout_s.is_nan() || timeout_s < 0.0 {
            return Err(CoreError::new_err(format!("timeout_s must be 0 or more, not {timeout_s}")));
        }
        let shared = self.0.shared();
        let deadline_ns = host_now_ns().saturating_add(seconds_to_ns(timeout_s));
        loop {
            let left_ns = deadline_ns.saturating_sub(host_now_ns()).max(0);
            let found = py.detach(|| wait(shared, left_ns.min(SIGNAL_CHECK_NS)));
            py.check_signals()?;
            if found.is_some() || shared.has_stopped() || host_now_ns() >= deadline_ns {
                return Ok(found);
            }
        }
    }
}

#[pymethods]
impl PyCycle {
    #[new]
    #[pyo3(signature = (image, *, period_s, sources, actuators, guards, clock, propose_share=0.5))]
    fn new(
        image: &PyProcessImage,
        period_s: f64,
        sources: Vec<PyRef<'_, PySource>>,
        actuators: Vec<PyRef<'_, PyActuator>>,
        guards: Vec<PyRef<'_, PyGuard>>,
        clock: &PyClock,
        propose_share: f64,
    ) -> PyResult<Self> {
        let configuration = Configuration {
            period_s,
            sources: sources.iter().map(|source| source.0.clone()).collect(),
            actuators: actuators.iter().map(|actuator| actuator.0.clone()).collect(),
            guards: guards.iter().map(|guard| guard.0.clone()).collect(),
            propose_share,
        };
        Ok(Self(Cycle::new(Arc::clone(&image.0), Arc::clone(&clock.0), configuration)?))
    }

    fn start(&self, py: Python<'_>) -> PyResult<()> {
        Ok(py.detach(|| self.0.start())?)
    }

    fn stop(&self, py: Python<'_>) {
        py.detach(|| self.0.stop());
    }

    #[getter]
    fn running(&self) -> bool {
        self.0.running()
    }

    #[getter]
    fn number(&self) -> u64 {
        self.0.shared().number()
    }

    fn wait(&self, py: Python<'_>, after: i64, timeout_s: f64) -> PyResult<Option<PySnapshot>> {
        let found = self.patiently(py, timeout_s, |shared, timeout_ns| shared.wait(after, timeout_ns))?;
        Ok(found.map(PySnapshot))
    }

    fn wait_decisions(&self, py: Python<'_>, after: i64, timeout_s: f64) -> PyResult<Option<(u64, Vec<PyDecision>)>> {
        let found = self.patiently(py, timeout_s, |shared, timeout_ns| shared.wait_decisions(after, timeout_ns))?;
        Ok(found.map(|(cycle, decided)| (cycle, self.decisions_of(decided))))
    }

    fn propose(&self, source: i64, cycle: i64, proposals: &Bound<'_, PyAny>) -> PyResult<bool> {
        let rows: Vec<Row> = match proposals.extract() {
            Ok(rows) => rows,
            Err(error) => {
                self.0.shared().withdraw(source)?;
                return Err(CoreError::new_err(format!(
                    "proposals must be rows of (actuator, preferred, lower, upper, offset): {error}"
                )));
            }
        };
        let proposal =
            |(actuator, preferred, lower, upper, offset)| Proposal { actuator, preferred, lower, upper, offset };
        let proposals: Vec<Proposal> = rows.into_iter().map(proposal).collect();
        Ok(self.0.shared().propose(source, cycle, &proposals)?)
    }

    fn begin(&self, time_ns: i64) -> PyResult<PySnapshot> {
        Ok(PySnapshot(self.0.begin(time_ns)?))
    }

    fn finish(&self) -> PyResult<Vec<PyDecision>> {
        Ok(self.decisions_of(self.0.finish()?))
    }

    fn decisions(&self) -> Vec<PyDecision> {
        self.decisions_of(self.0.shared().decisions())
    }

    fn reason_labels(&self) -> BTreeMap<usize, String> {
        let reasons = self.0.shared().reasons();
        (0..reasons.count()).map(|code| (code, reasons.text(code))).collect()
    }

    fn statistics(&self) -> PyCycleStatistics {
        PyCycleStatistics::from(self.0.shared().statistics())
    }

    fn attach(&self, recorder: &PyRecorder) -> PyResult<()> {
        Ok(self.0.attach(Arc::clone(&recorder.0))?)
    }

    fn attach_estimator(&self, estimator: &PyLiveEstimator) -> PyResult<()> {
        Ok(self.0.attach_estimator(estimator.take()?)?)
    }

    fn attach_states(&self, states: &PyStates) -> PyResult<()> {
        Ok(self.0.attach_states(states.take()?)?)
    }
}

/// What arbitration and guards decided for one actuator.
#[pyclass(frozen, name = "Decision", module = "simems_core")]
pub(super) struct PyDecision {
    shared: Arc<Shared>,
    index: usize,
    decided: Decided,
}

#[pymethods]
impl PyDecision {
    #[getter]
    fn address(&self) -> &str {
        self.shared.configuration().actuators.get(self.index).map_or("", |actuator| actuator.address.as_str())
    }

    #[getter]
    fn setpoint(&self) -> f64 {
        self.decided.setpoint
    }

    #[getter]
    fn source(&self) -> &str {
        self.shared.reasons().source(self.decided.code)
    }

    #[getter]
    fn bound(&self) -> Option<&str> {
        self.shared.reasons().bound(self.decided.code)
    }

    #[getter]
    fn reason(&self) -> String {
        self.shared.reasons().text(self.decided.code)
    }

    #[getter]
    fn reason_code(&self) -> usize {
        self.decided.code
    }

    fn __repr__(&self) -> String {
        format!("Decision({:?}, {}, {:?})", self.address(), self.setpoint(), self.reason())
    }
}

/// Counters and quantiles at one moment.
#[pyclass(frozen, get_all, name = "CycleStatistics", module = "simems_core")]
pub(super) struct PyCycleStatistics {
    cycles: u64,
    skipped: u64,
    overruns: u64,
    late_proposals: u64,
    work_us_p50: f64,
    work_us_p99: f64,
    work_us_max: f64,
    lateness_us_p50: f64,
    lateness_us_p99: f64,
    lateness_us_max: f64,
    realtime: bool,
}

impl From<&Statistics> for PyCycleStatistics {
    fn from(statistics: &Statistics) -> Self {
        Self {
            cycles: statistics.cycles(),
            skipped: statistics.skipped(),
            overruns: statistics.overruns(),
            late_proposals: statistics.late_proposals(),
            work_us_p50: statistics.work.quantile_us(0.5),
            work_us_p99: statistics.work.quantile_us(0.99),
            work_us_max: statistics.work.max_us(),
            lateness_us_p50: statistics.lateness.quantile_us(0.5),
            lateness_us_p99: statistics.lateness.quantile_us(0.99),
            lateness_us_max: statistics.lateness.max_us(),
            realtime: statistics.realtime(),
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

//! `Cycle` and `Decision`.

use std::collections::BTreeMap;
use std::os::fd::IntoRawFd;
use std::sync::Arc;

use pyo3::prelude::*;

use super::clock::{PyClock, SIGNAL_CHECK_NS, patience_ns};
use super::control::{PyActuator, PyCluster, PyGuard, PySource};
use super::estimate::PyLiveEstimator;
use super::image::PyProcessImage;
use super::proposal::read;
use super::record::PyRecorder;
use super::snapshot::PySnapshot;
use super::states::PyStates;
use super::statistics::PyCycleStatistics;
use crate::clock::host_now_ns;
use crate::cycle::{Configuration, Cycle, Decided, DeskSpec, Realtime, Shared};

/// latch -> estimate -> wake controllers -> propose deadline -> arbitrate -> guard -> publish -> statistics.
#[pyclass(frozen, name = "Cycle", module = "simems_core")]
pub(super) struct PyCycle(pub(super) Cycle);

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
        let shared = self.0.shared();
        let deadline_ns = host_now_ns().saturating_add(patience_ns(timeout_s)?);
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
    #[pyo3(signature = (image, *, period_s, sources, actuators, guards, clock, propose_share=0.5, desks=None, clusters=None))]
    #[expect(clippy::too_many_arguments, reason = "named arguments of Python")]
    fn new(
        image: &PyProcessImage,
        period_s: f64,
        sources: Vec<PyRef<'_, PySource>>,
        actuators: Vec<PyRef<'_, PyActuator>>,
        guards: Vec<PyRef<'_, PyGuard>>,
        clock: &PyClock,
        propose_share: f64,
        desks: Option<Vec<(Vec<usize>, Vec<usize>)>>,
        clusters: Option<Vec<PyRef<'_, PyCluster>>>,
    ) -> PyResult<Self> {
        let configuration = Configuration {
            period_s,
            sources: sources.iter().map(|source| source.0.clone()).collect(),
            actuators: actuators.iter().map(|actuator| actuator.0.clone()).collect(),
            guards: guards.iter().map(|guard| guard.0.clone()).collect(),
            clusters: clusters.iter().flatten().map(|cluster| cluster.0.clone()).collect(),
            propose_share,
        };
        let desks = desks.into_iter().flatten().map(|(sources, channels)| DeskSpec { sources, channels }).collect();
        Ok(Self(Cycle::with_desks(Arc::clone(&image.0), Arc::clone(&clock.0), configuration, desks)?))
    }

    // The caller owns the descriptors.
    fn desk_files(&self, desk: usize) -> PyResult<(i32, i32, i32)> {
        let [board, seat, bell] = self.0.shared().files(desk)?.map(IntoRawFd::into_raw_fd);
        Ok((board, seat, bell))
    }

    fn expect_desk(&self, desk: usize, expected: bool) -> PyResult<()> {
        Ok(self.0.shared().expect(desk, expected)?)
    }

    fn mend_desk(&self, desk: usize) -> PyResult<()> {
        Ok(self.0.shared().mend(desk)?)
    }

    fn answered_by(&self, desk: usize) -> PyResult<u64> {
        Ok(self.0.shared().answered_by(desk)?)
    }

    #[pyo3(signature = (*, priority=50, cpu=None, lock_memory=false))]
    fn start(&self, py: Python<'_>, priority: i32, cpu: Option<usize>, lock_memory: bool) -> PyResult<()> {
        let priority = (priority != 0).then_some(priority);
        Ok(py.detach(|| self.0.start_with(Realtime { priority, cpu, lock_memory }))?)
    }

    fn grants(&self) -> BTreeMap<&str, Option<i32>> {
        let grants = self.0.shared().statistics().grants();
        BTreeMap::from([
            ("realtime", grants.realtime.code()),
            ("memory", grants.memory.code()),
            ("cpu", grants.cpu.code()),
        ])
    }

    fn slot(&self, time_ns: i64) -> i64 {
        self.0.slot(time_ns)
    }

    fn watch(&self, handles: Vec<i64>) -> PyResult<()> {
        Ok(self.0.watch(&handles)?)
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

    fn vigil(&self, py: Python<'_>, after: i64, timeout_s: f64) -> PyResult<bool> {
        let timeout_ns = patience_ns(timeout_s)?;
        Ok(py.detach(|| self.0.shared().vigil(after, timeout_ns)))
    }

    fn wait_decisions(&self, py: Python<'_>, after: i64, timeout_s: f64) -> PyResult<Option<(u64, Vec<PyDecision>)>> {
        let found = self.patiently(py, timeout_s, |shared, timeout_ns| shared.wait_decisions(after, timeout_ns))?;
        Ok(found.map(|(cycle, decided)| (cycle, self.decisions_of(decided))))
    }

    fn propose(&self, source: i64, cycle: i64, proposals: &Bound<'_, PyAny>) -> PyResult<bool> {
        match read(proposals) {
            Ok(proposals) => Ok(self.0.shared().propose(source, cycle, &proposals)?),
            Err(error) => {
                self.0.shared().withdraw(source)?;
                Err(error)
            }
        }
    }

    fn rehearse(&self, proposals: &Bound<'_, PyAny>) -> PyResult<()> {
        Ok(self.0.shared().rehearse(&read(proposals)?)?)
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

//! `Cause`, `Fault`, `States` and the table of transitions.

use std::collections::BTreeMap;
use std::sync::{Arc, Mutex, PoisonError};

use pyo3::prelude::*;

use super::CoreError;
use super::image::PyProcessImage;
use crate::states::{Cause, Event, FaultSpec, Machine, Mode, Reaction, Relation, State, StateSpec, States, next};

/// What raises a fault.
#[pyclass(frozen, name = "Cause", module = "simems_core")]
pub(super) struct PyCause(Cause);

impl PyCause {
    fn checked(cause: Cause) -> PyResult<Self> {
        cause.validate()?;
        Ok(Self(cause))
    }
}

#[pymethods]
impl PyCause {
    #[staticmethod]
    fn compare(channel: String, relation: &str, limit: f64) -> PyResult<Self> {
        Self::checked(Cause::Compare { channel, relation: Relation::from_name(relation)?, limit })
    }

    #[staticmethod]
    fn implausible(channel: String) -> Self {
        Self(Cause::Implausible { channel })
    }

    #[staticmethod]
    fn lost(channel: String) -> Self {
        Self(Cause::Lost { channel })
    }

    #[staticmethod]
    fn tripped(channel: String) -> Self {
        Self(Cause::Tripped { channel })
    }

    #[staticmethod]
    #[pyo3(signature = (channel, reference, *, at_least, share=0.0, scale=None))]
    fn deviation(
        channel: String,
        reference: String,
        at_least: f64,
        share: f64,
        scale: Option<String>,
    ) -> PyResult<Self> {
        Self::checked(Cause::Deviation { channel, reference, at_least, share, scale })
    }

    #[staticmethod]
    fn told() -> Self {
        Self(Cause::Told)
    }
}

/// One fault of a site.
#[pyclass(frozen, name = "Fault", module = "simems_core")]
pub(super) struct PyFault(FaultSpec);

#[pymethods]
impl PyFault {
    #[new]
    #[pyo3(signature = (id, cause, *, reaction, actuators, latch, delay_s=0.0, gone_s=0.0, hold_s=0.0))]
    #[expect(clippy::too_many_arguments, reason = "named arguments of Python")]
    fn new(
        id: String,
        cause: &PyCause,
        reaction: &str,
        actuators: Vec<usize>,
        latch: bool,
        delay_s: f64,
        gone_s: f64,
        hold_s: f64,
    ) -> PyResult<Self> {
        let reaction = Reaction::from_name(reaction)?;
        let spec = FaultSpec { id, cause: cause.0.clone(), delay_s, gone_s, hold_s, latch, reaction, actuators };
        spec.validate()?;
        Ok(Self(spec))
    }

    #[getter]
    fn id(&self) -> &str {
        &self.0.id
    }
}

/// State, control mode and faults of a site; the cycle it is attached to evaluates them.
#[pyclass(frozen, name = "States", module = "simems_core")]
pub(super) struct PyStates {
    states: Arc<States>,
    machine: Mutex<Option<Machine>>,
}

impl PyStates {
    /// The cycle's side; can be taken once.
    pub(super) fn take(&self) -> PyResult<Machine> {
        let mut machine = self.machine.lock().unwrap_or_else(PoisonError::into_inner);
        machine.take().ok_or_else(|| CoreError::new_err("these states are attached to a cycle already"))
    }
}

#[pymethods]
impl PyStates {
    #[new]
    #[pyo3(signature = (image, *, inputs, actuators, source_modes, labels, faults, autostart, always=Vec::new()))]
    #[expect(clippy::too_many_arguments, reason = "named arguments of Python")]
    fn new(
        image: &PyProcessImage,
        inputs: Vec<String>,
        actuators: Vec<String>,
        source_modes: Vec<Option<String>>,
        labels: BTreeMap<String, u32>,
        faults: Vec<PyRef<'_, PyFault>>,
        autostart: bool,
        always: Vec<usize>,
    ) -> PyResult<Self> {
        let faults = faults.iter().map(|fault| fault.0.clone()).collect();
        let spec = StateSpec { inputs, actuators, source_modes, always, labels, faults, autostart };
        let (states, machine) = States::build(&image.0, spec)?;
        Ok(Self { states, machine: Mutex::new(Some(machine)) })
    }

    #[getter]
    fn state(&self) -> &'static str {
        self.states.state().name()
    }

    #[getter]
    fn control_mode(&self) -> &str {
        self.states.control_mode()
    }

    #[getter]
    fn requested_mode(&self) -> &'static str {
        self.states.mode().name()
    }

    #[getter]
    fn revision(&self) -> u64 {
        self.states.revision()
    }

    #[getter]
    fn relief(&self) -> bool {
        self.states.relief()
    }

    #[getter]
    fn ids(&self) -> Vec<String> {
        self.states.ids().map(str::to_owned).collect()
    }

    fn phase(&self, fault: i64) -> PyResult<&'static str> {
        Ok(self.states.phase(fault)?.name())
    }

    #[pyo3(name = "raise_")]
    fn raise(&self, fault: i64) -> PyResult<()> {
        Ok(self.states.raise(fault)?)
    }

    fn clear(&self, fault: i64) -> PyResult<()> {
        Ok(self.states.clear(fault)?)
    }

    fn request(&self, event: &str) -> PyResult<()> {
        Ok(self.states.request(Event::from_name(event)?)?)
    }

    fn set_mode(&self, mode: &str) -> PyResult<()> {
        Ok(self.states.set_mode(Mode::from_name(mode)?)?)
    }
}

/// The state after an event, by names.
#[pyfunction]
pub(super) fn next_state(state: &str, event: &str) -> PyResult<&'static str> {
    let known = State::ALL.into_iter().find(|known| known.name() == state);
    let known = known.ok_or_else(|| CoreError::new_err(format!("{state:?} is no state of a site")))?;
    Ok(next(known, Event::from_name(event)?)?.name())
}

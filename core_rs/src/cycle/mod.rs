//! The fixed-time cycle: latch -> estimate -> wake controllers -> propose deadline -> arbitrate -> guard -> publish -> statistics.
//!
//! Enters: proposals. Leaves: snapshots, decisions, recorded rows, statistics. Never here: Python, wall-clock
//! time, a wait on anybody but the propose deadline.

mod board;
mod config;
mod engine;
mod event;
mod mailbox;
mod pacer;
mod reasons;
mod shared;
mod statistics;
mod thread;

use std::sync::atomic::Ordering;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

pub use board::Decided;
pub use config::{Actuator, CLASSES, Configuration, Source};
pub use engine::Engine;
pub use reasons::{FALLBACK, Reasons};
pub use shared::{Proposal, Shared};
pub use statistics::{CYCLE_CHANNELS, Histogram, Statistics};
pub use thread::bare_sleep_lateness;

use crate::clock::Clock;
use crate::error::{Error, Result};
use crate::estimate::LiveEstimator;
use crate::image::{Image, Snapshot};
use crate::record::Recorder;
use crate::states::Machine;

#[derive(Debug)]
enum State {
    /// Stepped by hand, or not started yet.
    Idle(Box<Engine>),
    Running(JoinHandle<Engine>),
    /// Its thread could not be made or died; nothing can be run again.
    Lost,
}

/// A cycle, stepped by hand or run by its thread.
#[derive(Debug)]
pub struct Cycle {
    shared: Arc<Shared>,
    state: Mutex<State>,
}

impl Cycle {
    /// Claims the image and checks everything.
    pub fn new(image: Arc<Image>, clock: Arc<Clock>, configuration: Configuration) -> Result<Self> {
        configuration.validate()?;
        let shared = Arc::new(Shared::new(image, clock, configuration));
        let engine = Engine::new(Arc::clone(&shared))?;
        Ok(Self { shared, state: Mutex::new(State::Idle(Box::new(engine))) })
    }

    /// What everybody may use while the cycle runs.
    pub fn shared(&self) -> &Arc<Shared> {
        &self.shared
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn idle<T>(&self, act: impl FnOnce(&mut Engine) -> Result<T>) -> Result<T> {
        match &mut *self.state() {
            State::Idle(engine) => act(engine),
            State::Running(_) => Err(Error::Order("the cycle's thread runs: stop it first")),
            State::Lost => Err(Error::Order("the cycle's thread has died: make a new cycle")),
        }
    }

    /// Starts the thread.
    pub fn start(&self) -> Result<()> {
        if !thread::can_run_on(&self.shared.clock) {
            return Err(Error::Order("a simulated clock cannot run a thread: step the cycle with begin and finish"));
        }
        self.idle(|engine| engine.claim())?;
        let mut state = self.state();
        let State::Idle(engine) = std::mem::replace(&mut *state, State::Lost) else {
            return Err(Error::Order("the cycle was started twice at the same time"));
        };
        self.shared.stopped.store(false, Ordering::SeqCst);
        let builder = std::thread::Builder::new().name("simems-cycle".to_owned());
        let handle = builder
            .spawn(move || thread::run(*engine))
            .map_err(|error| Error::invalid(format!("the cycle's thread could not be made: {error}")))?;
        *state = State::Running(handle);
        Ok(())
    }

    /// Stops and joins the thread and gives the image back.
    pub fn stop(&self) {
        self.shared.stopped.store(true, Ordering::SeqCst);
        self.shared.wake_everybody();
        let mut state = self.state();
        *state = match std::mem::replace(&mut *state, State::Lost) {
            State::Running(handle) => handle.join().map_or(State::Lost, |engine| State::Idle(Box::new(engine))),
            other => other,
        };
        if let State::Idle(engine) = &mut *state {
            engine.release();
        }
    }

    /// Whether the thread beats.
    pub fn running(&self) -> bool {
        matches!(&*self.state(), State::Running(handle) if !handle.is_finished())
    }

    /// Stepping, first half.
    pub fn begin(&self, time_ns: i64) -> Result<Snapshot> {
        self.idle(|engine| engine.begin(time_ns, true))?;
        Ok(self.shared.image.snapshot())
    }

    /// Stepping, second half.
    pub fn finish(&self) -> Result<Vec<Decided>> {
        self.idle(Engine::finish)?;
        Ok(self.shared.decisions())
    }

    /// Before start: samples a recorder at the end of each cycle that crosses its interval.
    pub fn attach(&self, recorder: Arc<Recorder>) -> Result<()> {
        self.idle(|engine| engine.attach(recorder))
    }

    /// Before start: a battery's estimator takes its turn in each cycle, between latch and wake.
    pub fn attach_estimator(&self, estimator: LiveEstimator) -> Result<()> {
        self.idle(|engine| engine.attach_estimator(estimator))
    }

    /// Before start: states and faults are looked at in each cycle.
    pub fn attach_states(&self, machine: Machine) -> Result<()> {
        self.idle(|engine| engine.attach_states(machine))
    }
}

impl Drop for Cycle {
    fn drop(&mut self) {
        self.stop();
    }
}

#[cfg(test)]
mod tests;

//! The fixed-time cycle: latch -> estimate -> wake controllers -> propose deadline -> arbitrate -> guard -> publish -> statistics.
//!
//! Enters: proposals. Leaves: snapshots, decisions, recorded rows, statistics. Never here: Python, wall-clock
//! time, a wait on anybody but the propose deadline.

mod ages;
mod board;
mod cluster;
mod config;
mod desk;
mod engine;
mod event;
mod guest;
mod histogram;
mod mailbox;
mod pacer;
mod pages;
mod ping_pong;
mod proposal;
mod realtime;
mod reasons;
mod shared;
mod sharing;
mod statistics;
mod thread;
mod vigil;
mod watchdog;

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;

pub use ages::Ages;
#[cfg(all(loom, test))]
pub(crate) use board::Board;
pub use board::Decided;
pub use config::{Actuator, CLASSES, Configuration, Source};
pub use desk::DeskSpec;
pub use engine::Engine;
pub use guest::Guest;
pub use histogram::{Histogram, Recent};
#[cfg(all(loom, test))]
pub(crate) use mailbox::{Collected, Held, Lid, Line, Opened, close};
pub use ping_pong::ping_pong_us;
pub use proposal::Proposal;
pub use realtime::{Grant, Grants, Realtime};
pub use reasons::{FALLBACK, Reasons};
pub use shared::Shared;
pub use sharing::{ClusterSpec, Shares};
pub use statistics::{CYCLE_CHANNELS, Phase, Statistics};
pub use thread::bare_sleep_lateness;
pub use watchdog::Watchdog;

use crate::clock::Clock;
use crate::cycle::pacer::Grid;
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
        Self::with_desks(image, clock, configuration, Vec::new())
    }

    /// As [`Cycle::new`], with desks for processes of controllers; the image must be a shared one.
    pub fn with_desks(
        image: Arc<Image>,
        clock: Arc<Clock>,
        configuration: Configuration,
        desks: Vec<DeskSpec>,
    ) -> Result<Self> {
        configuration.validate()?;
        let shared = Arc::new(Shared::new(image, clock, configuration, desks)?);
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

    /// Starts the thread with [`Realtime::DEFAULT`].
    pub fn start(&self) -> Result<()> {
        self.start_with(Realtime::DEFAULT)
    }

    /// Starts the thread; returns when the machine has answered what it grants ([`Statistics::grants`]).
    pub fn start_with(&self, realtime: Realtime) -> Result<()> {
        realtime.validate()?;
        if !thread::can_run_on(&self.shared.clock) {
            return Err(Error::Order("a simulated clock cannot run a thread: step the cycle with begin and finish"));
        }
        self.idle(|engine| engine.claim())?;
        let mut state = self.state();
        let State::Idle(engine) = std::mem::replace(&mut *state, State::Lost) else {
            return Err(Error::Order("the cycle was started twice at the same time"));
        };
        self.shared.set_stopped(false);
        let (prepared, answered) = std::sync::mpsc::channel();
        let builder = std::thread::Builder::new().name("simems-cycle".to_owned());
        let handle = builder
            .spawn(move || thread::run(*engine, realtime, &prepared))
            .map_err(|error| Error::invalid(format!("the cycle's thread could not be made: {error}")))?;
        *state = State::Running(handle);
        drop(state);
        // An error: the thread is gone already, which `running` tells.
        let _ = answered.recv();
        Ok(())
    }

    /// Stops and joins the thread and gives the image back.
    pub fn stop(&self) {
        self.shared.set_stopped(true);
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

    /// Number of the slot of the thread's grid that an instant of the cycle's clock lies in.
    pub fn slot(&self, time_ns: i64) -> i64 {
        Grid::new(self.shared.period_ns()).slot(time_ns)
    }

    /// Whether the thread beats.
    pub fn running(&self) -> bool {
        matches!(&*self.state(), State::Running(handle) if !handle.is_finished())
    }

    /// Stepping, first half.
    pub fn begin(&self, time_ns: i64) -> Result<Snapshot> {
        self.idle(|engine| engine.begin(time_ns, true))?;
        self.shared.image.snapshot()
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

    /// Before start: channels whose age at the latch is told ([`Statistics::ages`]).
    pub fn watch(&self, handles: &[i64]) -> Result<()> {
        let image = &self.shared.image;
        let handles = handles.iter().map(|handle| image.checked(*handle)).collect::<Result<Vec<usize>>>()?;
        self.idle(|engine| {
            engine.watch(handles);
            Ok(())
        })
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
mod cluster_tests;
#[cfg(test)]
mod desk_tests;
#[cfg(test)]
mod tests;

//! The states of a site and the one table of their transitions.

use crate::error::{Error, Result};

/// What the site is doing as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum State {
    /// Not every mandatory input was good yet.
    Init = 0,
    /// Nothing is controlled: nobody asks for it, or a person stopped it.
    Standby = 1,
    /// Controllers are heard.
    Run = 2,
    /// A fault leaves nothing to control; every actuator is held at 0.
    Fault = 3,
    /// The process ends; every actuator is held at 0.
    Shutdown = 4,
}

/// What may happen to a state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Event {
    /// Every mandatory input was good once.
    Ready = 0,
    /// There is something to control and nobody stopped it.
    Start = 1,
    /// A person stops the control.
    Stop = 2,
    /// A fault stops the site, or faults leave no direction of any actuator.
    Trip = 3,
    /// No such fault is left.
    Recover = 4,
    /// The process ends.
    Shutdown = 5,
}

/// Rows: states; columns: events; None: refused.
const TABLE: [[Option<State>; 6]; 5] = {
    use State::{Fault, Init, Run, Shutdown, Standby};
    // Ready, Start, Stop, Trip, Recover, Shutdown
    [
        [Some(Standby), None, None, Some(Fault), None, Some(Shutdown)],
        [None, Some(Run), None, Some(Fault), None, Some(Shutdown)],
        [None, None, Some(Standby), Some(Fault), None, Some(Shutdown)],
        [None, None, None, None, Some(Init), Some(Shutdown)],
        [None, None, None, None, None, None],
    ]
};

/// The state after an event; an event that the state does not take is refused, saying what it would take.
pub fn next(state: State, event: Event) -> Result<State> {
    taken(state, event).ok_or_else(|| refusal(state, event))
}

/// As [`next`], without words.
pub(crate) fn taken(state: State, event: Event) -> Option<State> {
    TABLE.get(state as usize).and_then(|row| row.get(event as usize)).copied().flatten()
}

fn refusal(state: State, event: Event) -> Error {
    let allowed: Vec<&str> =
        Event::ALL.into_iter().filter(|&event| taken(state, event).is_some()).map(Event::name).collect();
    let allowed = if allowed.is_empty() { "nothing: start the edge again".to_owned() } else { allowed.join(", ") };
    Error::invalid(format!("state {} does not take {:?}; it takes {allowed}", state.name(), event.name()))
}

impl State {
    /// All, in the order of their codes.
    pub const ALL: [Self; 5] = [Self::Init, Self::Standby, Self::Run, Self::Fault, Self::Shutdown];

    /// Its name in channels and answers.
    pub fn name(self) -> &'static str {
        match self {
            Self::Init => "INIT",
            Self::Standby => "STANDBY",
            Self::Run => "RUN",
            Self::Fault => "FAULT",
            Self::Shutdown => "SHUTDOWN",
        }
    }

    pub(crate) fn from_code(code: u8) -> Self {
        Self::ALL.get(usize::from(code)).copied().unwrap_or(Self::Fault)
    }
}

impl Event {
    /// All, in the order of their codes.
    pub const ALL: [Self; 6] = [Self::Ready, Self::Start, Self::Stop, Self::Trip, Self::Recover, Self::Shutdown];

    /// Its name in requests and refusals.
    pub fn name(self) -> &'static str {
        match self {
            Self::Ready => "ready",
            Self::Start => "start",
            Self::Stop => "stop",
            Self::Trip => "trip",
            Self::Recover => "recover",
            Self::Shutdown => "shutdown",
        }
    }

    /// The event of this name.
    pub fn from_name(name: &str) -> Result<Self> {
        Self::ALL
            .into_iter()
            .find(|event| event.name() == name)
            .ok_or_else(|| Error::invalid(format!("{name:?} is no event of a site's state")))
    }
}

//! What the state machine shares with everybody else: requests in, state, mode and phases out. No lock.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU64, Ordering};

use crate::error::{Error, Result, checked_index};
use crate::image::Image;
use crate::states::fault::PhaseCell;
use crate::states::{Event, FaultSpec, Machine, Mode, Phase, State, next};

/// What a site's states are made of.
#[derive(Clone, Debug)]
pub struct StateSpec {
    /// Mandatory inputs: INIT ends when all were good in one cycle.
    pub inputs: Vec<String>,
    /// Addresses of the cycle's actuators, in its order.
    pub actuators: Vec<String>,
    /// The control mode of each of the cycle's sources, in its order; one that is always heard has none.
    pub source_modes: Vec<Option<String>>,
    /// Numbers of the sources that are heard in every mode all the same: what keeps safe, and what is law.
    pub always: Vec<usize>,
    /// Code of each label of `site/control_mode`.
    pub labels: BTreeMap<String, u32>,
    /// Every fault.
    pub faults: Vec<FaultSpec>,
    /// Whether there is anything to control without being asked to.
    pub autostart: bool,
}

impl StateSpec {
    fn validate(&self) -> Result<()> {
        let mut seen = HashSet::new();
        for fault in &self.faults {
            fault.validate()?;
            if !seen.insert(&fault.id) {
                return Err(Error::invalid(format!("fault {} is given twice", fault.id)));
            }
            for &actuator in &fault.actuators {
                checked_index("actuator", actuator as i64, self.actuators.len())?;
            }
        }
        Ok(())
    }
}

/// What a person asked of the state.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub(crate) enum Intent {
    /// As the site file has it.
    Auto = 0,
    Stopped = 1,
    Started = 2,
}

/// The machine as everybody sees it; any thread.
#[derive(Debug)]
pub struct States {
    pub(crate) spec: StateSpec,
    pub(crate) phases: Box<[PhaseCell]>,
    pub(crate) state: AtomicU8,
    pub(crate) control_mode: AtomicU64,
    pub(crate) mode: AtomicU8,
    pub(crate) intent: AtomicU8,
    pub(crate) ending: AtomicBool,
    pub(crate) relief: AtomicBool,
    pub(crate) revision: AtomicU64,
}

impl States {
    /// Both sides of one machine.
    pub fn build(image: &Arc<Image>, spec: StateSpec) -> Result<(Arc<Self>, Machine)> {
        spec.validate()?;
        let states = Arc::new(Self {
            phases: spec.faults.iter().map(|_| PhaseCell::default()).collect(),
            state: AtomicU8::new(State::Init as u8),
            control_mode: AtomicU64::new(0),
            mode: AtomicU8::new(Mode::Auto as u8),
            intent: AtomicU8::new(Intent::Auto as u8),
            ending: AtomicBool::new(false),
            relief: AtomicBool::new(false),
            revision: AtomicU64::new(0),
            spec,
        });
        let machine = Machine::new(Arc::clone(&states), image)?;
        Ok((states, machine))
    }

    /// Now.
    pub fn state(&self) -> State {
        State::from_code(self.state.load(Ordering::SeqCst))
    }

    /// The mode that a person asked for.
    pub fn mode(&self) -> Mode {
        Mode::from_code(self.mode.load(Ordering::SeqCst))
    }

    /// Who decided the first actuator in the last cycle, as a label of `site/control_mode`.
    pub fn control_mode(&self) -> &str {
        let code = self.control_mode.load(Ordering::SeqCst);
        let known = self.spec.labels.iter().find(|&(_, &label)| u64::from(label) == code);
        known.map_or("", |(name, _)| name.as_str())
    }

    /// Rises with each change of state, mode or phase.
    pub fn revision(&self) -> u64 {
        self.revision.load(Ordering::SeqCst)
    }

    /// Whether a fault asks for loads to be shed and generation to be curtailed.
    pub fn relief(&self) -> bool {
        self.relief.load(Ordering::SeqCst)
    }

    /// Ids of all faults, in the order of their numbers.
    pub fn ids(&self) -> impl Iterator<Item = &str> {
        self.spec.faults.iter().map(|fault| fault.id.as_str())
    }

    /// Where a fault is in its life.
    pub fn phase(&self, fault: i64) -> Result<Phase> {
        self.cell(fault).map(PhaseCell::get)
    }

    fn cell(&self, fault: i64) -> Result<&PhaseCell> {
        let number = checked_index("fault", fault, self.phases.len())?;
        self.phases.get(number).ok_or(Error::Order("the fault's phase is missing"))
    }

    pub(crate) fn changed(&self) {
        self.revision.fetch_add(1, Ordering::SeqCst);
    }

    /// A person clears a latched fault. Refused unless it waits for that: its cause must have been gone long enough.
    pub fn clear(&self, fault: i64) -> Result<()> {
        let cell = self.cell(fault)?;
        if cell.swap(Phase::Waiting, Phase::Cleared) {
            self.changed();
            return Ok(());
        }
        let id = self.ids().nth(usize::try_from(fault).unwrap_or(usize::MAX)).unwrap_or_default();
        Err(Error::invalid(match cell.get() {
            Phase::Active => format!("fault {id} cannot be cleared: its cause stands, or is not gone long enough"),
            _ => format!("fault {id} cannot be cleared: it does not stand"),
        }))
    }

    /// Raises a fault from outside: one that latched before a restart, or one that only others can see.
    pub fn raise(&self, fault: i64) -> Result<()> {
        self.cell(fault)?.set(Phase::Active);
        self.changed();
        Ok(())
    }

    /// What a person, or the end of the process, asks of the state; refused when the state does not take it.
    pub fn request(&self, event: Event) -> Result<()> {
        next(self.state(), event)?;
        match event {
            Event::Start => self.intent.store(Intent::Started as u8, Ordering::SeqCst),
            Event::Stop => self.intent.store(Intent::Stopped as u8, Ordering::SeqCst),
            Event::Shutdown => self.ending.store(true, Ordering::SeqCst),
            Event::Ready | Event::Trip | Event::Recover => {
                return Err(Error::invalid(format!(
                    "{:?} comes from the site itself, nobody asks for it",
                    event.name()
                )));
            }
        }
        self.changed();
        Ok(())
    }

    /// Which sources are heard from the next cycle on; refused when nobody on the site has that mode.
    pub fn set_mode(&self, mode: Mode) -> Result<()> {
        let offered = self.spec.source_modes.iter().flatten().any(|name| name == mode.name());
        if !(offered || mode.is_situation()) {
            return Err(Error::invalid(format!("no controller of this site has the mode {}", mode.name())));
        }
        self.mode.store(mode as u8, Ordering::SeqCst);
        self.changed();
        Ok(())
    }
}

//! The cycle's side of states and faults: looks once per cycle, allocates nothing.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::arbitrate::Outcome;
use crate::error::{Error, Result};
use crate::guard::{Guards, Rated, Role};
use crate::image::{Image, Reader};
use crate::states::fault::Fault;
use crate::states::reaction::{lay, tell};
use crate::states::shared::Intent;
use crate::states::table::taken;
use crate::states::{Block, Event, Mode, Phase, Reaction, State, States};

/// Image handles of what the machine publishes.
#[derive(Debug)]
struct Outputs {
    state: Option<usize>,
    control_mode: Option<usize>,
    charge: Box<[Option<usize>]>,
    discharge: Box<[Option<usize>]>,
}

/// Who decides, as labels of `site/control_mode`.
#[derive(Debug)]
struct Labels {
    idle: u32,
    fallback: u32,
    modes: [Option<u32>; Mode::ALL.len()],
    sources: Box<[Option<u32>]>,
}

/// Evaluates every fault and the state, once per cycle.
#[derive(Debug)]
pub struct Machine {
    states: Arc<States>,
    inputs: Box<[usize]>,
    faults: Box<[Fault]>,
    /// Per mode, per source: is it heard?
    heard: Box<[Box<[bool]>]>,
    labels: Labels,
    outputs: Outputs,
    own: Box<[Rated]>,
    blocks: Box<[Block]>,
    state: State,
    mode: Mode,
    initialised: bool,
    inputs_missing: bool,
    relief: bool,
}

impl Machine {
    pub(crate) fn new(states: Arc<States>, image: &Image) -> Result<Self> {
        let spec = &states.spec;
        let fault = |spec| -> Result<Fault> {
            let spec: &crate::states::FaultSpec = spec;
            let check =
                spec.cause.resolve(image).map_err(|error| Error::invalid(format!("fault {}: {error}", spec.id)))?;
            Ok(Fault::new(spec, check))
        };
        Ok(Self {
            inputs: spec.inputs.iter().map(|address| image.handle(address)).collect::<Result<_>>()?,
            faults: spec.faults.iter().map(fault).collect::<Result<_>>()?,
            heard: Mode::ALL.map(|mode| heard(mode, spec)).into(),
            labels: Labels::of(spec),
            outputs: Outputs::find(image, &spec.actuators),
            own: Box::default(),
            blocks: spec.actuators.iter().map(|_| Block::NONE).collect(),
            state: State::Init,
            mode: Mode::Auto,
            initialised: false,
            inputs_missing: true,
            relief: false,
            states: Arc::clone(&states),
        })
    }

    /// Takes the guards' ratings as the actuators' own; the addresses must be those of the cycle.
    pub(crate) fn bind(&mut self, actuators: &[String], sources: usize, guards: &Guards) -> Result<()> {
        if self.states.spec.actuators != actuators || self.states.spec.source_modes.len() != sources {
            return Err(Error::Order("the states were made for another cycle's actuators and sources"));
        }
        self.own = guards.rated.clone().into_boxed_slice();
        Ok(())
    }

    /// First: faults, state, blocks; from this cycle's snapshot.
    pub(crate) fn look(&mut self, reader: &Reader<'_>) {
        self.mode = self.states.mode();
        self.inputs_missing = self.inputs.iter().any(|&input| reader.value(input).is_nan());
        self.initialised |= !self.inputs_missing;
        let mut changes = 0_u64;
        for (fault, cell) in self.faults.iter_mut().zip(&self.states.phases) {
            changes += u64::from(fault.step(cell, reader));
        }
        let faulty = self.react();
        changes += self.move_on(faulty);
        if changes > 0 {
            self.states.revision.fetch_add(changes, Ordering::SeqCst);
        }
        if self.holds_all() {
            self.blocks.fill(Block::BOTH);
        }
    }

    // Lays each reaction on its actuators; whether nothing is left to control because of faults.
    fn react(&mut self) -> bool {
        self.blocks.fill(Block::NONE);
        let (mut stopped, mut relief) = (false, false);
        for (fault, cell) in self.faults.iter().zip(&self.states.phases) {
            if !cell.get().reacts() {
                continue;
            }
            let reaction = fault.reaction(self.mode);
            stopped |= reaction == Reaction::Stop;
            relief |= reaction == Reaction::ShedAndCurtail;
            for &actuator in &fault.actuators {
                if let Some(block) = self.blocks.get_mut(actuator) {
                    *block = block.and(reaction.block());
                }
            }
        }
        self.relief = relief;
        self.states.relief.store(relief, Ordering::SeqCst);
        stopped || self.nothing_left()
    }

    // Storage is what the site controls by; where there is none, whatever it has.
    fn nothing_left(&self) -> bool {
        let of = |storage: bool| {
            let wanted = move |(_, own): &(&Block, &Rated)| {
                if storage { own.role == Role::Storage } else { own.role != Role::Request }
            };
            self.blocks.iter().zip(&self.own).filter(wanted).map(|(block, _)| *block)
        };
        let mut blocks = of(of(true).next().is_some());
        blocks.next().is_some_and(|first| first == Block::BOTH && blocks.all(|block| block == Block::BOTH))
    }

    // Sends the events that hold, each through the table; how many were taken.
    fn move_on(&mut self, faulty: bool) -> u64 {
        let intent = self.states.intent.load(Ordering::SeqCst);
        let (stopped, started) = (intent == Intent::Stopped as u8, intent == Intent::Started as u8);
        let wanted = !stopped && (started || self.states.spec.autostart);
        let events = [
            (Event::Shutdown, self.states.ending.load(Ordering::SeqCst)),
            (Event::Trip, faulty),
            (Event::Recover, !faulty),
            (Event::Ready, self.initialised),
            (Event::Stop, stopped),
            (Event::Start, wanted),
        ];
        let mut moves = 0;
        for (event, holds) in events {
            if let Some(state) = taken(self.state, event).filter(|_| holds) {
                self.state = state;
                moves += 1;
            }
        }
        self.states.state.store(self.state as u8, Ordering::SeqCst);
        moves
    }

    fn holds_all(&self) -> bool {
        let stopped = self.states.intent.load(Ordering::SeqCst) == Intent::Stopped as u8;
        matches!(self.state, State::Fault | State::Shutdown) || (self.state == State::Standby && stopped)
    }

    /// Whether a source is heard in the mode of this cycle.
    pub(crate) fn hears(&self, source: usize) -> bool {
        self.heard.get(self.mode as usize).and_then(|row| row.get(source)).copied().unwrap_or(true)
    }

    /// Second: lays the blocks on the guards, which are applied last and to everybody.
    pub(crate) fn guard(&self, guards: &mut Guards) {
        lay(&self.blocks, &self.own, self.relief, guards);
    }

    /// Third: names what moved a value.
    pub(crate) fn tell(&self, outcomes: &mut [Outcome]) {
        tell(&self.blocks, &self.own, self.relief, outcomes);
    }

    /// Last: state, mode and blocks become channels.
    pub(crate) fn publish(&self, image: &Image, outcomes: &[Outcome], time_ns: i64) {
        let mode = self.control_mode(outcomes.first());
        self.states.control_mode.store(u64::from(mode), Ordering::SeqCst);
        write(image, self.outputs.state, f64::from(self.state as u8), time_ns);
        write(image, self.outputs.control_mode, f64::from(mode), time_ns);
        for ((block, charge), discharge) in self.blocks.iter().zip(&self.outputs.charge).zip(&self.outputs.discharge) {
            write(image, *charge, f64::from(u8::from(block.charge)), time_ns);
            write(image, *discharge, f64::from(u8::from(block.discharge)), time_ns);
        }
    }

    fn control_mode(&self, first: Option<&Outcome>) -> u32 {
        let Some(outcome) = first.filter(|_| !self.holds_all()) else {
            return self.labels.idle;
        };
        match outcome.source {
            Some(source) => self.labels.sources.get(source).copied().flatten().unwrap_or(self.labels.idle),
            None => self.nobody(),
        }
    }

    fn nobody(&self) -> u32 {
        let situation =
            self.labels.modes.get(self.mode as usize).copied().flatten().filter(|_| self.mode.is_situation());
        match situation {
            _ if self.inputs_missing => self.labels.fallback,
            Some(label) => label,
            None => self.labels.idle,
        }
    }

    /// Whether a fault is raised.
    pub fn raised(&self) -> bool {
        self.states.phases.iter().any(|cell| Phase::is_raised(cell.get()))
    }
}

fn heard(mode: Mode, spec: &crate::states::StateSpec) -> Box<[bool]> {
    let named = |own: &Option<String>| own.as_deref().is_none_or(|name| name == mode.name());
    let hears = |(number, own)| mode == Mode::Auto || spec.always.contains(&number) || named(own);
    spec.source_modes.iter().enumerate().map(hears).collect()
}

fn write(image: &Image, handle: Option<usize>, value: f64, time_ns: i64) {
    if let Some(handle) = handle {
        // A slot kept busy by somebody else keeps its value until the next cycle.
        image.publish_bounded(handle, value, time_ns);
    }
}

impl Labels {
    fn of(spec: &crate::states::StateSpec) -> Self {
        let code = |name: &str| spec.labels.get(name).copied();
        let source = |mode: &Option<String>| mode.as_deref().map_or_else(|| code("MANUAL"), code);
        Self {
            idle: code("IDLE").unwrap_or(0),
            fallback: code("FALLBACK").unwrap_or(0),
            modes: Mode::ALL.map(|mode| code(mode.name())),
            sources: spec.source_modes.iter().map(source).collect(),
        }
    }
}

impl Outputs {
    fn find(image: &Image, actuators: &[String]) -> Self {
        let of = |end: &str| {
            let component = |address: &String| address.split('/').next().unwrap_or_default().to_owned();
            actuators.iter().map(|address| image.find(&format!("{}/{end}", component(address)))).collect()
        };
        Self {
            state: image.find("site/state"),
            control_mode: image.find("site/control_mode"),
            charge: of("charge_blocked"),
            discharge: of("discharge_blocked"),
        }
    }
}

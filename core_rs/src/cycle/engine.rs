//! One cycle's work, in two halves: latch, then (when proposals are in) arbitrate, guard, publish.
//!
//! Allocates nothing; the thread and stepping by hand run the same code.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::arbitrate::{Limits, Outcome, Row, arbitrate};
use crate::clock::SECOND_NS;
use crate::cycle::board::Decided;
use crate::cycle::mailbox::ProposalSet;
use crate::cycle::shared::Shared;
use crate::cycle::statistics::CYCLE_CHANNELS;
use crate::error::{Error, Result};
use crate::estimate::LiveEstimator;
use crate::guard::{Guards, Rated};
use crate::image::{Filled, Latcher};
use crate::record::Recorder;
use crate::states::Machine;

/// A source in its place of the strict order.
#[derive(Debug)]
struct Standing {
    source: usize,
    lifetime_cycles: u64,
    set: ProposalSet,
}

impl Standing {
    fn alive(&self, cycle: u64) -> bool {
        self.set.cycle > 0 && cycle.saturating_sub(self.set.cycle) <= self.lifetime_cycles
    }

    fn row(&self, cycle: u64, actuator: usize) -> Option<(usize, &Row)> {
        let row = self.set.rows.get(actuator).filter(|_| self.alive(cycle))?;
        Some((self.source, row))
    }
}

/// Image handles of what the cycle itself publishes.
#[derive(Debug)]
struct Outputs {
    setpoints: Vec<Option<usize>>,
    reasons: Vec<Option<usize>>,
    statistics: Vec<Option<usize>>,
}

/// The cycle without its thread.
#[derive(Debug)]
pub struct Engine {
    pub(crate) shared: Arc<Shared>,
    latcher: Option<Latcher>,
    standing: Vec<Standing>,
    guards: Guards,
    estimators: Vec<LiveEstimator>,
    machine: Option<Machine>,
    outcomes: Vec<Outcome>,
    previous: Vec<f64>,
    outputs: Outputs,
    recorders: Vec<Arc<Recorder>>,
    last_time_ns: Option<i64>,
    statistics_slot: i64,
    open: Option<u64>,
}

impl Engine {
    pub(crate) fn new(shared: Arc<Shared>) -> Result<Self> {
        let actuators = &shared.configuration.actuators;
        let addresses: Vec<String> = actuators.iter().map(|actuator| actuator.address.clone()).collect();
        addresses.iter().try_for_each(|address| shared.image.handle(address).map(|_| ()))?;
        let rated = actuators
            .iter()
            .map(|a| Rated { minimum: a.minimum, maximum: a.maximum, ramp_per_s: a.ramp_per_s })
            .collect();
        let fallbacks: Vec<f64> = actuators.iter().map(|actuator| actuator.fallback).collect();
        let outcome = |&value: &f64| Outcome { value, source: None, bound: None };
        Ok(Self {
            latcher: Some(Latcher::claim(&shared.image)?),
            standing: standing(&shared),
            guards: Guards::resolve(&shared.configuration.guards, &shared.image, &addresses, rated)?,
            estimators: Vec::new(),
            machine: None,
            outcomes: fallbacks.iter().map(outcome).collect(),
            previous: fallbacks,
            outputs: Outputs::find(&shared, &addresses),
            recorders: Vec::new(),
            last_time_ns: None,
            statistics_slot: i64::MIN,
            open: None,
            shared,
        })
    }

    /// Gives the image back; the next [`Engine::begin`] claims it again.
    pub(crate) fn release(&mut self) {
        self.latcher = None;
        self.open = None;
    }

    pub(crate) fn claim(&mut self) -> Result<()> {
        if self.latcher.is_none() {
            self.latcher = Some(Latcher::claim(&self.shared.image)?);
        }
        Ok(())
    }

    pub(crate) fn attach(&mut self, recorder: Arc<Recorder>) -> Result<()> {
        if !Arc::ptr_eq(recorder.image(), &self.shared.image) {
            return Err(Error::Order("the recorder samples another image than the cycle's"));
        }
        self.recorders.push(recorder);
        Ok(())
    }

    /// Before the first cycle: it takes its turn between latch and wake in each one.
    pub(crate) fn attach_estimator(&mut self, estimator: LiveEstimator) -> Result<()> {
        if !Arc::ptr_eq(estimator.image(), &self.shared.image) {
            return Err(Error::Order("the estimator reads another image than the cycle's"));
        }
        self.estimators.push(estimator);
        Ok(())
    }

    /// Before the first cycle: states and faults are looked at in each one.
    pub(crate) fn attach_states(&mut self, mut machine: Machine) -> Result<()> {
        let configuration = &self.shared.configuration;
        let addresses: Vec<String> = configuration.actuators.iter().map(|actuator| actuator.address.clone()).collect();
        machine.bind(&addresses, configuration.sources.len(), &self.guards)?;
        self.machine = Some(machine);
        Ok(())
    }

    /// First half: latches at `time_ns`, estimates and wakes who waits. `grow`: may make more snapshot buffers.
    pub(crate) fn begin(&mut self, time_ns: i64, grow: bool) -> Result<u64> {
        if self.open.is_some() {
            return Err(Error::Order("this cycle was begun already: finish it first"));
        }
        if self.last_time_ns.is_some_and(|last_ns| time_ns <= last_ns) {
            return Err(Error::invalid(format!("a cycle must begin after the one before, not at {time_ns} ns")));
        }
        self.claim()?;
        let latcher = self.latcher.as_mut().ok_or(Error::Order("the image was given back"))?;
        let filled = latcher.prepare(time_ns, grow)?;
        estimate(&mut self.estimators, latcher, &filled);
        let cycle = latcher.show(&filled);
        self.open = Some(cycle);
        self.shared.number.store(cycle, Ordering::Release);
        self.shared.latched.signal();
        Ok(cycle)
    }

    /// Second half: arbitrate, guard, publish, record.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let cycle = self.open.take().ok_or(Error::Order("no cycle was begun"))?;
        self.shared.closed.store(cycle, Ordering::SeqCst);
        self.collect();
        self.look()?;
        self.arbitrate(cycle);
        self.shared.statistics.cycles.fetch_add(1, Ordering::Relaxed);
        self.guard_and_publish(cycle)?;
        self.shared.decided.signal();
        Ok(())
    }

    fn collect(&mut self) {
        for standing in &mut self.standing {
            if let Some(mailbox) = self.shared.mailboxes.get(standing.source) {
                let collected = mailbox.collect(&mut standing.set);
                self.shared.statistics.late_proposals.fetch_add(u64::from(!collected), Ordering::Relaxed);
            }
        }
    }

    // Faults and state come first: who is heard and what is blocked hold in this very cycle.
    fn look(&mut self) -> Result<()> {
        let reader = self.latcher.as_ref().and_then(Latcher::reader).ok_or(Error::Order("the image was given back"))?;
        if let Some(machine) = &mut self.machine {
            machine.look(&reader);
            machine.guard(&mut self.guards);
        }
        Ok(())
    }

    fn arbitrate(&mut self, cycle: u64) {
        let actuators = self.shared.configuration.actuators.iter().enumerate();
        for (outcome, (number, actuator)) in self.outcomes.iter_mut().zip(actuators) {
            let heard =
                |standing: &&Standing| self.machine.as_ref().is_none_or(|machine| machine.hears(standing.source));
            let rows = self.standing.iter().filter(heard).filter_map(|standing| standing.row(cycle, number));
            *outcome = arbitrate(Limits::rating(actuator.minimum, actuator.maximum), actuator.fallback, rows);
        }
    }

    fn guard_and_publish(&mut self, cycle: u64) -> Result<()> {
        let reader = self.latcher.as_ref().and_then(Latcher::reader).ok_or(Error::Order("the image was given back"))?;
        let time_ns = reader.time_ns();
        let elapsed_ns = self.last_time_ns.map_or(self.shared.period_ns(), |last_ns| time_ns.saturating_sub(last_ns));
        let dt_s = elapsed_ns as f64 / SECOND_NS as f64;
        self.guards.apply(&reader, &mut self.outcomes, &self.previous, dt_s);
        if let Some(machine) = &self.machine {
            machine.tell(&mut self.outcomes);
            machine.publish(&self.shared.image, &self.outcomes, time_ns);
        }
        self.recorders.iter().for_each(|recorder| recorder.sample(&reader));
        self.last_time_ns = Some(time_ns);
        self.publish(cycle, time_ns);
        self.publish_statistics(time_ns);
        Ok(())
    }

    fn publish(&mut self, cycle: u64, time_ns: i64) {
        let reasons = &self.shared.reasons;
        let decided = |outcome: &Outcome| Decided { setpoint: outcome.value, code: reasons.code(outcome) };
        self.shared.board.write(cycle, self.outcomes.iter().map(decided));
        let handles = self.outputs.setpoints.iter().zip(&self.outputs.reasons);
        for ((outcome, previous), (setpoint, reason)) in self.outcomes.iter().zip(&mut self.previous).zip(handles) {
            *previous = outcome.value;
            write(&self.shared, *setpoint, outcome.value, time_ns);
            write(&self.shared, *reason, reasons.code(outcome) as f64, time_ns);
        }
    }

    fn publish_statistics(&mut self, time_ns: i64) {
        let slot = Shared::statistics_slot(time_ns);
        let wanted = self.outputs.statistics.iter().any(Option::is_some);
        if wanted && slot > self.statistics_slot {
            self.statistics_slot = slot;
            let values = self.shared.statistics.channel_values();
            for (handle, value) in self.outputs.statistics.iter().zip(values) {
                write(&self.shared, *handle, value, time_ns);
            }
        }
    }
}

// Before anybody is woken: controllers see what was estimated from this latch in this very snapshot.
fn estimate(estimators: &mut [LiveEstimator], latcher: &Latcher, filled: &Filled) {
    for estimator in estimators {
        let Some(reader) = latcher.filled(filled) else { return };
        for (handle, sample) in estimator.step(&reader) {
            latcher.amend(filled, handle, sample);
        }
    }
}

fn write(shared: &Shared, handle: Option<usize>, value: f64, time_ns: i64) {
    if let Some(handle) = handle {
        // A slot kept busy by somebody else keeps its value until the next cycle.
        shared.image.publish_bounded(handle, value, time_ns);
    }
}

fn standing(shared: &Shared) -> Vec<Standing> {
    let configuration = &shared.configuration;
    let order = configuration.strict_order().into_iter();
    let place = |source: usize| {
        let lifetime_cycles = configuration.sources.get(source).map_or(0, |source| source.lifetime_cycles);
        Standing { source, lifetime_cycles, set: ProposalSet::empty(configuration.actuators.len()) }
    };
    order.map(place).collect()
}

impl Outputs {
    fn find(shared: &Shared, addresses: &[String]) -> Self {
        let suffixed =
            |suffix: &str| addresses.iter().map(|address| shared.image.find(&format!("{address}{suffix}"))).collect();
        Self {
            setpoints: suffixed("_setpoint"),
            reasons: suffixed("_reason"),
            statistics: CYCLE_CHANNELS.iter().map(|(address, _)| shared.image.find(address)).collect(),
        }
    }
}

//! One cycle's work, in two halves: latch, then (when proposals are in) arbitrate, guard, publish.
//!
//! Allocates nothing; the thread and stepping by hand run the same code.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::arbitrate::{Outcome, Row, arbitrate};
use crate::clock::SECOND_NS;
use crate::cycle::ages::Watched;
use crate::cycle::board::Decided;
use crate::cycle::cluster::{Cluster, View};
use crate::cycle::config::Actuator;
use crate::cycle::mailbox::{Collected, Held};
use crate::cycle::shared::Shared;
use crate::cycle::statistics::{CYCLE_CHANNELS, Phase, Stopwatch};
use crate::error::{Error, Result};
use crate::estimate::LiveEstimator;
use crate::guard::Guards;
use crate::image::Latcher;
use crate::record::Recorder;
use crate::states::Machine;

/// A source in its place of the strict order.
#[derive(Debug)]
struct Standing {
    source: usize,
    lifetime_cycles: u64,
    held: Held,
}

impl Standing {
    fn alive(&self, cycle: u64) -> bool {
        self.held.set.cycle > 0 && cycle.saturating_sub(self.held.set.cycle) <= self.lifetime_cycles
    }

    fn row(&self, cycle: u64, actuator: usize) -> Option<(usize, &Row)> {
        let row = self.held.set.rows.get(actuator).filter(|_| self.alive(cycle))?;
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
    /// Place of each source in the strict order.
    places: Vec<usize>,
    guards: Guards,
    clusters: Vec<Cluster>,
    estimators: Vec<LiveEstimator>,
    machine: Option<Machine>,
    outcomes: Vec<Outcome>,
    previous: Vec<f64>,
    outputs: Outputs,
    recorders: Vec<Arc<Recorder>>,
    last_time_ns: Option<i64>,
    statistics_slot: i64,
    open: Option<u64>,
    watched: Watched,
    pub(crate) stopwatch: Stopwatch,
}

impl Engine {
    pub(crate) fn new(shared: Arc<Shared>) -> Result<Self> {
        let actuators = &shared.configuration.actuators;
        let addresses: Vec<String> = actuators.iter().map(|actuator| actuator.address.clone()).collect();
        addresses.iter().try_for_each(|address| shared.image.handle(address).map(|_| ()))?;
        let rated = actuators.iter().map(Actuator::rated).collect();
        let mut guards = Guards::resolve(&shared.configuration.guards, &shared.image, &addresses, rated)?;
        guards.rank(shared.configuration.classes());
        let cluster = |(number, spec)| Cluster::resolve(number, spec, &shared.image, &addresses);
        let clusters = shared.configuration.clusters.iter().enumerate().map(cluster).collect::<Result<_>>()?;
        let fallbacks: Vec<f64> = actuators.iter().map(|actuator| actuator.fallback).collect();
        let outcome = |&value: &f64| Outcome { value, source: None, bound: None };
        let latcher = Latcher::claim(&shared.image)?;
        shared.begin_anew();
        Ok(Self {
            latcher: Some(latcher),
            standing: standing(&shared),
            places: places(&shared),
            guards,
            clusters,
            estimators: Vec::new(),
            machine: None,
            outcomes: fallbacks.iter().map(outcome).collect(),
            previous: fallbacks,
            outputs: Outputs::find(&shared, &addresses),
            recorders: Vec::new(),
            last_time_ns: None,
            statistics_slot: i64::MIN,
            open: None,
            watched: Watched::default(),
            stopwatch: Stopwatch::default(),
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

    /// Before the first cycle: whose age is told.
    pub(crate) fn watch(&mut self, handles: Vec<usize>) {
        self.watched = Watched::new(handles);
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
        let cycle = latcher.fill(time_ns, grow)?;
        if let Some(reader) = latcher.reader() {
            self.watched.look(&reader);
        }
        self.stopwatch.lap(&self.shared.statistics, Phase::Latch);
        estimate(&mut self.estimators, latcher)?;
        self.stopwatch.lap(&self.shared.statistics, Phase::Estimate);
        latcher.show()?;
        self.open = Some(cycle);
        self.shared.open(cycle);
        Ok(cycle)
    }

    /// Second half: arbitrate, guard, publish, record.
    pub(crate) fn finish(&mut self) -> Result<()> {
        let cycle = self.open.take().ok_or(Error::Order("no cycle was begun"))?;
        self.shared.close(cycle);
        self.stopwatch.lap(&self.shared.statistics, Phase::ProposeWait);
        self.collect(cycle);
        self.look()?;
        self.arbitrate(cycle)?;
        self.stopwatch.lap(&self.shared.statistics, Phase::Arbitrate);
        self.shared.statistics.cycles.fetch_add(1, Ordering::Relaxed);
        let time_ns = self.guard_and_publish(cycle)?;
        self.shared.decided.signal();
        self.latcher.iter_mut().for_each(Latcher::remember);
        self.publish_statistics(time_ns);
        self.stopwatch.lap(&self.shared.statistics, Phase::Publish);
        Ok(())
    }

    fn collect(&mut self, cycle: u64) {
        let shared = &self.shared;
        for standing in &mut self.standing {
            match shared.mailbox(standing.source).map(|mailbox| mailbox.collect(&mut standing.held, cycle)) {
                Some(Collected::Busy) => shared.statistics.late_proposals.fetch_add(1, Ordering::Relaxed),
                Some(Collected::Refused) => shared.statistics.refused_proposals.fetch_add(1, Ordering::Relaxed),
                Some(Collected::Taken) | None => 0,
            };
        }
        for desk in &shared.desks {
            // A slot kept busy by somebody else keeps its value until the next cycle.
            desk.published(|handle, sample| {
                shared.image.publish_sample(handle, sample);
            });
        }
    }

    // Faults and state come first: who is heard and what is blocked hold in this very cycle.
    fn look(&mut self) -> Result<()> {
        let reader = self.latcher.as_ref().and_then(Latcher::reader).ok_or(Error::Order("the image was given back"))?;
        if let Some(machine) = &mut self.machine {
            machine.look(&reader);
            machine.guard(&mut self.guards);
        }
        self.guards.look(&reader);
        Ok(())
    }

    fn arbitrate(&mut self, cycle: u64) -> Result<()> {
        let Self { standing, machine, guards, clusters, outcomes, places, shared, latcher, .. } = self;
        let heard = |standing: &&Standing| machine.as_ref().is_none_or(|machine| machine.hears(standing.source));
        let rows =
            |actuator: usize| standing.iter().filter(heard).filter_map(move |standing| standing.row(cycle, actuator));
        let actuators = &shared.configuration.actuators;
        for (number, (outcome, actuator)) in outcomes.iter_mut().zip(actuators).enumerate() {
            *outcome = arbitrate(&actuator.range(guards, number), rows(number));
        }
        let reader = latcher.as_ref().and_then(Latcher::reader).ok_or(Error::Order("the image was given back"))?;
        for cluster in clusters {
            let place = |source: usize| places.get(source).copied().unwrap_or(usize::MAX);
            cluster.divide(&reader, outcomes, View { guards, actuators, rows, place });
        }
        Ok(())
    }

    fn guard_and_publish(&mut self, cycle: u64) -> Result<i64> {
        let reader = self.latcher.as_ref().and_then(Latcher::reader).ok_or(Error::Order("the image was given back"))?;
        let time_ns = reader.time_ns();
        let elapsed_ns = self.last_time_ns.map_or(self.shared.period_ns(), |last_ns| time_ns.saturating_sub(last_ns));
        let dt_s = elapsed_ns as f64 / SECOND_NS as f64;
        self.guards.apply(&reader, &mut self.outcomes, &self.previous, dt_s);
        self.shared.statistics.unfinished_splits.store(self.guards.unfinished(), Ordering::Relaxed);
        self.guards.publish(&self.shared.image, time_ns);
        self.clusters.iter().for_each(|cluster| cluster.sum(&mut self.outcomes));
        self.stopwatch.lap(&self.shared.statistics, Phase::Guard);
        if let Some(machine) = &self.machine {
            machine.tell(&mut self.outcomes);
            machine.publish(&self.shared.image, &self.outcomes, time_ns);
        }
        self.recorders.iter().for_each(|recorder| recorder.sample(&reader));
        self.last_time_ns = Some(time_ns);
        self.publish(cycle, time_ns);
        Ok(time_ns)
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
            self.watched.tell(&self.shared.statistics.ages);
            let values = self.shared.statistics.channel_values();
            for (handle, value) in self.outputs.statistics.iter().zip(values) {
                write(&self.shared, *handle, value, time_ns);
            }
        }
    }
}

// Before anybody is woken: controllers see what was estimated from this latch in this very snapshot.
fn estimate(estimators: &mut [LiveEstimator], latcher: &mut Latcher) -> Result<()> {
    for estimator in estimators {
        let reader = latcher.reader().ok_or(Error::Order("the image was given back"))?;
        for (handle, sample) in estimator.step(&reader) {
            // A slot kept busy by somebody else keeps its value until the next cycle.
            latcher.amend(handle, sample.value, sample.quality)?;
        }
    }
    Ok(())
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
        Standing { source, lifetime_cycles, held: Held::new(configuration.actuators.len()) }
    };
    order.map(place).collect()
}

// Where each source stands in the strict order.
fn places(shared: &Shared) -> Vec<usize> {
    let mut places = vec![usize::MAX; shared.configuration.sources.len()];
    for (place, source) in shared.configuration.strict_order().into_iter().enumerate() {
        if let Some(of) = places.get_mut(source) {
            *of = place;
        }
    }
    places
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

//! What the cycle shares with everybody else: mailboxes in, decisions and statistics out.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use crate::arbitrate::Row;
use crate::clock::{Clock, SECOND_NS, host_now_ns, seconds_to_ns};
use crate::cycle::board::{Board, Decided};
use crate::cycle::config::Configuration;
use crate::cycle::event::Event;
use crate::cycle::mailbox::{Mailbox, ProposalSet};
use crate::cycle::reasons::Reasons;
use crate::cycle::statistics::Statistics;
use crate::error::{Error, Result, checked_index};
use crate::image::{Image, Snapshot};

/// One proposal of a source, as it comes from outside.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Proposal {
    /// Number of the actuator.
    pub actuator: i64,
    /// The value it would like.
    pub preferred: Option<f64>,
    /// Not below this.
    pub lower: Option<f64>,
    /// Not above this.
    pub upper: Option<f64>,
    /// Added to the base.
    pub offset: Option<f64>,
    /// Headroom upwards that its offset may need.
    pub reserve_up: Option<f64>,
    /// Headroom downwards that its offset may need.
    pub reserve_down: Option<f64>,
}

/// The meeting place of cycle, controllers and bridges.
#[derive(Debug)]
pub struct Shared {
    pub(crate) image: Arc<Image>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) configuration: Configuration,
    pub(crate) reasons: Reasons,
    pub(crate) mailboxes: Vec<Mailbox>,
    pub(crate) board: Board,
    pub(crate) statistics: Statistics,
    /// Latched last.
    pub(crate) number: AtomicU64,
    /// Decided last: proposals for it are late.
    pub(crate) closed: AtomicU64,
    pub(crate) stopped: AtomicBool,
    pub(crate) latched: Event,
    pub(crate) answered: Event,
    pub(crate) decided: Event,
}

impl Shared {
    pub(crate) fn new(image: Arc<Image>, clock: Arc<Clock>, configuration: Configuration) -> Self {
        let fallbacks: Vec<f64> = configuration.actuators.iter().map(|actuator| actuator.fallback).collect();
        let sources: Vec<String> = configuration.sources.iter().map(|source| source.id.clone()).collect();
        let guards = configuration.guards.iter().map(crate::guard::GuardSpec::id).collect();
        Self {
            mailboxes: sources.iter().map(|_| Mailbox::new(fallbacks.len())).collect(),
            reasons: Reasons::new(sources, guards, configuration.cluster_ids()),
            board: Board::new(&fallbacks),
            statistics: Statistics::default(),
            number: AtomicU64::new(0),
            closed: AtomicU64::new(0),
            stopped: AtomicBool::new(false),
            latched: Event::default(),
            answered: Event::default(),
            decided: Event::default(),
            image,
            clock,
            configuration,
        }
    }

    /// Number of the cycle latched last.
    pub fn number(&self) -> u64 {
        self.number.load(Ordering::Acquire)
    }

    /// Every reason a decision can give.
    pub fn reasons(&self) -> &Reasons {
        &self.reasons
    }

    /// Counters and histograms.
    pub fn statistics(&self) -> &Statistics {
        &self.statistics
    }

    /// What the cycle is made of.
    pub fn configuration(&self) -> &Configuration {
        &self.configuration
    }

    /// Replaces a source's standing set. One that is refused withdraws what stood. False: too late for its
    /// cycle; it counts from the next one.
    pub fn propose(&self, source: i64, cycle: i64, proposals: &[Proposal]) -> Result<bool> {
        let source = checked_index("source", source, self.mailboxes.len())?;
        let rows = self.rows(proposals);
        let (number, asked) = (self.number(), u64::try_from(cycle).unwrap_or(0));
        let known = asked >= 1 && asked <= number;
        let mut set = ProposalSet::empty(self.configuration.actuators.len());
        set.cycle = if known { asked } else { number };
        if let (Ok(rows), true) = (&rows, known) {
            set.rows.copy_from_slice(rows);
        }
        let in_time = self.put(source, &set);
        rows?;
        if !known {
            return Err(Error::invalid(format!("cycle {cycle} was never latched: the last one is {number}")));
        }
        self.statistics.late_proposals.fetch_add(u64::from(!in_time), Ordering::Relaxed);
        Ok(in_time)
    }

    /// Withdraws a source's standing set, for callers whose proposal could not even be read.
    pub fn withdraw(&self, source: i64) -> Result<()> {
        let source = checked_index("source", source, self.mailboxes.len())?;
        let mut set = ProposalSet::empty(self.configuration.actuators.len());
        set.cycle = self.number();
        self.put(source, &set);
        Ok(())
    }

    fn put(&self, source: usize, set: &ProposalSet) -> bool {
        let in_time = self.mailboxes.get(source).is_some_and(|mailbox| mailbox.put(set, &self.closed));
        self.answered.signal();
        in_time
    }

    fn rows(&self, proposals: &[Proposal]) -> Result<Vec<Row>> {
        let actuators = &self.configuration.actuators;
        let mut rows = vec![Row::NONE; actuators.len()];
        for proposal in proposals {
            let number = checked_index("actuator", proposal.actuator, actuators.len())?;
            let address = actuators.get(number).map_or("", |actuator| actuator.address.as_str());
            if let Some(row) = rows.get_mut(number) {
                merge(row, proposal, address)?;
            }
        }
        Ok(rows)
    }

    /// Sleeps until every source has answered the cycle, or until the deadline (host time).
    pub(crate) fn wait_answers(&self, cycle: u64, deadline_ns: i64) {
        loop {
            let seen = self.answered.count();
            let all = self.mailboxes.iter().all(|mailbox| mailbox.has_answered(cycle));
            if all || self.has_stopped() || host_now_ns() >= deadline_ns {
                return;
            }
            self.answered.wait(seen, deadline_ns);
        }
    }

    /// Whether the cycle was stopped.
    pub fn has_stopped(&self) -> bool {
        self.stopped.load(Ordering::SeqCst)
    }

    pub(crate) fn wake_everybody(&self) {
        self.latched.signal();
        self.answered.signal();
        self.decided.signal();
    }

    /// The first snapshot newer than `after`; None on time-out or stop.
    pub fn wait(&self, after: i64, timeout_ns: i64) -> Option<Snapshot> {
        self.wait_for(&self.latched, timeout_ns, || {
            if i64::try_from(self.number()).unwrap_or(i64::MAX) <= after {
                return None;
            }
            let snapshot = self.image.snapshot();
            let newer =
                snapshot.reader().is_some_and(|reader| i64::try_from(reader.cycle()).unwrap_or(i64::MAX) > after);
            newer.then_some(snapshot)
        })
    }

    /// The first decisions newer than `after`; None on time-out or stop.
    pub fn wait_decisions(&self, after: i64, timeout_ns: i64) -> Option<(u64, Vec<Decided>)> {
        let newer = |cycle: u64| i64::try_from(cycle).unwrap_or(i64::MAX) > after;
        self.wait_for(&self.decided, timeout_ns, || newer(self.board.cycle()).then(|| self.board.read()))
    }

    fn wait_for<T>(&self, event: &Event, timeout_ns: i64, mut ready: impl FnMut() -> Option<T>) -> Option<T> {
        let deadline_ns = host_now_ns().saturating_add(timeout_ns);
        loop {
            let seen = event.count();
            if self.has_stopped() {
                return None;
            }
            if let Some(found) = ready() {
                return Some(found);
            }
            if host_now_ns() >= deadline_ns {
                return None;
            }
            event.wait(seen, deadline_ns);
        }
    }

    /// Of the last finished cycle; empty before the first.
    pub fn decisions(&self) -> Vec<Decided> {
        let (cycle, decisions) = self.board.read();
        if cycle == 0 { Vec::new() } else { decisions }
    }

    pub(crate) fn period_ns(&self) -> i64 {
        seconds_to_ns(self.configuration.period_s)
    }

    pub(crate) fn statistics_slot(time_ns: i64) -> i64 {
        time_ns.div_euclid(SECOND_NS)
    }
}

// Several rows for one actuator: bounds narrow, the last preferred stands, offsets and reserves add.
fn merge(row: &mut Row, proposal: &Proposal, address: &str) -> Result<()> {
    let refused = |text: String| Error::invalid(format!("proposal for {address}: {text}"));
    let refuse = |text: String| Err(refused(text));
    for (name, value) in [("preferred", proposal.preferred), ("offset", proposal.offset)] {
        if let Some(value) = value.filter(|value| !value.is_finite()) {
            return refuse(format!("{name} must be a finite number, not {value}"));
        }
    }
    let (lower, upper) = (proposal.lower.unwrap_or(row.lower), proposal.upper.unwrap_or(row.upper));
    if lower.is_nan() || upper.is_nan() || lower == f64::INFINITY || upper == f64::NEG_INFINITY {
        return refuse(format!("bounds {lower}..{upper} are not limits"));
    }
    (row.lower, row.upper) = (row.lower.max(lower), row.upper.min(upper));
    if row.lower > row.upper {
        return refuse(format!("lower {} must not be above upper {}", row.lower, row.upper));
    }
    row.preferred = proposal.preferred.or(row.preferred);
    row.offset += proposal.offset.unwrap_or(0.0);
    row.reserve_up += reserve("reserve_up", proposal.reserve_up).map_err(refused)?;
    row.reserve_down += reserve("reserve_down", proposal.reserve_down).map_err(refused)?;
    let sums = [row.offset, row.reserve_up, row.reserve_down];
    if sums.iter().all(|sum| sum.is_finite()) { Ok(()) } else { refuse("it adds up to no finite number".to_owned()) }
}

fn reserve(name: &str, value: Option<f64>) -> std::result::Result<f64, String> {
    match value {
        Some(value) if !(value >= 0.0 && value.is_finite()) => Err(format!("{name} must be 0 or more, not {value}")),
        value => Ok(value.unwrap_or(0.0)),
    }
}

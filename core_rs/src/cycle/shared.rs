//! What the cycle shares with everybody else: mailboxes in, decisions and statistics out.

use std::os::fd::OwnedFd;
use std::sync::Arc;

use crate::arbitrate::Row;
use crate::clock::{Clock, SECOND_NS, host_now_ns, seconds_to_ns};
use crate::cycle::board::{Board, Decided};
use crate::cycle::config::Configuration;
use crate::cycle::desk::{Desk, DeskSpec, copy_of};
use crate::cycle::event::{Bell, Event};
use crate::cycle::mailbox::{Mailbox, close};
use crate::cycle::proposal::{Proposal, rows};
use crate::cycle::reasons::Reasons;
use crate::cycle::statistics::Statistics;
use crate::cycle::vigil::{Patience, Vigil, allowance_ns};
use crate::error::{Error, Result, checked_index};
use crate::image::{Image, Snapshot};
use crate::memory::{One, Region};
use crate::sync::{AtomicU64, Ordering};

/// Where a source's box stands.
#[derive(Debug)]
enum Place {
    /// In this process.
    Here(Mailbox),
    /// On a desk: its number, and the box's number there.
    Desk(usize, usize),
}

/// The meeting place of cycle, controllers and bridges.
#[derive(Debug)]
pub struct Shared {
    pub(crate) image: Arc<Image>,
    pub(crate) clock: Arc<Clock>,
    pub(crate) configuration: Configuration,
    pub(crate) reasons: Reasons,
    places: Vec<Place>,
    pub(crate) desks: Vec<Desk>,
    /// Memory of the bell by which controllers' processes answer.
    bell: Option<Arc<Region>>,
    pub(crate) board: Board,
    pub(crate) statistics: Statistics,
    pub(crate) latched: Event,
    pub(crate) answered: Event,
    pub(crate) decided: Event,
    vigil: Vigil,
    patience: Patience,
    scratch: Mailbox,
}

impl Shared {
    pub(crate) fn new(
        image: Arc<Image>,
        clock: Arc<Clock>,
        configuration: Configuration,
        desks: Vec<DeskSpec>,
    ) -> Result<Self> {
        let fallbacks: Vec<f64> = configuration.actuators.iter().map(|actuator| actuator.fallback).collect();
        let sources: Vec<String> = configuration.sources.iter().map(|source| source.id.clone()).collect();
        let guards = configuration.guards.iter().map(crate::guard::GuardSpec::id).collect();
        let bell = (!desks.is_empty()).then(|| Region::shared(c"simems-bell", size_of::<Bell>())).transpose()?;
        let desk = |spec| Desk::new(spec, fallbacks.len(), &image);
        Ok(Self {
            places: places(sources.len(), fallbacks.len(), &desks)?,
            desks: desks.into_iter().map(desk).collect::<Result<_>>()?,
            reasons: Reasons::new(sources, guards, configuration.cluster_ids()),
            board: Board::new(&fallbacks),
            statistics: Statistics::default(),
            latched: Event::local()?,
            answered: bell.as_ref().map_or_else(Event::local, |bell| Ok(Event::of(One::of(bell, 0)?)))?,
            decided: Event::local()?,
            vigil: Vigil::default(),
            patience: Patience::default(),
            scratch: Mailbox::local(fallbacks.len())?,
            bell,
            image,
            clock,
            configuration,
        })
    }

    /// Number of the cycle latched last.
    pub fn number(&self) -> u64 {
        self.image.pulse().number.load(Ordering::Acquire)
    }

    /// The box of a source.
    pub(crate) fn mailbox(&self, source: usize) -> Option<&Mailbox> {
        match self.places.get(source)? {
            Place::Here(mailbox) => Some(mailbox),
            Place::Desk(desk, number) => self.desks.get(*desk)?.parts.boxes.get(*number),
        }
    }

    /// Descriptors for the process of a desk: board, desk, bell.
    pub fn files(&self, desk: usize) -> Result<[OwnedFd; 3]> {
        let seat = self.desk(desk)?;
        let bell = self.bell.as_ref().ok_or(Error::Order("this cycle has no desks"))?;
        Ok([self.image.files()?.0, seat.file()?, copy_of(bell)?])
    }

    fn desk(&self, number: usize) -> Result<&Desk> {
        let missing = Error::OutOfRange { what: "desk", given: number as i64, count: self.desks.len() };
        self.desks.get(number).ok_or(missing)
    }

    /// Whether the cycle waits for the answers of a desk's process: from when it is ready.
    pub fn expect(&self, desk: usize, expected: bool) -> Result<()> {
        self.desk(desk)?.expected.store(expected, Ordering::SeqCst);
        Ok(())
    }

    /// After the death of a desk's process: what it wrote last ends, what it held is given back, and nobody waits for it.
    /// What it proposed lives out its lifetime.
    pub fn mend(&self, desk: usize) -> Result<()> {
        self.desk(desk)?.mend(&self.image);
        Ok(())
    }

    /// The latest cycle that every source of a desk has answered; 0 when one never did.
    pub fn answered_by(&self, desk: usize) -> Result<u64> {
        Ok(self.desk(desk)?.parts.boxes.iter().map(Mailbox::answered).min().unwrap_or(0))
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
        let source = self.local(source)?;
        let rows = self.rows(proposals);
        let (number, asked) = (self.number(), u64::try_from(cycle).unwrap_or(0));
        let known = asked >= 1 && asked <= number;
        let in_time = match &rows {
            Ok(rows) if known => self.put(source, asked, rows),
            _ => self.put(source, if known { asked } else { number }, &self.nothing()),
        };
        rows?;
        if !known {
            return Err(Error::invalid(format!("cycle {cycle} was never latched: the last one is {number}")));
        }
        self.statistics.late_proposals.fetch_add(u64::from(!in_time), Ordering::Relaxed);
        Ok(in_time)
    }

    /// Takes the way of [`Shared::propose`] as far as a box that nobody looks into: code and memory are at hand then.
    pub fn rehearse(&self, proposals: &[Proposal]) -> Result<()> {
        self.scratch.put(1, &self.rows(proposals)?, &AtomicU64::new(0));
        Ok(())
    }

    /// Withdraws a source's standing set, for callers whose proposal could not even be read.
    pub fn withdraw(&self, source: i64) -> Result<()> {
        self.put(self.local(source)?, self.number(), &self.nothing());
        Ok(())
    }

    // A box on a desk has one writer: its process.
    fn local(&self, source: i64) -> Result<usize> {
        let source = checked_index("source", source, self.places.len())?;
        match self.places.get(source) {
            Some(Place::Here(_)) => Ok(source),
            _ => Err(Error::Order("this source sits at a desk: only the desk's process proposes for it")),
        }
    }

    fn nothing(&self) -> Vec<Row> {
        vec![Row::NONE; self.configuration.actuators.len()]
    }

    fn put(&self, source: usize, cycle: u64, rows: &[Row]) -> bool {
        let closed = &self.image.pulse().closed;
        let in_time = self.mailbox(source).is_some_and(|mailbox| mailbox.put(cycle, rows, closed));
        self.answered.signal();
        in_time
    }

    fn rows(&self, proposals: &[Proposal]) -> Result<Box<[Row]>> {
        let actuators = &self.configuration.actuators;
        let address = |number: usize| actuators.get(number).map_or("", |actuator| actuator.address.as_str()).to_owned();
        rows(actuators.len(), address, proposals)
    }

    /// Waits until every source has answered the cycle, or until the deadline (host time): awake at first where answers
    /// come soon and a core is free, then asleep.
    pub(crate) fn wait_answers(&self, cycle: u64, deadline_ns: i64) {
        let shown_ns = host_now_ns();
        let until_ns = self.patience.until_ns(self.image.pulse(), shown_ns).min(deadline_ns);
        let waited_ns = loop {
            let seen = self.answered.count();
            let now_ns = host_now_ns();
            if self.all_answered(cycle) || self.has_stopped() || now_ns >= deadline_ns {
                break now_ns - shown_ns;
            }
            if !self.answered.watch(seen, until_ns) {
                self.answered.wait(seen, deadline_ns);
            }
        };
        self.patience.learn(waited_ns);
    }

    fn all_answered(&self, cycle: u64) -> bool {
        self.places.iter().all(|place| match place {
            Place::Here(mailbox) => mailbox.has_answered(cycle),
            Place::Desk(desk, number) => self.desks.get(*desk).is_none_or(|desk| {
                !desk.expected.load(Ordering::SeqCst)
                    || desk.parts.boxes.get(*number).is_none_or(|mailbox| mailbox.has_answered(cycle))
            }),
        })
    }

    /// Whether the cycle was stopped.
    pub fn has_stopped(&self) -> bool {
        self.image.pulse().stopped.load(Ordering::SeqCst) != 0
    }

    pub(crate) fn set_stopped(&self, stopped: bool) {
        self.image.pulse().stopped.store(u32::from(stopped), Ordering::SeqCst);
    }

    /// A new cycle on this image: nothing was latched or decided by it yet.
    pub(crate) fn begin_anew(&self) {
        self.image.pulse().number.store(0, Ordering::SeqCst);
        self.close(0);
        self.set_stopped(false);
    }

    /// A cycle is open: whoever waits for a snapshot wakes.
    pub(crate) fn open(&self, cycle: u64) {
        self.image.pulse().number.store(cycle, Ordering::Release);
        self.wake_readers();
    }

    fn wake_readers(&self) {
        self.latched.signal();
        self.desks.iter().for_each(|desk| desk.parts.wake.signal());
    }

    /// From now on proposals for this cycle are late.
    pub(crate) fn close(&self, cycle: u64) {
        close(&self.image.pulse().closed, cycle);
    }

    pub(crate) fn wake_everybody(&self) {
        self.wake_readers();
        self.answered.signal();
        self.decided.signal();
    }

    /// Sleeps until shortly before the snapshot after `after` is due; true: there is time to prepare, then to
    /// [`Shared::wait`], which watches for it. False: wait at once. For one waiter.
    pub fn vigil(&self, after: i64, timeout_ns: i64) -> bool {
        let deadline_ns = host_now_ns().saturating_add(timeout_ns);
        let came = || i64::try_from(self.number()).unwrap_or(i64::MAX) > after;
        self.vigil.keep(self.image.pulse(), &self.latched, deadline_ns, came)
    }

    /// The thread's next deadline in host time, for who keeps vigil.
    pub(crate) fn announce(&self, due_ns: Option<i64>) {
        self.image.pulse().due.store(due_ns.unwrap_or(0).unsigned_abs(), Ordering::Relaxed);
    }

    /// Before the thread's first cycle, `cpus` being those that this process may use.
    pub(crate) fn allow_vigils(&self, cpus: usize) {
        let host_period_ns = (self.period_ns() as f64 / self.clock.speed()) as i64;
        // Only then does the cycle's thread run at once wherever somebody watches for it.
        let realtime = self.statistics.grants.realtime();
        let allowance_ns = if realtime { allowance_ns(host_period_ns, self.desks.len(), cpus) } else { 0 };
        self.image.pulse().vigil.store(allowance_ns, Ordering::Relaxed);
    }

    /// The first snapshot newer than `after`; None on time-out or stop.
    pub fn wait(&self, after: i64, timeout_ns: i64) -> Option<Snapshot> {
        self.vigil.prepared();
        self.wait_for(&self.latched, timeout_ns, || {
            if i64::try_from(self.number()).unwrap_or(i64::MAX) <= after {
                return None;
            }
            let snapshot = self.image.snapshot().ok()?;
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
            if !(std::ptr::eq(event, &self.latched) && self.vigil.watch(event, seen)) {
                event.wait(seen, deadline_ns);
            }
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

// Each source at one place; each desk's sources and channels known.
fn places(sources: usize, actuators: usize, desks: &[DeskSpec]) -> Result<Vec<Place>> {
    let mut places = (0..sources).map(|_| Ok(Place::Here(Mailbox::local(actuators)?))).collect::<Result<Vec<_>>>()?;
    for (desk, spec) in desks.iter().enumerate() {
        for (number, &source) in spec.sources.iter().enumerate() {
            let missing = Error::OutOfRange { what: "source", given: source as i64, count: sources };
            match places.get_mut(source).ok_or(missing)? {
                place @ Place::Here(_) => *place = Place::Desk(desk, number),
                Place::Desk(..) => return Err(Error::invalid(format!("source {source} sits at two desks"))),
            }
        }
    }
    Ok(places)
}

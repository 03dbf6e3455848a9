//! Where a source leaves its proposals: the cycle looks in and never waits, and believes nothing it has not checked.
//!
//! It may lie in memory that a controller's process writes. A process that dies while writing leaves a box that cannot
//! be read; what it proposed before then lives out its lifetime.

use std::sync::Arc;

use crate::arbitrate::Row;
use crate::cycle::proposal::sound;
use crate::error::Result;
use crate::memory::{One, Plain, Plan, Region, Span, View};
use crate::sync::{AtomicU64, Ordering, fence, spin_loop, yield_now};

const PATIENCE: u32 = if cfg!(loom) { 2 } else { 64 };

/// A source's standing set: one row per actuator.
#[derive(Clone, Debug)]
pub(crate) struct ProposalSet {
    /// The cycle whose snapshot it was made from.
    pub(crate) cycle: u64,
    pub(crate) rows: Box<[Row]>,
}

impl ProposalSet {
    pub(crate) fn empty(actuators: usize) -> Self {
        Self { cycle: 0, rows: (0..actuators).map(|_| Row::NONE).collect() }
    }
}

/// What the cycle holds of a source: the set that stands, and room for one that arrives.
#[derive(Debug)]
pub(crate) struct Held {
    pub(crate) set: ProposalSet,
    arriving: Box<[Row]>,
}

impl Held {
    pub(crate) fn new(actuators: usize) -> Self {
        let set = ProposalSet::empty(actuators);
        Self { arriving: set.rows.clone(), set }
    }

    fn accept(&mut self, cycle: u64, number: u64, well: bool) -> Collected {
        self.set.cycle = cycle.min(number);
        if well && cycle <= number {
            std::mem::swap(&mut self.set.rows, &mut self.arriving);
            return Collected::Taken;
        }
        self.set.rows.fill(Row::NONE);
        Collected::Refused
    }
}

/// The lid of a box: the sequence is odd while somebody writes.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Lid {
    sequence: AtomicU64,
    cycle: AtomicU64,
    answered: AtomicU64,
}

// SAFETY: atomics only, no padding.
unsafe impl Plain for Lid {}

/// A row in memory; no preferred value is NaN.
#[derive(Debug, Default)]
#[repr(C)]
pub(crate) struct Line {
    preferred: AtomicU64,
    lower: AtomicU64,
    upper: AtomicU64,
    offset: AtomicU64,
    reserve_up: AtomicU64,
    reserve_down: AtomicU64,
}

// SAFETY: atomics only, no padding.
unsafe impl Plain for Line {}

impl Line {
    fn store(&self, row: &Row) {
        let put = |place: &AtomicU64, value: f64| place.store(value.to_bits(), Ordering::Relaxed);
        put(&self.preferred, row.preferred.unwrap_or(f64::NAN));
        put(&self.lower, row.lower);
        put(&self.upper, row.upper);
        put(&self.offset, row.offset);
        put(&self.reserve_up, row.reserve_up);
        put(&self.reserve_down, row.reserve_down);
    }

    fn load(&self) -> Row {
        let get = |place: &AtomicU64| f64::from_bits(place.load(Ordering::Relaxed));
        Row {
            preferred: Some(get(&self.preferred)).filter(|preferred| !preferred.is_nan()),
            lower: get(&self.lower),
            upper: get(&self.upper),
            offset: get(&self.offset),
            reserve_up: get(&self.reserve_up),
            reserve_down: get(&self.reserve_down),
        }
    }
}

/// From now on proposals for this cycle are late; before the cycle looks into any box.
pub(crate) fn close(closed: &AtomicU64, cycle: u64) {
    closed.store(cycle, Ordering::SeqCst);
    // Without it the look into the box may come before the store, and a proposal said to be in time be left out.
    fence(Ordering::SeqCst);
}

/// Where a box lies.
pub(crate) struct MailboxPlan {
    lid: Span<Lid>,
    lines: Span<Line>,
}

impl MailboxPlan {
    pub(crate) fn new(plan: &mut Plan, actuators: usize) -> Self {
        Self { lid: plan.take(1), lines: plan.take(actuators) }
    }
}

/// What looking into a box gave.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Collected {
    /// What stood, or something newer.
    Taken,
    /// A writer kept it busy: what stood before stands on.
    Busy,
    /// Something arbitration cannot take: its source has nothing standing now.
    Refused,
}

#[derive(Debug)]
pub(crate) struct Mailbox {
    lid: One<Lid>,
    lines: View<Line>,
}

impl Mailbox {
    pub(crate) fn new(region: &Arc<Region>, plan: &MailboxPlan) -> Result<Self> {
        Ok(Self { lid: plan.lid.one(region)?, lines: plan.lines.view(region)? })
    }

    /// Nothing was ever proposed.
    pub(crate) fn clear(&self) {
        self.open().clear();
    }

    fn open(&self) -> Opened<'_> {
        Opened { lid: &self.lid, lines: &self.lines }
    }

    /// Boxes of this process alone.
    pub(crate) fn local(actuators: usize) -> Result<Self> {
        let mut plan = Plan::new();
        let parts = MailboxPlan::new(&mut plan, actuators);
        let mailbox = Self::new(&Region::private(plan.length()?)?, &parts)?;
        mailbox.clear();
        Ok(mailbox)
    }

    /// As [`Opened::put`].
    pub(crate) fn put(&self, cycle: u64, rows: &[Row], closed: &AtomicU64) -> bool {
        self.open().put(cycle, rows, closed)
    }

    /// The latest cycle answered.
    pub(crate) fn answered(&self) -> u64 {
        self.lid.answered.load(Ordering::SeqCst)
    }

    pub(crate) fn has_answered(&self, cycle: u64) -> bool {
        self.answered() >= cycle
    }

    /// As [`Opened::collect`].
    pub(crate) fn collect(&self, held: &mut Held, number: u64) -> Collected {
        self.open().collect(held, number)
    }

    /// As [`Opened::mend`].
    pub(crate) fn mend(&self) {
        self.open().mend();
    }
}

/// A box wherever it lies: in memory that processes share, or in a model.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Opened<'a> {
    pub(crate) lid: &'a Lid,
    pub(crate) lines: &'a [Line],
}

impl Opened<'_> {
    pub(crate) fn clear(self) {
        self.lines.iter().for_each(|line| line.store(&Row::NONE));
    }

    /// Replaces the set; a set older than the one that stands is left out. Waits for another writer. False when `closed`
    /// says that its cycle was decided already.
    pub(crate) fn put(self, cycle: u64, rows: &[Row], closed: &AtomicU64) -> bool {
        let lid = self.lid;
        let before = lid.claim();
        if cycle >= lid.cycle.load(Ordering::Relaxed) {
            lid.cycle.store(cycle, Ordering::Relaxed);
            self.lines.iter().zip(rows).for_each(|(line, row)| line.store(row));
        }
        lid.sequence.store(before.wrapping_add(2), Ordering::Release);
        // Looked at before the answer is known, for that may let the cycle go on at once. The cycle closes before it
        // looks into the box: one of the two sees the other.
        fence(Ordering::SeqCst);
        let in_time = closed.load(Ordering::SeqCst) < cycle;
        lid.answered.fetch_max(cycle, Ordering::SeqCst);
        in_time
    }

    /// Takes over a set that is not older than the one held, made from a cycle up to `number`, and sound.
    pub(crate) fn collect(self, held: &mut Held, number: u64) -> Collected {
        let lid = self.lid;
        for _ in 0..PATIENCE {
            let before = lid.sequence.load(Ordering::Acquire);
            if before & 1 == 0 {
                let cycle = lid.cycle.load(Ordering::Relaxed);
                if cycle < held.set.cycle {
                    return Collected::Taken;
                }
                let well = self.copy(&mut held.arriving);
                fence(Ordering::Acquire);
                if lid.sequence.load(Ordering::Relaxed) == before {
                    return held.accept(cycle, number, well);
                }
            }
            spin_loop();
        }
        Collected::Busy
    }

    fn copy(self, into: &mut [Row]) -> bool {
        let mut well = true;
        for (line, row) in self.lines.iter().zip(into) {
            *row = line.load();
            well &= sound(row);
        }
        well
    }

    /// After the death of its writer: a write it was in ends, and the box holds nothing.
    pub(crate) fn mend(self) {
        let lid = self.lid;
        let before = lid.sequence.load(Ordering::Acquire);
        lid.cycle.store(0, Ordering::Relaxed);
        lid.answered.store(0, Ordering::Relaxed);
        self.clear();
        lid.sequence.store((before | 1).wrapping_add(1), Ordering::Release);
    }
}

impl Lid {
    // Other writers are threads of the same process, and quick.
    fn claim(&self) -> u64 {
        let mut tries = 0_u32;
        loop {
            let before = self.sequence.load(Ordering::Relaxed);
            let odd = before.wrapping_add(1);
            let free = before & 1 == 0;
            if free && self.sequence.compare_exchange(before, odd, Ordering::Acquire, Ordering::Relaxed).is_ok() {
                fence(Ordering::Release);
                return before;
            }
            tries = tries.wrapping_add(1);
            if tries.is_multiple_of(PATIENCE) {
                yield_now();
            }
        }
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use std::sync::atomic::AtomicBool;
    use std::thread;

    use super::*;

    static OPEN: AtomicU64 = AtomicU64::new(0);

    fn rows(value: f64) -> Vec<Row> {
        vec![Row { preferred: Some(value), lower: value - 1.0, upper: value + 1.0, ..Row::NONE }; 3]
    }

    #[test]
    fn the_newest_stands_and_an_older_one_is_left_out() {
        let (mailbox, mut held) = (Mailbox::local(3).unwrap(), Held::new(3));
        assert_eq!(mailbox.collect(&mut held, 5), Collected::Taken);
        assert_eq!((held.set.cycle, held.set.rows[0]), (0, Row::NONE));
        mailbox.put(4, &rows(4.0), &OPEN);
        mailbox.put(3, &rows(3.0), &OPEN);
        assert_eq!(mailbox.collect(&mut held, 5), Collected::Taken);
        assert_eq!((held.set.cycle, held.set.rows[2].preferred), (4, Some(4.0)));
        assert!(mailbox.has_answered(4) && !mailbox.has_answered(5));
    }

    #[test]
    fn what_a_writer_died_in_never_counts_and_what_stood_lives_on() {
        let (mailbox, mut held) = (Mailbox::local(3).unwrap(), Held::new(3));
        mailbox.put(4, &rows(4.0), &OPEN);
        mailbox.collect(&mut held, 4);
        let lid = &mailbox.lid;
        lid.claim();
        lid.cycle.store(5, Ordering::Relaxed);
        mailbox.lines[0].store(&rows(f64::NAN)[0]);
        assert_eq!(mailbox.collect(&mut held, 5), Collected::Busy);
        assert_eq!((held.set.cycle, held.set.rows[0].preferred), (4, Some(4.0)));
        mailbox.mend();
        assert_eq!(mailbox.collect(&mut held, 6), Collected::Taken);
        assert_eq!((held.set.cycle, held.set.rows[0].preferred), (4, Some(4.0)), "it lives out its lifetime");
        mailbox.put(6, &rows(6.0), &OPEN);
        assert_eq!(mailbox.collect(&mut held, 6), Collected::Taken);
        assert_eq!(held.set.cycle, 6);
    }

    #[test]
    fn a_set_for_a_decided_cycle_is_late() {
        let mailbox = Mailbox::local(3).unwrap();
        assert!(mailbox.put(4, &rows(4.0), &AtomicU64::new(3)));
        assert!(!mailbox.put(4, &rows(4.0), &AtomicU64::new(4)));
    }

    #[test]
    fn nonsense_is_refused_whole() {
        let good = rows(1.0)[0];
        let wrong = [
            Row { lower: f64::NAN, ..good },
            Row { upper: f64::NEG_INFINITY, ..good },
            Row { lower: 5.0, upper: 4.0, ..good },
            Row { offset: f64::INFINITY, ..good },
            Row { preferred: Some(f64::INFINITY), ..good },
            Row { reserve_up: -1.0, ..good },
            Row { reserve_down: f64::NAN, ..good },
        ];
        for row in wrong {
            let (mailbox, mut held) = (Mailbox::local(2).unwrap(), Held::new(2));
            mailbox.put(7, &[good, row], &OPEN);
            assert_eq!(mailbox.collect(&mut held, 7), Collected::Refused, "{row:?}");
            assert_eq!(&held.set.rows[..], [Row::NONE; 2]);
        }
        let (mailbox, mut held) = (Mailbox::local(1).unwrap(), Held::new(1));
        mailbox.put(u64::MAX, &[good], &OPEN);
        assert_eq!(mailbox.collect(&mut held, 7), Collected::Refused, "from a cycle that never was");
        assert_eq!((held.set.cycle, held.set.rows[0]), (7, Row::NONE));
    }

    #[test]
    fn a_set_is_never_a_mixture() {
        let (mailbox, done) = (Mailbox::local(3).unwrap(), AtomicBool::new(false));
        thread::scope(|scope| {
            for offset in 0..2_u64 {
                let (mailbox, done) = (&mailbox, &done);
                scope.spawn(move || {
                    let mut n = 1;
                    while !done.load(Ordering::Relaxed) {
                        mailbox.put(2 * n + offset, &rows((2 * n + offset) as f64), &OPEN);
                        n += 1;
                    }
                });
            }
            let (mut held, mut last) = (Held::new(3), 0);
            for _ in 0..100_000 {
                if mailbox.collect(&mut held, u64::MAX - 1) == Collected::Taken && held.set.cycle > 0 {
                    assert!(held.set.rows.iter().all(|row| row.preferred == Some(held.set.cycle as f64)));
                    assert!(held.set.cycle >= last);
                    last = held.set.cycle;
                }
            }
            done.store(true, Ordering::Relaxed);
        });
    }
}

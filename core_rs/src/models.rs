//! Models of the lock-free parts for loom: orders of the threads, values a load may see (`make loom`).
//!
//! B. Norris and B. Demsky, OOPSLA 2013 (CDSChecker), is how it explores the C11 memory model. Which orders its search
//! leaves out depends on which side is the spawned one, so each model runs in three arrangements; removing any fence of
//! the slot makes one of them fail.

use std::sync::Arc;

use loom::thread;

use crate::arbitrate::Row;
use crate::cycle::{Board, Collected, Decided, Held as Standing, Lid, Line, Opened, close};
use crate::image::{Cell, Counts, Quality, Read, Sample, Slot};
use crate::sync::{AtomicU64, Ordering};

type Side<T> = fn(&T);

/// Two sides at the same time on something new, then what must hold in the end.
fn beside<T: Send + Sync + 'static>(new: fn() -> T, one: Side<T>, other: Side<T>, end: Side<T>) {
    let spawned = |side: Side<T>, on: &Arc<T>| {
        let on = Arc::clone(on);
        thread::spawn(move || side(&on))
    };
    for (first, second) in [(one, other), (other, one)] {
        loom::model(move || {
            let on = Arc::new(new());
            let thread = spawned(first, &on);
            second(&on);
            thread.join().unwrap();
            end(&on);
        });
    }
    loom::model(move || {
        let on = Arc::new(new());
        let threads = [spawned(one, &on), spawned(other, &on)];
        threads.into_iter().for_each(|thread| thread.join().unwrap());
        end(&on);
    });
}

struct Owned {
    sequence: AtomicU64,
    cell: Cell,
}

impl Owned {
    fn new() -> Self {
        Self { sequence: AtomicU64::new(0), cell: Cell::new() }
    }

    fn slot(&self) -> Slot<'_> {
        Slot { sequence: &self.sequence, cell: &self.cell }
    }

    fn holds(&self, n: i64) {
        assert!(matches!(self.slot().read(), Read::Sample(read) if read.time_ns == n && whole(read)));
    }
}

fn sample(n: i64) -> Sample {
    Sample { value: n as f64, time_ns: n, quality: Quality::from_code((n % 4) as u8) }
}

fn whole(sample: Sample) -> bool {
    sample.value == sample.time_ns as f64 && sample.quality as i64 == sample.time_ns % 4
}

fn look(owned: &Owned) {
    if let Read::Sample(read) = owned.slot().read() {
        assert!(whole(read), "{read:?}");
    }
}

#[test]
fn a_reader_of_a_slot_sees_one_sample_whole() {
    beside(Owned::new, |owned| owned.slot().write(sample(1)), look, |owned| owned.holds(1));
}

#[test]
fn a_reader_never_sees_an_older_sample_later() {
    let twice = |owned: &Owned| (1..=2).for_each(|n| owned.slot().write(sample(n)));
    let reader = |owned: &Owned| {
        let mut last = 0;
        for _ in 0..2 {
            if let Read::Sample(read) = owned.slot().read() {
                assert!(whole(read) && read.time_ns >= last, "{read:?} after {last}");
                last = read.time_ns;
            }
        }
    };
    beside(Owned::new, twice, reader, |owned| owned.holds(2));
}

#[test]
fn of_two_writers_the_newer_sample_stays() {
    beside(
        Owned::new,
        |owned| owned.slot().write(sample(1)),
        |owned| owned.slot().write(sample(3)),
        |owned| owned.holds(3),
    );
}

#[test]
fn the_cycle_gives_up_on_a_slot_that_somebody_keeps_and_leaves_it_whole() {
    let bounded = |owned: &Owned| {
        owned.slot().write_bounded(sample(2));
    };
    beside(Owned::new, |owned| owned.slot().write(sample(1)), bounded, look);
}

#[test]
fn the_board_shows_the_decisions_of_one_cycle() {
    let decide = |board: &Board| {
        let decided = Decided { setpoint: 1.0, code: 1 };
        board.write(1, [decided, decided].into_iter());
    };
    let read = |board: &Board| {
        let (number, decisions) = board.read();
        for decided in decisions {
            assert_eq!((decided.setpoint, decided.code), (number as f64, number as usize));
        }
    };
    beside(|| Board::new(&[0.0, 0.0]), decide, read, |board| assert_eq!(board.cycle(), 1));
}

struct Held {
    counts: Counts,
    current: AtomicU64,
    buffer: AtomicU64,
}

// The latch takes a buffer that is not current and not held; a reader holds what is current after it said so.
#[test]
fn a_buffer_that_somebody_holds_is_not_written() {
    let new = || Held { counts: Counts::new(2), current: AtomicU64::new(0), buffer: AtomicU64::new(0) };
    let reader = |held: &Held| {
        let index = held.counts.hold(&held.current);
        assert!(index == 1 || held.buffer.load(Ordering::Relaxed) == 0, "written while it was held");
        held.counts.release(index);
    };
    let latch = |held: &Held| {
        held.current.store(1, Ordering::SeqCst);
        if !held.counts.held(0) {
            held.buffer.store(7, Ordering::Relaxed);
        }
    };
    beside(new, latch, reader, |held| assert!(!held.counts.held(0) && !held.counts.held(1)));
}

struct Posted {
    lid: Lid,
    lines: [Line; 1],
    closed: AtomicU64,
}

impl Posted {
    fn new() -> Self {
        let posted = Self { lid: Lid::default(), lines: [Line::default()], closed: AtomicU64::new(0) };
        posted.open().clear();
        posted
    }

    fn open(&self) -> Opened<'_> {
        Opened { lid: &self.lid, lines: &self.lines }
    }

    fn put(&self, cycle: u64) -> bool {
        let preferred = Some(cycle as f64);
        self.open().put(cycle, &[Row { preferred, lower: -1.0, upper: cycle as f64, ..Row::NONE }], &self.closed)
    }

    fn collect(&self, held: &mut Standing) -> u64 {
        if self.open().collect(held, 9) == Collected::Taken && held.set.cycle > 0 {
            let (row, cycle) = (held.set.rows[0], held.set.cycle as f64);
            assert_eq!((row.preferred, row.lower, row.upper), (Some(cycle), -1.0, cycle));
        }
        held.set.cycle
    }
}

#[test]
fn a_proposal_is_collected_whole_or_not_at_all() {
    let put = |posted: &Posted| assert!(posted.put(1));
    let collect = |posted: &Posted| {
        posted.collect(&mut Standing::new(1));
    };
    beside(Posted::new, put, collect, |posted| assert_eq!(posted.collect(&mut Standing::new(1)), 1));
}

#[test]
fn of_two_proposals_the_newer_one_stands() {
    let one = |posted: &Posted| assert!(posted.put(1));
    let two = |posted: &Posted| assert!(posted.put(2));
    beside(Posted::new, one, two, |posted| assert_eq!(posted.collect(&mut Standing::new(1)), 2));
}

// The cycle closes before it looks into the box; a proposal that says it came in time was looked at.
#[test]
fn a_proposal_that_came_in_time_is_in_the_decision() {
    struct Deadline {
        posted: Posted,
        in_time: AtomicU64,
        decided: AtomicU64,
    }
    let new = || Deadline { posted: Posted::new(), in_time: AtomicU64::new(0), decided: AtomicU64::new(0) };
    let propose = |deadline: &Deadline| {
        let in_time = deadline.posted.put(1);
        deadline.in_time.store(u64::from(in_time), Ordering::Relaxed);
    };
    let decide = |deadline: &Deadline| {
        close(&deadline.posted.closed, 1);
        let mut held = Standing::new(1);
        let collected = deadline.posted.open().collect(&mut held, 9);
        let decided = if collected == Collected::Busy { 1 } else { held.set.cycle };
        deadline.decided.store(decided, Ordering::Relaxed);
    };
    beside(new, propose, decide, |deadline| {
        let (in_time, decided) = (deadline.in_time.load(Ordering::Relaxed), deadline.decided.load(Ordering::Relaxed));
        assert!(in_time <= decided, "said to be in time, but not in the decision");
    });
}

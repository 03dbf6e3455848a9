//! The decisions of the last cycle: written by the cycle without waiting, read by anybody without tearing.

use crate::sync::{AtomicU32, AtomicU64, Ordering, fence, spin_loop};

/// One actuator's setpoint with its reason code.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Decided {
    /// What the actuator shall do.
    pub setpoint: f64,
    /// Index into the reason labels.
    pub code: usize,
}

#[derive(Debug)]
struct Entry {
    setpoint: AtomicU64,
    code: AtomicU32,
}

/// A sequence lock over all decisions; odd while the cycle writes.
#[derive(Debug)]
pub(crate) struct Board {
    sequence: AtomicU64,
    cycle: AtomicU64,
    entries: Box<[Entry]>,
}

impl Board {
    pub(crate) fn new(initial: &[f64]) -> Self {
        let entry = |value: &f64| Entry { setpoint: AtomicU64::new(value.to_bits()), code: AtomicU32::new(0) };
        Self { sequence: AtomicU64::new(0), cycle: AtomicU64::new(0), entries: initial.iter().map(entry).collect() }
    }

    /// Cycle of the last decisions; 0 before the first.
    pub(crate) fn cycle(&self) -> u64 {
        self.cycle.load(Ordering::Acquire)
    }

    pub(crate) fn write(&self, cycle: u64, decisions: impl Iterator<Item = Decided>) {
        let sequence = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(sequence.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        for (entry, decided) in self.entries.iter().zip(decisions) {
            entry.setpoint.store(decided.setpoint.to_bits(), Ordering::Relaxed);
            entry.code.store(decided.code as u32, Ordering::Relaxed);
        }
        self.cycle.store(cycle, Ordering::Release);
        self.sequence.store(sequence.wrapping_add(2), Ordering::Release);
    }

    /// The decisions of one cycle (never of two).
    pub(crate) fn read(&self) -> (u64, Vec<Decided>) {
        loop {
            let before = self.sequence.load(Ordering::Acquire);
            let cycle = self.cycle.load(Ordering::Relaxed);
            let decisions = self.entries.iter().map(Entry::load).collect();
            fence(Ordering::Acquire);
            if before & 1 == 0 && self.sequence.load(Ordering::Relaxed) == before {
                return (cycle, decisions);
            }
            spin_loop();
        }
    }
}

impl Entry {
    fn load(&self) -> Decided {
        Decided {
            setpoint: f64::from_bits(self.setpoint.load(Ordering::Relaxed)),
            code: self.code.load(Ordering::Relaxed) as usize,
        }
    }
}

//! Where a source leaves its proposals: the cycle looks in and never waits.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, PoisonError, TryLockError};

use crate::arbitrate::Row;

const PATIENCE: u32 = 64;

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

    pub(crate) fn copy_from(&mut self, other: &Self) {
        self.cycle = other.cycle;
        self.rows.copy_from_slice(&other.rows);
    }
}

#[derive(Debug)]
pub(crate) struct Mailbox {
    set: Mutex<ProposalSet>,
    answered: AtomicU64,
}

impl Mailbox {
    pub(crate) fn new(actuators: usize) -> Self {
        Self { set: Mutex::new(ProposalSet::empty(actuators)), answered: AtomicU64::new(0) }
    }

    /// Replaces the set; false when `closed` says that its cycle was decided already. A set older than the
    /// one that stands is left out.
    pub(crate) fn put(&self, set: &ProposalSet, closed: &AtomicU64) -> bool {
        let mut standing = self.set.lock().unwrap_or_else(PoisonError::into_inner);
        if set.cycle >= standing.cycle {
            standing.copy_from(set);
        }
        self.answered.fetch_max(set.cycle, Ordering::SeqCst);
        closed.load(Ordering::SeqCst) < set.cycle
    }

    pub(crate) fn has_answered(&self, cycle: u64) -> bool {
        self.answered.load(Ordering::SeqCst) >= cycle
    }

    /// Copies the set; false when a writer kept the box busy, and then what stood before stands on.
    pub(crate) fn collect(&self, into: &mut ProposalSet) -> bool {
        for _ in 0..PATIENCE {
            let guard = match self.set.try_lock() {
                Ok(guard) => Some(guard),
                Err(TryLockError::Poisoned(poisoned)) => Some(poisoned.into_inner()),
                Err(TryLockError::WouldBlock) => None,
            };
            if let Some(set) = guard {
                into.copy_from(&set);
                return true;
            }
            std::hint::spin_loop();
        }
        false
    }
}

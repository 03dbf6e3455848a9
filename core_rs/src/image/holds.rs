//! Who reads which buffer: what is held is not written.
//!
//! The owner's own readers are counted per buffer. A reader in another process has a few places of its own in shared
//! memory where it names what it holds, so that it can never hold more than those, and what it held when it died can
//! be given back for it.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::memory::{Region, View};
use crate::sync::{AtomicU32, AtomicU64, AtomicUsize, Ordering, in_total_order};

/// Snapshots that an attached process may hold at once.
pub(crate) const PLACES: usize = 4;

/// Counts per buffer, for the readers of the owner's process.
#[derive(Debug)]
pub(crate) struct Counts(Box<[AtomicUsize]>);

impl Counts {
    pub(crate) fn new(buffers: usize) -> Self {
        Self((0..buffers).map(|_| AtomicUsize::new(0)).collect())
    }

    /// Holds whatever `current` names.
    pub(crate) fn hold(&self, current: &AtomicU64) -> usize {
        loop {
            let index = current.load(Ordering::SeqCst) as usize;
            let Some(count) = self.0.get(index) else { continue };
            count.fetch_add(1, Ordering::SeqCst);
            in_total_order();
            // The latch looks at the counts after it moved `current`: one of the two sees the other.
            if current.load(Ordering::SeqCst) as usize == index {
                return index;
            }
            count.fetch_sub(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn release(&self, index: usize) {
        if let Some(count) = self.0.get(index) {
            count.fetch_sub(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn held(&self, index: usize) -> bool {
        in_total_order();
        self.0.get(index).is_some_and(|count| count.load(Ordering::SeqCst) > 0)
    }
}

/// The places of one attached process; each holds a buffer's index plus 1, or 0.
#[derive(Debug)]
pub(crate) struct Places(View<AtomicU32>);

impl Places {
    pub(crate) fn new(places: View<AtomicU32>) -> Self {
        Self(places)
    }

    /// At an offset of a region, for [`PLACES`] places.
    pub(crate) fn at(region: &Arc<Region>, offset: usize) -> Result<Self> {
        View::of(region, offset, PLACES).map(Self)
    }

    /// Holds whatever `current` names: (place, index). Refused when all places are taken.
    pub(crate) fn hold(&self, current: &AtomicU64) -> Result<(usize, usize)> {
        let mut index = current.load(Ordering::SeqCst) as u32;
        let free = |place: &AtomicU32| {
            place.compare_exchange(0, index.wrapping_add(1), Ordering::SeqCst, Ordering::SeqCst).is_ok()
        };
        let Some((number, place)) = self.0.iter().enumerate().find(|(_, place)| free(place)) else {
            return Err(Error::invalid(format!("this process holds {PLACES} snapshots already: release one")));
        };
        loop {
            let now = current.load(Ordering::SeqCst) as u32;
            if now == index {
                return Ok((number, index as usize));
            }
            index = now;
            place.store(index.wrapping_add(1), Ordering::SeqCst);
        }
    }

    pub(crate) fn release(&self, place: usize) {
        if let Some(place) = self.0.get(place) {
            place.store(0, Ordering::SeqCst);
        }
    }

    pub(crate) fn held(&self, index: usize) -> bool {
        self.0.iter().any(|place| place.load(Ordering::SeqCst) as usize == index.wrapping_add(1))
    }

    /// Gives back what a dead process held.
    pub(crate) fn clear(&self) {
        self.0.iter().for_each(|place| place.store(0, Ordering::SeqCst));
    }
}

//! Snapshot buffers: filled by the latch, held by readers, reused when nobody holds them.

use std::sync::{Arc, OnceLock};

use crate::error::{Error, Result};
use crate::image::holds::{Counts, Places};
use crate::image::sample::Cell;
use crate::memory::{One, Plain, Plan, Region, Span, View};
use crate::sync::{AtomicI64, AtomicU64, Ordering};

/// Made at construction, so that the cycle never allocates.
pub(crate) const PREPARED: usize = 16;
/// What stepping by hand may grow to.
pub(crate) const LARGEST: usize = 4096;
/// Index of the buffer that is never handed out: the latch falls back to it when readers hold all others.
const PRIVATE: usize = 0;
/// Processes that may attach to one image over its life.
pub(crate) const ATTACHMENTS: usize = 64;

/// When a buffer was latched.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Stamp {
    pub(crate) cycle: AtomicU64,
    pub(crate) time_ns: AtomicI64,
}

// SAFETY: atomics only, no padding.
unsafe impl Plain for Stamp {}

/// Everything one latch saw. While held or current nobody writes it.
#[derive(Debug)]
pub(crate) struct Buffer {
    stamp: One<Stamp>,
    pub(crate) cells: View<Cell>,
}

/// Where a buffer lies.
pub(crate) struct BufferPlan {
    stamp: Span<Stamp>,
    cells: Span<Cell>,
}

impl BufferPlan {
    pub(crate) fn new(plan: &mut Plan, channels: usize) -> Self {
        Self { stamp: plan.take(1), cells: plan.take(channels) }
    }
}

impl Buffer {
    pub(crate) fn new(region: &Arc<Region>, plan: &BufferPlan) -> Result<Self> {
        Ok(Self { stamp: plan.stamp.one(region)?, cells: plan.cells.view(region)? })
    }

    fn alone(channels: usize) -> Result<Self> {
        let mut plan = Plan::new();
        let parts = BufferPlan::new(&mut plan, channels);
        let buffer = Self::new(&Region::private(plan.length()?)?, &parts)?;
        buffer.clear();
        Ok(buffer)
    }

    pub(crate) fn clear(&self) {
        self.cells.iter().for_each(Cell::clear);
    }

    pub(crate) fn cycle(&self) -> u64 {
        self.stamp.cycle.load(Ordering::Relaxed)
    }

    pub(crate) fn time_ns(&self) -> i64 {
        self.stamp.time_ns.load(Ordering::Relaxed)
    }

    pub(crate) fn mark(&self, cycle: u64, time_ns: i64) {
        self.stamp.cycle.store(cycle, Ordering::Relaxed);
        self.stamp.time_ns.store(time_ns, Ordering::Relaxed);
    }
}

/// How this process holds buffers.
#[derive(Debug)]
pub(crate) enum Holder {
    /// It latches.
    Owner { counts: Counts, attached: Box<[OnceLock<Places>]>, grown: Box<[OnceLock<Buffer>]> },
    /// It only reads.
    Guest(Places),
}

impl Holder {
    /// `grows`: stepping by hand may make more buffers than those prepared.
    pub(crate) fn owner(prepared: usize, grows: bool) -> Self {
        let more = if grows { LARGEST.saturating_sub(prepared) } else { 0 };
        Self::Owner {
            counts: Counts::new(prepared + more),
            attached: (0..ATTACHMENTS).map(|_| OnceLock::new()).collect(),
            grown: (0..more).map(|_| OnceLock::new()).collect(),
        }
    }
}

/// The buffers.
#[derive(Debug)]
pub(crate) struct Pool {
    channels: usize,
    prepared: Box<[Buffer]>,
    holder: Holder,
}

/// A buffer held: its index, and where that is noted.
#[derive(Debug)]
pub(crate) struct Hold {
    pub(crate) index: usize,
    place: usize,
}

impl Pool {
    pub(crate) fn new(channels: usize, prepared: Vec<Buffer>, holder: Holder) -> Self {
        Self { channels, prepared: prepared.into_boxed_slice(), holder }
    }

    pub(crate) fn holder(&self) -> &Holder {
        &self.holder
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Buffer> {
        match &self.holder {
            Holder::Owner { grown, .. } if index >= self.prepared.len() => {
                grown.get(index - self.prepared.len()).and_then(OnceLock::get)
            }
            _ => self.prepared.get(index),
        }
    }

    /// Holds the last buffer handed out; it stays as it is until [`Pool::release`].
    pub(crate) fn hold(&self, current: &AtomicU64) -> Result<Hold> {
        match &self.holder {
            Holder::Owner { counts, .. } => Ok(Hold { index: counts.hold(current), place: 0 }),
            Holder::Guest(places) => places.hold(current).map(|(place, index)| Hold { index, place }),
        }
    }

    pub(crate) fn release(&self, hold: &Hold) {
        match &self.holder {
            Holder::Owner { counts, .. } => counts.release(hold.index),
            Holder::Guest(places) => places.release(hold.place),
        }
    }

    /// Lets a process hold buffers; its number. Never taken back.
    pub(crate) fn admit(&self, places: Places) -> Result<usize> {
        let Holder::Owner { attached, .. } = &self.holder else {
            return Err(Error::Order("only the owner of an image admits readers"));
        };
        let mut places = places;
        for (number, seat) in attached.iter().enumerate() {
            match seat.set(places) {
                Ok(()) => return Ok(number),
                Err(back) => places = back,
            }
        }
        Err(Error::invalid(format!("no more than {ATTACHMENTS} processes may attach to one image")))
    }

    /// Gives back what a dead process held.
    pub(crate) fn forget(&self, number: usize) {
        if let Holder::Owner { attached, .. } = &self.holder
            && let Some(places) = attached.get(number).and_then(OnceLock::get)
        {
            places.clear();
        }
    }

    fn held(&self, index: usize) -> bool {
        match &self.holder {
            Holder::Owner { counts, attached, .. } => {
                counts.held(index) || attached.iter().map_while(OnceLock::get).any(|places| places.held(index))
            }
            Holder::Guest(_) => true,
        }
    }

    /// A buffer that the latch may fill: a free one, or the private one when readers hold all
    /// (None instead when `grow` was asked for and the largest size is reached).
    pub(crate) fn free(&self, current: &AtomicU64, grow: bool) -> Option<usize> {
        let current = current.load(Ordering::SeqCst) as usize;
        let free = |&index: &usize| index != current && !self.held(index);
        if let Some(index) = (PRIVATE + 1..self.prepared.len()).find(free) {
            return Some(index);
        }
        if grow { self.grown(free) } else { Some(PRIVATE) }
    }

    fn grown(&self, free: impl Fn(&usize) -> bool) -> Option<usize> {
        let Holder::Owner { grown, .. } = &self.holder else { return None };
        for (number, place) in grown.iter().enumerate() {
            let index = self.prepared.len() + number;
            if place.get().is_none() {
                place.set(Buffer::alone(self.channels).ok()?).ok()?;
                return Some(index);
            }
            if free(&index) {
                return Some(index);
            }
        }
        None
    }

    /// Hands a filled buffer out (the private one stays private).
    pub(crate) fn show(&self, current: &AtomicU64, index: usize) {
        if index != PRIVATE {
            current.store(index as u64, Ordering::SeqCst);
        }
    }
}

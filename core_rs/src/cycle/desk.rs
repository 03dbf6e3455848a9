//! The desk of one controller process: all that it may write.
//!
//! It holds a box for each of its sources, a slot for each channel it may publish, the places where it notes the
//! snapshots it holds, and the bell that wakes it. The image itself it only reads. The cycle believes nothing on a desk
//! that it has not checked, waits for nobody who is not expected, and never for long.

use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::AtomicBool;

use crate::cycle::event::{Bell, Event};
use crate::cycle::mailbox::{Mailbox, MailboxPlan};
use crate::error::{Error, Result};
use crate::image::{Cell, Image, PLACES, Places, Read, Sample, Slot};
use crate::memory::{One, Plain, Plan, Region, Span, View};
use crate::sync::{AtomicU32, AtomicU64, Ordering};

const MAGIC: u64 = u64::from_le_bytes(*b"sdesk\x00\x00\x01");

/// Who sits at a desk.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct DeskSpec {
    /// Numbers of its sources in the cycle.
    pub sources: Vec<usize>,
    /// Handles of the channels it may publish.
    pub channels: Vec<usize>,
}

/// The label on a desk.
#[derive(Debug)]
#[repr(C)]
struct Label {
    magic: AtomicU64,
    sources: AtomicU64,
    channels: AtomicU64,
    actuators: AtomicU64,
}

// SAFETY: atomics only, no padding.
unsafe impl Plain for Label {}

#[derive(Clone, Copy, Debug)]
struct Counts {
    sources: usize,
    channels: usize,
    actuators: usize,
}

struct DeskPlan {
    label: Span<Label>,
    bell: Span<Bell>,
    places: Span<AtomicU32>,
    handles: Span<AtomicU64>,
    boxes: Vec<MailboxPlan>,
    sequences: Span<AtomicU64>,
    cells: Span<Cell>,
    length: usize,
}

impl DeskPlan {
    fn new(counts: Counts) -> Result<Self> {
        let mut plan = Plan::new();
        Ok(Self {
            label: plan.take(1),
            bell: Event::plan(&mut plan),
            places: plan.take(PLACES),
            handles: plan.take(counts.channels),
            boxes: (0..counts.sources).map(|_| MailboxPlan::new(&mut plan, counts.actuators)).collect(),
            sequences: plan.take(counts.channels),
            cells: plan.take(counts.channels),
            length: plan.length()?,
        })
    }

    fn parts(&self, region: &Arc<Region>) -> Result<Parts> {
        Ok(Parts {
            boxes: self.boxes.iter().map(|plan| Mailbox::new(region, plan)).collect::<Result<_>>()?,
            sequences: self.sequences.view(region)?,
            cells: self.cells.view(region)?,
            wake: Event::shared(region, &self.bell)?,
        })
    }
}

/// What both sides use.
#[derive(Debug)]
pub(crate) struct Parts {
    pub(crate) boxes: Vec<Mailbox>,
    sequences: View<AtomicU64>,
    cells: View<Cell>,
    pub(crate) wake: Event,
}

impl Parts {
    pub(crate) fn slot(&self, number: usize) -> Option<Slot<'_>> {
        Some(Slot { sequence: self.sequences.get(number)?, cell: self.cells.get(number)? })
    }
}

/// A desk from the cycle's side.
#[derive(Debug)]
pub(crate) struct Desk {
    pub(crate) spec: DeskSpec,
    pub(crate) parts: Parts,
    label: One<Label>,
    handles: View<AtomicU64>,
    counts: Counts,
    /// Sequence of each channel's slot when its sample was handed on last.
    seen: Box<[AtomicU64]>,
    region: Arc<Region>,
    /// Whether the cycle waits for its answers.
    pub(crate) expected: AtomicBool,
    attachment: usize,
}

impl Desk {
    pub(crate) fn new(spec: DeskSpec, actuators: usize, image: &Image) -> Result<Self> {
        image.files()?;
        spec.channels.iter().try_for_each(|&handle| image.checked(handle as i64).map(|_| ()))?;
        let counts = Counts { sources: spec.sources.len(), channels: spec.channels.len(), actuators };
        let plan = DeskPlan::new(counts)?;
        let region = Region::shared(c"simems-desk", plan.length)?;
        let parts = plan.parts(&region)?;
        parts.boxes.iter().for_each(Mailbox::clear);
        parts.cells.iter().for_each(Cell::clear);
        let attachment = image.admit(Places::new(plan.places.view(&region)?))?;
        let seen = spec.channels.iter().map(|_| AtomicU64::new(0)).collect();
        let (label, handles) = (plan.label.one(&region)?, plan.handles.view(&region)?);
        let expected = AtomicBool::new(false);
        let desk = Self { spec, parts, label, handles, counts, seen, region, expected, attachment };
        desk.describe();
        Ok(desk)
    }

    // What its process must know to find its way; written again after one that may have scribbled on it.
    fn describe(&self) {
        for (place, &handle) in self.handles.iter().zip(&self.spec.channels) {
            place.store(handle as u64, Ordering::Relaxed);
        }
        self.label.describe(self.counts);
    }

    pub(crate) fn file(&self) -> Result<OwnedFd> {
        copy_of(&self.region)
    }

    /// Hands what its process published since the last call to `publish`: (handle, sample).
    pub(crate) fn published(&self, mut publish: impl FnMut(usize, Sample)) {
        for (number, (&handle, seen)) in self.spec.channels.iter().zip(&self.seen).enumerate() {
            let Some(slot) = self.parts.slot(number) else { continue };
            let sequence = slot.sequence.load(Ordering::Acquire);
            if sequence == seen.load(Ordering::Relaxed) {
                continue;
            }
            if let Read::Sample(sample) = slot.read() {
                seen.store(sequence, Ordering::Relaxed);
                publish(handle, sample);
            }
        }
    }

    /// After the death of its process: what it was writing ends, what it held is given back, nobody is waited for.
    pub(crate) fn mend(&self, image: &Image) {
        self.expected.store(false, Ordering::SeqCst);
        self.parts.boxes.iter().for_each(Mailbox::mend);
        for number in 0..self.spec.channels.len() {
            if let Some(slot) = self.parts.slot(number)
                && slot.mend()
            {
                slot.cell.clear();
            }
        }
        self.parts.wake.forget_waiters();
        self.describe();
        image.forget(self.attachment);
    }
}

/// A desk from its process's side.
#[derive(Debug)]
pub(crate) struct Seat {
    pub(crate) parts: Parts,
    pub(crate) actuators: usize,
    handles: Box<[usize]>,
    region: Arc<Region>,
    places: usize,
}

impl Seat {
    pub(crate) fn attach(file: OwnedFd) -> Result<Self> {
        let region = Region::attach(file, true)?;
        let counts = One::<Label>::of(&region, 0)?.counts(region.len())?;
        let plan = DeskPlan::new(counts)?;
        let handles = plan.handles.view(&region)?;
        let handles = handles.iter().map(|place| place.load(Ordering::Relaxed) as usize).collect();
        let actuators = counts.actuators;
        Ok(Self { parts: plan.parts(&region)?, actuators, handles, places: plan.places.offset(), region })
    }

    /// Where this process notes what it holds.
    pub(crate) fn places(&self) -> (Arc<Region>, usize) {
        (Arc::clone(&self.region), self.places)
    }

    /// Refused when the desk is of another image.
    pub(crate) fn fits(&self, channels: usize) -> Result<()> {
        let well = self.handles.iter().all(|&handle| handle < channels);
        if well { Ok(()) } else { Err(Error::Order("the desk is of another image")) }
    }

    /// Number on the desk of a channel that this process may publish.
    pub(crate) fn channel(&self, handle: usize) -> Option<usize> {
        self.handles.iter().position(|&known| known == handle)
    }
}

impl Label {
    fn describe(&self, counts: Counts) {
        self.sources.store(counts.sources as u64, Ordering::Relaxed);
        self.channels.store(counts.channels as u64, Ordering::Relaxed);
        self.actuators.store(counts.actuators as u64, Ordering::Relaxed);
        self.magic.store(MAGIC, Ordering::Release);
    }

    fn counts(&self, bytes: usize) -> Result<Counts> {
        if self.magic.load(Ordering::Acquire) != MAGIC {
            return Err(Error::Order("what was to be attached is no desk of this version"));
        }
        let number = |place: &AtomicU64| {
            let count = usize::try_from(place.load(Ordering::Relaxed)).ok().filter(|&count| count <= bytes);
            count.ok_or(Error::Order("the desk is larger than its memory"))
        };
        let (sources, channels) = (number(&self.sources)?, number(&self.channels)?);
        Ok(Counts { sources, channels, actuators: number(&self.actuators)? })
    }
}

/// A copy of a shared region's descriptor.
pub(crate) fn copy_of(region: &Region) -> Result<OwnedFd> {
    let file = region.file().ok_or(Error::Order("this memory is of one process alone"))?;
    file.try_clone_to_owned().map_err(|error| Error::invalid(format!("a descriptor could not be copied: {error}")))
}

//! Where everything lies: one region that only the owner writes, one that whoever measures writes.

use std::sync::Arc;

use crate::error::{Error, Result};
use crate::image::buffer::{Buffer, BufferPlan};
use crate::image::channel::Channel;
use crate::image::history::{History, HistoryPlan};
use crate::image::inputs::{InputPlan, Inputs};
use crate::image::table;
use crate::memory::{One, Plain, Plan, Region, Span};
use crate::sync::{AtomicU8, AtomicU32, AtomicU64, Ordering};

const MAGIC: u64 = u64::from_le_bytes(*b"simems\x00\x04");

/// The pulse of an image: what it is, and how far its cycle is.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Pulse {
    magic: AtomicU64,
    channels: AtomicU64,
    history: AtomicU64,
    buffers: AtomicU64,
    table: AtomicU64,
    /// The buffer handed out last.
    pub(crate) current: AtomicU64,
    /// Latched last.
    pub(crate) number: AtomicU64,
    /// Decided last: proposals for it are late.
    pub(crate) closed: AtomicU64,
    /// Not 0 when the cycle was stopped.
    pub(crate) stopped: AtomicU32,
    _even: AtomicU32,
    /// When the next cycle is due, in CLOCK_MONOTONIC nanoseconds; 0: not known.
    pub(crate) due: AtomicU64,
    /// How long whoever waits for a snapshot may be awake before it comes; 0: not at all.
    pub(crate) vigil: AtomicU64,
}

// SAFETY: atomics only, no padding.
unsafe impl Plain for Pulse {}

/// How much of everything.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Counts {
    channels: usize,
    history: usize,
    buffers: usize,
    table: usize,
}

/// The parts of the region that only the owner writes.
pub(crate) struct Board {
    pub(crate) region: Arc<Region>,
    pub(crate) pulse: One<Pulse>,
    pub(crate) history: History,
    pub(crate) buffers: Vec<Buffer>,
}

struct BoardPlan {
    pulse: Span<Pulse>,
    table: Span<AtomicU8>,
    history: HistoryPlan,
    buffers: Vec<BufferPlan>,
    length: usize,
}

impl BoardPlan {
    fn new(counts: Counts) -> Result<Self> {
        let mut plan = Plan::new();
        let pulse = plan.take(1);
        let table = plan.take(counts.table);
        let history = HistoryPlan::new(&mut plan, counts.channels, counts.history);
        let buffers = (0..counts.buffers).map(|_| BufferPlan::new(&mut plan, counts.channels)).collect();
        Ok(Self { pulse, table, history, buffers, length: plan.length()? })
    }

    fn board(&self, region: Arc<Region>) -> Result<Board> {
        Ok(Board {
            pulse: self.pulse.one(&region)?,
            history: History::new(&region, &self.history)?,
            buffers: self.buffers.iter().map(|plan| Buffer::new(&region, plan)).collect::<Result<_>>()?,
            region,
        })
    }
}

/// Makes memory: of this process alone, or with a name for others to attach.
pub(crate) fn region(length: usize, shared: bool) -> Result<Arc<Region>> {
    if shared { Region::shared(c"simems-image", length) } else { Region::private(length) }
}

impl Board {
    /// A new board; nobody else may ever map it writable.
    pub(crate) fn new(channels: &[Channel], history: usize, buffers: usize, shared: bool) -> Result<Self> {
        let bytes = table::encode(channels);
        let counts = Counts { channels: channels.len(), history, buffers, table: bytes.len() };
        let plan = BoardPlan::new(counts)?;
        let board = plan.board(region(plan.length, shared)?)?;
        let table = plan.table.view(&board.region)?;
        table.iter().zip(bytes).for_each(|(place, byte)| place.store(byte, Ordering::Relaxed));
        board.buffers.iter().for_each(Buffer::clear);
        board.pulse.describe(counts);
        board.region.seal_writes()?;
        Ok(board)
    }

    /// Another process's board, with its table.
    pub(crate) fn attach(region: Arc<Region>) -> Result<(Self, Vec<Channel>)> {
        let counts = One::<Pulse>::of(&region, 0)?.counts();
        let counts = counts.ok_or(Error::Order("what was to be attached is no image of this version"))?;
        counts.within(region.len())?;
        let plan = BoardPlan::new(counts)?;
        let board = plan.board(region)?;
        let bytes: Vec<u8> = plan.table.view(&board.region)?.iter().map(|byte| byte.load(Ordering::Relaxed)).collect();
        let channels = table::decode(&bytes)?;
        if channels.len() != counts.channels {
            return Err(Error::Order("the image's name table is not as long as its image"));
        }
        Ok((board, channels))
    }
}

impl Pulse {
    fn describe(&self, counts: Counts) {
        let numbers = [counts.channels, counts.history, counts.buffers, counts.table];
        for (place, number) in [&self.channels, &self.history, &self.buffers, &self.table].into_iter().zip(numbers) {
            place.store(number as u64, Ordering::Relaxed);
        }
        self.current.store(1, Ordering::Relaxed);
        self.magic.store(MAGIC, Ordering::Release);
    }

    fn counts(&self) -> Option<Counts> {
        let number = |place: &AtomicU64| usize::try_from(place.load(Ordering::Relaxed)).ok();
        (self.magic.load(Ordering::Acquire) == MAGIC).then_some(())?;
        Some(Counts {
            channels: number(&self.channels)?,
            history: number(&self.history)?,
            buffers: number(&self.buffers)?,
            table: number(&self.table)?,
        })
    }
}

impl Counts {
    // Nothing is made for counts that could not lie in the region.
    fn within(self, bytes: usize) -> Result<()> {
        let all = [self.channels, self.history, self.buffers, self.table];
        if all.into_iter().any(|count| count > bytes) {
            return Err(Error::Order("the image is larger than its memory"));
        }
        Ok(())
    }
}

/// A region for `next` values.
pub(crate) fn inputs(channels: usize, shared: bool) -> Result<Inputs> {
    let mut plan = Plan::new();
    let parts = InputPlan::new(&mut plan, channels);
    let inputs = Inputs::new(region(plan.length()?, shared)?, &parts)?;
    inputs.clear();
    Ok(inputs)
}

/// Another process's `next` values.
pub(crate) fn attach_inputs(region: Arc<Region>, channels: usize) -> Result<Inputs> {
    Inputs::new(region, &InputPlan::new(&mut Plan::new(), channels))
}

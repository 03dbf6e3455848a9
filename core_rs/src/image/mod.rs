//! The process image: a tag table fixed at start-up, `next` values that any thread writes, and snapshots.
//!
//! At cycle start all of `next` becomes the new snapshot at once; nobody reads `next`. A snapshot never
//! changes while somebody holds it. When readers hold all 16 prepared buffers, the running cycle latches
//! into a private one: it decides on fresh data, readers see the snapshot before, and it neither blocks nor
//! allocates. Latching by hand makes more buffers instead, up to a fixed limit.

mod buffer;
mod channel;
mod history;
mod latch;
mod slot;
mod snapshot;

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

pub use channel::{Channel, Kind};
pub(crate) use latch::Filled;
pub use latch::Latcher;
pub use snapshot::{Reader, Snapshot};

use crate::error::{Error, Result, checked_index};
#[cfg(feature = "python")]
pub(crate) use buffer::Buffer;
use buffer::Pool;
use history::History;
use slot::Slot;

/// What a value is worth.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u8)]
pub enum Quality {
    /// Fresh and inside its limits.
    Good = 0,
    /// Older than its stale-after, or never written.
    Stale = 1,
    /// The device said so, not a number, or outside its limits.
    Bad = 2,
    /// Set by a person for a test; counts as valid and does not age.
    Forced = 3,
}

impl Quality {
    pub(crate) fn from_code(code: u8) -> Self {
        match code {
            0 => Self::Good,
            1 => Self::Stale,
            3 => Self::Forced,
            _ => Self::Bad,
        }
    }

    /// Checks a code that came from outside.
    pub fn parse(code: i64) -> Result<Self> {
        match code {
            0..=3 => Ok(Self::from_code(code as u8)),
            _ => Err(Error::invalid(format!("quality must be 0 (good), 1 (stale), 2 (bad) or 3 (forced), not {code}"))),
        }
    }

    /// Whether control may use the value.
    pub fn valid(self) -> bool {
        matches!(self, Self::Good | Self::Forced)
    }
}

/// One value with its time and quality.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Sample {
    /// The number, in the channel's unit.
    pub value: f64,
    /// When it was measured, in nanoseconds of the cycle's clock.
    pub time_ns: i64,
    /// What it is worth.
    pub quality: Quality,
}

/// The tag table and its values.
#[derive(Debug)]
pub struct Image {
    channels: Box<[Channel]>,
    stale_after_ns: Box<[i64]>,
    handles: HashMap<String, usize>,
    next: Box<[Slot]>,
    history: History,
    pool: Pool,
    owned: AtomicBool,
    /// The buffer latched last (the private one when readers held all others).
    latest: AtomicUsize,
}

impl Image {
    /// Builds the table; addresses must be unique. `history`: samples kept per channel.
    pub fn new(channels: Vec<Channel>, history: usize) -> Result<Arc<Self>> {
        if history == 0 || history > 65_536 {
            return Err(Error::invalid(format!("history must be 1 to 65536 samples, not {history}")));
        }
        let handles = index_addresses(&channels)?;
        let count = channels.len();
        Ok(Arc::new(Self {
            stale_after_ns: channels.iter().map(Channel::stale_after_ns).collect(),
            channels: channels.into_boxed_slice(),
            handles,
            next: (0..count).map(|_| Slot::empty()).collect(),
            history: History::new(count, history),
            pool: Pool::new(count),
            owned: AtomicBool::new(false),
            latest: AtomicUsize::new(1),
        }))
    }

    /// Number of channels.
    pub fn len(&self) -> usize {
        self.channels.len()
    }

    /// Whether there is no channel at all.
    pub fn is_empty(&self) -> bool {
        self.channels.is_empty()
    }

    /// The tag table, in the order of the handles.
    pub fn channels(&self) -> &[Channel] {
        &self.channels
    }

    /// Handle of an address.
    pub fn find(&self, address: &str) -> Option<usize> {
        self.handles.get(address).copied()
    }

    /// Handle of an address, or an error that names it.
    pub fn handle(&self, address: &str) -> Result<usize> {
        self.find(address).ok_or_else(|| Error::UnknownAddress(address.to_owned()))
    }

    /// Checks a handle that came from outside.
    pub fn checked(&self, handle: i64) -> Result<usize> {
        checked_index("handle", handle, self.len())
    }

    /// Writes the next value of a channel; any thread. An older sample than the last one is ignored.
    pub fn publish(&self, handle: usize, value: f64, time_ns: i64, quality: Quality) -> Result<()> {
        let (slot, sample) = self.prepare(handle, value, time_ns, quality)?;
        slot.write(sample);
        Ok(())
    }

    /// As [`Image::publish`], but never waits for another writer: false when the value was left out.
    pub(crate) fn publish_bounded(&self, handle: usize, value: f64, time_ns: i64) -> bool {
        self.prepare(handle, value, time_ns, Quality::Good).is_ok_and(|(slot, sample)| slot.write_bounded(sample))
    }

    fn prepare(&self, handle: usize, value: f64, time_ns: i64, quality: Quality) -> Result<(&Slot, Sample)> {
        let missing = Error::OutOfRange { what: "handle", given: handle as i64, count: self.len() };
        let (slot, channel) = self.next.get(handle).zip(self.channels.get(handle)).ok_or(missing)?;
        Ok((slot, Sample { value, time_ns, quality: channel.judge(value, quality) }))
    }

    /// The last snapshot handed out; before the first latch every channel is stale.
    pub fn snapshot(self: &Arc<Self>) -> Snapshot {
        Snapshot::pin(Arc::clone(self))
    }
}

fn index_addresses(channels: &[Channel]) -> Result<HashMap<String, usize>> {
    let mut handles = HashMap::with_capacity(channels.len());
    for (handle, channel) in channels.iter().enumerate() {
        channel.validate()?;
        if handles.insert(channel.address.clone(), handle).is_some() {
            return Err(Error::invalid(format!("channel {:?} is in the table twice", channel.address)));
        }
    }
    Ok(handles)
}

#[cfg(test)]
mod tests;

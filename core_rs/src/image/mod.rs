//! The process image: a tag table fixed at start-up, `next` values that any thread writes, and snapshots.
//!
//! At cycle start all of `next` becomes the new snapshot at once; nobody reads `next`. A snapshot never
//! changes while somebody holds it. When readers hold all prepared buffers, the running cycle latches
//! into a private one: it decides on fresh data, readers see the snapshot before, and it neither blocks nor
//! allocates. Latching by hand makes more buffers instead, up to a fixed limit.
//!
//! A shared image may be attached by other processes: read-only, or with the right to publish. A process that attached
//! cannot harm what others read, and what it held when it died is given back.

mod buffer;
mod channel;
mod history;
mod holds;
mod inputs;
mod latch;
mod layout;
mod sample;
mod slot;
mod snapshot;
mod table;
mod timing;

use std::collections::HashMap;
use std::os::fd::OwnedFd;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize};

pub use channel::{Channel, Kind, Scaling};
pub use latch::Latcher;
pub use sample::{Quality, Sample};
pub use snapshot::{Reader, Snapshot};
pub use timing::{Times, times};

use crate::error::{Error, Result, checked_index};
use crate::memory::{One, Region};
use buffer::{Holder, PREPARED, Pool};
use history::History;
#[cfg(all(loom, test))]
pub(crate) use holds::Counts;
pub(crate) use holds::{PLACES, Places};
use inputs::Inputs;
use layout::Board;
pub(crate) use layout::Pulse;
pub(crate) use sample::Cell;
pub(crate) use slot::{Read, Slot};

/// More buffers for a shared image: what attached processes may hold.
const SHARED_MORE: usize = 32;

/// The tag table and its values.
#[derive(Debug)]
pub struct Image {
    channels: Box<[Channel]>,
    stale_after_ns: Box<[i64]>,
    handles: HashMap<String, usize>,
    /// None in a process that may only read.
    next: Option<Inputs>,
    history: History,
    pool: Pool,
    pulse: One<Pulse>,
    region: Arc<Region>,
    owned: AtomicBool,
    /// The buffer latched last (the private one when readers held all others).
    latest: AtomicUsize,
}

impl Image {
    /// An image of this process alone. Addresses must be unique; `history`: samples kept per channel.
    pub fn new(channels: Vec<Channel>, history: usize) -> Result<Arc<Self>> {
        Self::make(channels, history, false)
    }

    /// An image that other processes may attach to.
    pub fn shared(channels: Vec<Channel>, history: usize) -> Result<Arc<Self>> {
        Self::make(channels, history, true)
    }

    fn make(channels: Vec<Channel>, history: usize, shared: bool) -> Result<Arc<Self>> {
        if history == 0 || history > 65_536 {
            return Err(Error::invalid(format!("history must be 1 to 65536 samples, not {history}")));
        }
        let handles = index_addresses(&channels)?;
        let buffers = 1 + PREPARED + if shared { SHARED_MORE } else { 0 };
        let board = Board::new(&channels, history, buffers, shared)?;
        let next = layout::inputs(channels.len(), shared)?;
        Ok(Self::of(channels, handles, board, Some(next), Holder::owner(buffers, !shared)))
    }

    /// Attaches to another process's image, to read it; to publish as well when `inputs` is given.
    /// `places`: where this process notes what it holds.
    pub fn attach(board: OwnedFd, inputs: Option<OwnedFd>, places: (Arc<Region>, usize)) -> Result<Arc<Self>> {
        let (board, channels) = Board::attach(Region::attach(board, false)?)?;
        let attach = |file| layout::attach_inputs(Region::attach(file, true)?, channels.len());
        let next = inputs.map(attach).transpose()?;
        let handles = index_addresses(&channels)?;
        let places = Places::at(&places.0, places.1)?;
        Ok(Self::of(channels, handles, board, next, Holder::Guest(places)))
    }

    fn of(
        channels: Vec<Channel>,
        handles: HashMap<String, usize>,
        board: Board,
        next: Option<Inputs>,
        holder: Holder,
    ) -> Arc<Self> {
        Arc::new(Self {
            stale_after_ns: channels.iter().map(Channel::stale_after_ns).collect(),
            handles,
            next,
            history: board.history,
            pool: Pool::new(channels.len(), board.buffers, holder),
            pulse: board.pulse,
            region: board.region,
            // A guest can never latch.
            owned: AtomicBool::new(false),
            latest: AtomicUsize::new(1),
            channels: channels.into_boxed_slice(),
        })
    }

    /// Files of a shared image: the board (read-only for everybody else), the inputs.
    pub fn files(&self) -> Result<(OwnedFd, OwnedFd)> {
        let inputs = self.next.as_ref().and_then(|next| next.region().file());
        let (Some(board), Some(inputs)) = (self.region.file(), inputs) else {
            return Err(Error::Order("this image is of one process alone: make it shared"));
        };
        let copy = |file: std::os::fd::BorrowedFd<'_>| {
            file.try_clone_to_owned()
                .map_err(|error| Error::invalid(format!("a descriptor could not be copied: {error}")))
        };
        Ok((copy(board)?, copy(inputs)?))
    }

    /// Lets another process hold snapshots, noted in its places; its number.
    pub(crate) fn admit(&self, places: Places) -> Result<usize> {
        self.pool.admit(places)
    }

    /// Gives back the snapshots that a dead process held.
    pub(crate) fn forget(&self, number: usize) {
        self.pool.forget(number);
    }

    /// After the death of a channel's only writer in another process: ends the write it may have been in.
    pub fn mend(&self, handle: usize) -> bool {
        self.next.as_ref().is_some_and(|next| next.mend(handle))
    }

    pub(crate) fn pulse(&self) -> &Pulse {
        &self.pulse
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

    /// Writes the next value of a channel, given as the raw number of its scaling; any thread. An older sample than the
    /// last one is ignored.
    pub fn publish(&self, handle: usize, raw: f64, time_ns: i64, quality: Quality) -> Result<()> {
        let sample = self.judged(handle, self.scaled(handle, raw), time_ns, quality)?;
        self.writable()?.write(handle, sample);
        Ok(())
    }

    /// The value that a raw number of this channel stands for.
    pub(crate) fn scaled(&self, handle: usize, raw: f64) -> f64 {
        self.channels.get(handle).map_or(raw, |channel| channel.scaling.value(raw))
    }

    /// As [`Image::publish`] of a value, but never waits for another writer: false when the value was left out.
    pub(crate) fn publish_bounded(&self, handle: usize, value: f64, time_ns: i64) -> bool {
        let sample = self.judged(handle, value, time_ns, Quality::Good);
        sample.and_then(|sample| Ok(self.writable()?.write_bounded(handle, sample))).unwrap_or(false)
    }

    /// A sample that another process judged; judged again, and never waiting.
    pub(crate) fn publish_sample(&self, handle: usize, sample: Sample) -> bool {
        let judged = self.judged(handle, sample.value, sample.time_ns, sample.quality);
        judged.and_then(|sample| Ok(self.writable()?.write_bounded(handle, sample))).unwrap_or(false)
    }

    fn writable(&self) -> Result<&Inputs> {
        self.next.as_ref().ok_or(Error::Order("this process may only read the image"))
    }

    /// What a published value is worth by its channel.
    pub(crate) fn judged(&self, handle: usize, value: f64, time_ns: i64, quality: Quality) -> Result<Sample> {
        let missing = Error::OutOfRange { what: "handle", given: handle as i64, count: self.len() };
        let channel = self.channels.get(handle).ok_or(missing)?;
        Ok(Sample { value, time_ns, quality: channel.judge(value, quality) })
    }

    /// The last snapshot handed out; before the first latch every channel is stale. Only a process that attached can
    /// be refused, when it holds too many.
    pub fn snapshot(self: &Arc<Self>) -> Result<Snapshot> {
        Snapshot::hold(Arc::clone(self))
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

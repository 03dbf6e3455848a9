//! The latch: all of `next` becomes one snapshot. One owner at a time.
//!
//! Steps: [`Latcher::fill`] copies into a buffer nobody reads, [`Latcher::amend`] may put what was computed from it beside
//! it, [`Latcher::show`] hands it out, [`Latcher::remember`] adds it to the history, which nobody waits for.
//! [`Latcher::latch`] does all.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{Error, Result};
use crate::image::buffer::{Buffer, Holder, LARGEST};
use crate::image::inputs::{GROUP, Seen};
use crate::image::{Image, Quality, Reader};

/// The right to latch an image; given back when dropped.
#[derive(Debug)]
pub struct Latcher {
    image: Arc<Image>,
    groups: Box<[Seen]>,
    /// Filled, not handed out yet.
    filled: Option<usize>,
    /// Handed out, not in the history yet.
    shown: Option<usize>,
}

impl Drop for Latcher {
    fn drop(&mut self) {
        self.image.owned.store(false, Ordering::Release);
    }
}

impl Latcher {
    /// Takes the right to latch; refused while somebody else has it, and in a process that attached.
    pub fn claim(image: &Arc<Image>) -> Result<Self> {
        let Some(next) = image.next.as_ref().filter(|_| image.latches()) else {
            return Err(Error::Order("only the process that made an image latches it"));
        };
        let groups = vec![Seen::default(); next.groups()].into_boxed_slice();
        if image.owned.swap(true, Ordering::AcqRel) {
            return Err(Error::Order("a cycle owns this image: stop it, or step the cycle instead"));
        }
        Ok(Self { image: Arc::clone(image), groups, filled: None, shown: None })
    }

    /// Latches at `time_ns` (never before the last latch) and gives the new cycle number. `grow` lets it
    /// make another buffer when readers hold all; the running cycle never does.
    pub fn latch(&mut self, time_ns: i64, grow: bool) -> Result<u64> {
        let number = self.fill(time_ns, grow)?;
        self.show()?;
        self.remember();
        Ok(number)
    }

    /// First: copies what is next; nobody but [`Latcher::reader`] sees it yet.
    pub fn fill(&mut self, time_ns: i64, grow: bool) -> Result<u64> {
        self.remember();
        let image = Arc::clone(&self.image);
        let last = image.latest()?;
        if last.cycle() > 0 && time_ns < last.time_ns() {
            let last_ns = last.time_ns();
            return Err(Error::invalid(format!("latch at {time_ns} ns is before the last one at {last_ns} ns")));
        }
        let number = last.cycle().saturating_add(1);
        let index = image.pool.free(&image.pulse().current, grow).ok_or_else(all_held)?;
        let into = image.pool.get(index).ok_or(Error::Order("the image lacks a buffer"))?;
        into.mark(number, time_ns);
        image.writable()?.copy_all(&into.cells, &last.cells, &mut self.groups);
        image.latest.store(index, Ordering::Release);
        self.filled = Some(index);
        Ok(number)
    }

    /// Second, as often as wanted: a sample computed from this latch, in the same snapshot and all that follow.
    /// False when the channel's slot was kept busy by somebody else.
    pub fn amend(&mut self, handle: usize, value: f64, quality: Quality) -> Result<bool> {
        let buffer = self.image.latest()?;
        let sample = self.image.judged(handle, value, buffer.time_ns(), quality)?;
        let written = self.image.writable()?.write_bounded(handle, sample);
        if let Some(cell) = buffer.cells.get(handle).filter(|_| written && self.filled.is_some()) {
            cell.store(sample);
        }
        if let Some(group) = self.groups.get_mut(handle / GROUP) {
            group.changed = true;
        }
        Ok(written)
    }

    /// Third: hands it out.
    pub fn show(&mut self) -> Result<()> {
        let index = self.filled.take().ok_or(Error::Order("nothing was latched that could be shown"))?;
        self.image.pool.show(&self.image.pulse().current, index);
        self.shown = Some(index);
        Ok(())
    }

    /// Last, before the next latch at the latest: its new samples become history. Who reads this snapshot takes its own
    /// samples for the newest anyway.
    pub fn remember(&mut self) {
        let Some(buffer) = self.shown.take().and_then(|index| self.image.pool.get(index)) else { return };
        for (number, (group, cells)) in self.groups.iter_mut().zip(buffer.cells.chunks(GROUP)).enumerate() {
            if std::mem::take(&mut group.changed) {
                for (place, sample) in cells.iter().enumerate().filter_map(|(place, cell)| Some((place, cell.load()?)))
                {
                    self.image.history.remember(number * GROUP + place, sample);
                }
            }
        }
    }

    /// What was latched last, whether it was handed out or not.
    pub fn reader(&self) -> Option<Reader<'_>> {
        self.image.latest().ok().map(|buffer| Reader::new(&self.image, buffer))
    }

    /// The image this belongs to.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }
}

impl Image {
    fn latest(&self) -> Result<&Buffer> {
        let index = self.latest.load(Ordering::Acquire);
        self.pool.get(index).ok_or(Error::Order("the image has no buffers"))
    }

    fn latches(&self) -> bool {
        matches!(self.pool.holder(), Holder::Owner { .. })
    }
}

fn all_held() -> Error {
    Error::invalid(format!(
        "all snapshot buffers (at most {LARGEST}) are held: release snapshots and views of old cycles"
    ))
}

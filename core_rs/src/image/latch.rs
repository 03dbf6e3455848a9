//! The latch: all of `next` becomes one snapshot. One owner at a time.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::error::{Error, Result};
use crate::image::buffer::{Buffer, LARGEST};
use crate::image::slot::Read;
use crate::image::{Image, Quality, Reader, Sample};

/// The right to latch an image; given back when dropped.
#[derive(Debug)]
pub struct Latcher {
    image: Arc<Image>,
}

/// A buffer that was filled and not shown yet.
#[derive(Debug)]
pub(crate) struct Filled {
    index: usize,
    number: u64,
    time_ns: i64,
}

impl Drop for Latcher {
    fn drop(&mut self) {
        self.image.owned.store(false, Ordering::Release);
    }
}

impl Latcher {
    /// Takes the right to latch; refused while somebody else has it.
    pub fn claim(image: &Arc<Image>) -> Result<Self> {
        if image.owned.swap(true, Ordering::AcqRel) {
            return Err(Error::Order("a cycle owns this image: stop it, or step the cycle instead"));
        }
        Ok(Self { image: Arc::clone(image) })
    }

    /// Latches at `time_ns` (never before the last latch) and gives the new cycle number. `grow` lets it
    /// make another buffer when readers hold all; the running cycle never does.
    pub fn latch(&mut self, time_ns: i64, grow: bool) -> Result<u64> {
        let filled = self.prepare(time_ns, grow)?;
        Ok(self.show(&filled))
    }

    /// First half of [`Latcher::latch`]: fills a buffer that nobody sees yet.
    pub(crate) fn prepare(&mut self, time_ns: i64, grow: bool) -> Result<Filled> {
        let (cycle, last_ns) = self.last()?;
        if cycle > 0 && time_ns < last_ns {
            return Err(Error::invalid(format!("latch at {time_ns} ns is before the last one at {last_ns} ns")));
        }
        let index = self.image.pool.free(grow).ok_or_else(all_held)?;
        let number = cycle.saturating_add(1);
        self.fill(index, number, time_ns);
        Ok(Filled { index, number, time_ns })
    }

    /// What was filled and is not shown yet.
    pub(crate) fn filled(&self, filled: &Filled) -> Option<Reader<'_>> {
        self.image.pool.get(filled.index).map(|buffer| Reader::new(&self.image, buffer))
    }

    /// Puts a sample that the cycle computed from this very latch beside what was latched.
    pub(crate) fn amend(&self, filled: &Filled, channel: usize, sample: Sample) {
        let (Some(into), Some(row)) = (self.image.pool.get(filled.index), self.image.channels.get(channel)) else {
            return;
        };
        let sample = Sample { quality: row.judge(sample.value, sample.quality), ..sample };
        self.remember(channel, sample);
        self.place(into, channel, sample, filled.time_ns);
    }

    /// Second half of [`Latcher::latch`]: everybody sees it from now on.
    pub(crate) fn show(&mut self, filled: &Filled) -> u64 {
        self.image.latest.store(filled.index, Ordering::Release);
        self.image.pool.show(filled.index);
        filled.number
    }

    fn last(&self) -> Result<(u64, i64)> {
        let buffer = self.latest().ok_or(Error::Order("the image has no buffers"))?;
        Ok((buffer.cycle.load(Ordering::Relaxed), buffer.time_ns.load(Ordering::Relaxed)))
    }

    fn latest(&self) -> Option<&Buffer> {
        self.image.pool.get(self.image.latest.load(Ordering::Acquire))
    }

    fn fill(&self, index: usize, cycle: u64, time_ns: i64) {
        let (Some(from), Some(into)) = (self.latest(), self.image.pool.get(index)) else {
            return;
        };
        into.cycle.store(cycle, Ordering::Relaxed);
        into.time_ns.store(time_ns, Ordering::Relaxed);
        for (channel, slot) in self.image.next.iter().enumerate() {
            let before = stored(from, channel);
            let sample = match slot.read() {
                Read::Sample(sample) => Some(sample),
                Read::Busy => before,
                Read::Never => None,
            };
            if let Some(sample) = sample {
                self.remember(channel, sample);
                self.place(into, channel, sample, time_ns);
            } else {
                clear(into, channel);
            }
        }
    }

    // History grows by new samples only: the same time again is the same sample.
    fn remember(&self, channel: usize, sample: Sample) {
        let count = self.image.history.count(channel);
        if count == 0 || self.image.last_remembered(channel) < sample.time_ns {
            let value = if sample.quality.valid() { sample.value } else { f64::NAN };
            self.image.history.push(channel, sample.time_ns, value);
        }
    }

    fn place(&self, into: &Buffer, channel: usize, sample: Sample, now_ns: i64) {
        let stale_after_ns = self.image.stale_after_ns.get(channel).copied().unwrap_or(0);
        let quality = aged(sample, now_ns, stale_after_ns);
        let count = self.image.history.count(channel);
        store(into, channel, Sample { quality, ..sample }, count);
    }

    /// What was latched last, whether it was handed out or not.
    pub fn reader(&self) -> Option<Reader<'_>> {
        self.latest().map(|buffer| Reader::new(&self.image, buffer))
    }

    /// The image this belongs to.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }
}

impl Image {
    fn last_remembered(&self, channel: usize) -> i64 {
        self.history.newest_time_ns(channel).unwrap_or(i64::MIN)
    }
}

fn all_held() -> Error {
    Error::invalid(format!("all {LARGEST} snapshot buffers are held: release snapshots and views of old cycles"))
}

/// A sample too old is stale; so is one too far in the future, for its age is not known.
fn aged(sample: Sample, now_ns: i64, stale_after_ns: i64) -> Quality {
    let age_ns = now_ns.saturating_sub(sample.time_ns).saturating_abs();
    match sample.quality {
        Quality::Good if stale_after_ns != i64::MAX && age_ns > stale_after_ns => Quality::Stale,
        quality => quality,
    }
}

fn stored(buffer: &Buffer, channel: usize) -> Option<Sample> {
    let count = buffer.counts.get(channel)?.load(Ordering::Relaxed);
    let sample = Sample {
        value: f64::from_bits(buffer.values.get(channel)?.load(Ordering::Relaxed)),
        time_ns: buffer.times_ns.get(channel)?.load(Ordering::Relaxed),
        quality: Quality::from_code(buffer.qualities.get(channel)?.load(Ordering::Relaxed)),
    };
    (count > 0).then_some(sample)
}

fn store(buffer: &Buffer, channel: usize, sample: Sample, count: u64) {
    if let Some(value) = buffer.values.get(channel) {
        value.store(sample.value.to_bits(), Ordering::Relaxed);
    }
    if let Some(time_ns) = buffer.times_ns.get(channel) {
        time_ns.store(sample.time_ns, Ordering::Relaxed);
    }
    if let Some(quality) = buffer.qualities.get(channel) {
        quality.store(sample.quality as u8, Ordering::Relaxed);
    }
    if let Some(counter) = buffer.counts.get(channel) {
        counter.store(count, Ordering::Relaxed);
    }
}

fn clear(buffer: &Buffer, channel: usize) {
    store(buffer, channel, Sample { value: f64::NAN, time_ns: 0, quality: Quality::Stale }, 0);
}

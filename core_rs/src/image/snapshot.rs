//! Reading what one latch saw.

use std::sync::Arc;

use crate::error::Result;
use crate::image::buffer::{Buffer, Hold};
use crate::image::{Image, Quality, Sample};

/// Reads one latched buffer.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    image: &'a Image,
    buffer: &'a Buffer,
    time_ns: i64,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(image: &'a Image, buffer: &'a Buffer) -> Self {
        Self { image, buffer, time_ns: buffer.time_ns() }
    }

    /// Number of the cycle that latched it; 0 before the first.
    pub fn cycle(&self) -> u64 {
        self.buffer.cycle()
    }

    /// Instant of the latch.
    pub fn time_ns(&self) -> i64 {
        self.time_ns
    }

    /// The sample with its quality at the latch; None when nothing was ever written.
    pub fn sample(&self, handle: usize) -> Option<Sample> {
        let sample = self.buffer.cells.get(handle)?.load()?;
        let stale_after_ns = self.image.stale_after_ns.get(handle).copied()?;
        Some(Sample { quality: sample.quality_at(self.time_ns, stale_after_ns), ..sample })
    }

    /// The value when it is valid, else NaN.
    pub fn value(&self, handle: usize) -> f64 {
        self.sample(handle).map_or(f64::NAN, |sample| sample.usable())
    }

    /// The last value whatever its quality.
    pub fn last_value(&self, handle: usize) -> f64 {
        self.buffer.cells.get(handle).map_or(f64::NAN, super::sample::Cell::value)
    }

    /// What the value is worth.
    pub fn quality(&self, handle: usize) -> Quality {
        self.sample(handle).map_or(Quality::Stale, |sample| sample.quality)
    }

    /// When the value was measured; 0 when nothing was ever written.
    pub fn time_of(&self, handle: usize) -> i64 {
        self.buffer.cells.get(handle).map_or(0, super::sample::Cell::time_ns)
    }

    /// The value at an instant: interpolated in the history, the newest one (if valid) after its own time.
    pub fn value_at(&self, handle: usize, time_ns: i64) -> f64 {
        match self.buffer.cells.get(handle).and_then(super::sample::Cell::load) {
            None => f64::NAN,
            Some(newest) if time_ns >= newest.time_ns => self.value(handle),
            Some(newest) => self.image.history.interpolate(handle, newest, time_ns),
        }
    }
}

/// What one cycle saw. Holding it keeps its buffer, which never changes meanwhile.
#[derive(Debug)]
pub struct Snapshot {
    image: Arc<Image>,
    hold: Hold,
}

impl Snapshot {
    pub(crate) fn hold(image: Arc<Image>) -> Result<Self> {
        let hold = image.pool.hold(&image.pulse().current)?;
        Ok(Self { image, hold })
    }

    /// The image it is of.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    pub(crate) fn buffer(&self) -> Option<&Buffer> {
        self.image.pool.get(self.hold.index)
    }

    /// Reads it (None never happens: a held buffer exists).
    pub fn reader(&self) -> Option<Reader<'_>> {
        self.buffer().map(|buffer| Reader::new(&self.image, buffer))
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.image.pool.release(&self.hold);
    }
}

//! Reading what one latch saw.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use crate::image::buffer::Buffer;
use crate::image::{Image, Quality};

/// Reads one latched buffer.
#[derive(Clone, Copy, Debug)]
pub struct Reader<'a> {
    image: &'a Image,
    buffer: &'a Buffer,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(image: &'a Image, buffer: &'a Buffer) -> Self {
        Self { image, buffer }
    }

    /// Number of the cycle that latched it; 0 before the first.
    pub fn cycle(&self) -> u64 {
        self.buffer.cycle.load(Ordering::Relaxed)
    }

    /// Instant of the latch.
    pub fn time_ns(&self) -> i64 {
        self.buffer.time_ns.load(Ordering::Relaxed)
    }

    /// The value when it is valid, else NaN.
    pub fn value(&self, handle: usize) -> f64 {
        if self.quality(handle).valid() { self.last_value(handle) } else { f64::NAN }
    }

    /// The last value whatever its quality.
    pub fn last_value(&self, handle: usize) -> f64 {
        self.buffer.values.get(handle).map_or(f64::NAN, |value| f64::from_bits(value.load(Ordering::Relaxed)))
    }

    /// What the value is worth.
    pub fn quality(&self, handle: usize) -> Quality {
        self.buffer
            .qualities
            .get(handle)
            .map_or(Quality::Stale, |code| Quality::from_code(code.load(Ordering::Relaxed)))
    }

    /// When the value was measured; 0 when nothing was ever written.
    pub fn time_of(&self, handle: usize) -> i64 {
        self.buffer.times_ns.get(handle).map_or(0, |time_ns| time_ns.load(Ordering::Relaxed))
    }

    /// The value at an instant: interpolated in the history, the newest one (if valid) after its own time.
    pub fn value_at(&self, handle: usize, time_ns: i64) -> f64 {
        let count = self.buffer.counts.get(handle).map_or(0, |count| count.load(Ordering::Relaxed));
        if count > 0 && time_ns >= self.time_of(handle) {
            return self.value(handle);
        }
        self.image.history.interpolate(handle, count, time_ns)
    }
}

/// What one cycle saw. Holding it pins its buffer, which never changes meanwhile.
#[derive(Debug)]
pub struct Snapshot {
    image: Arc<Image>,
    index: usize,
}

impl Snapshot {
    pub(crate) fn pin(image: Arc<Image>) -> Self {
        let index = image.pool.pin();
        Self { image, index }
    }

    /// The image it is of.
    pub fn image(&self) -> &Arc<Image> {
        &self.image
    }

    pub(crate) fn buffer(&self) -> Option<&Buffer> {
        self.image.pool.get(self.index)
    }

    /// Reads it (None never happens: a pinned buffer exists).
    pub fn reader(&self) -> Option<Reader<'_>> {
        self.buffer().map(|buffer| Reader::new(&self.image, buffer))
    }
}

impl Drop for Snapshot {
    fn drop(&mut self) {
        self.image.pool.unpin(self.index);
    }
}

//! Snapshot buffers: filled by the latch, pinned by readers, reused when nobody holds them.

use std::sync::OnceLock;
use std::sync::atomic::{AtomicI64, AtomicU8, AtomicU64, AtomicUsize, Ordering};

use crate::image::Quality;

/// Made at construction, so that the cycle never allocates.
const PREPARED: usize = 16;
/// What stepping by hand may grow to.
pub(crate) const LARGEST: usize = 4096;
/// Index of the buffer that is never handed out: the latch falls back to it when readers hold all others.
const PRIVATE: usize = 0;

/// Everything one latch saw. Atomics keep it safe; while pinned or current nobody writes it.
#[derive(Debug)]
pub(crate) struct Buffer {
    pins: AtomicUsize,
    pub(crate) cycle: AtomicU64,
    pub(crate) time_ns: AtomicI64,
    pub(crate) values: Box<[AtomicU64]>,
    pub(crate) times_ns: Box<[AtomicI64]>,
    pub(crate) qualities: Box<[AtomicU8]>,
    /// Length of each channel's history at the latch.
    pub(crate) counts: Box<[AtomicU64]>,
}

impl Buffer {
    fn new(channels: usize) -> Self {
        Self {
            pins: AtomicUsize::new(0),
            cycle: AtomicU64::new(0),
            time_ns: AtomicI64::new(0),
            values: (0..channels).map(|_| AtomicU64::new(f64::NAN.to_bits())).collect(),
            times_ns: (0..channels).map(|_| AtomicI64::new(0)).collect(),
            qualities: (0..channels).map(|_| AtomicU8::new(Quality::Stale as u8)).collect(),
            counts: (0..channels).map(|_| AtomicU64::new(0)).collect(),
        }
    }
}

/// A fixed set of buffers and which of them is the last one handed out.
#[derive(Debug)]
pub(crate) struct Pool {
    channels: usize,
    buffers: Box<[OnceLock<Buffer>]>,
    current: AtomicUsize,
}

impl Pool {
    pub(crate) fn new(channels: usize) -> Self {
        let buffers: Box<[OnceLock<Buffer>]> = (0..LARGEST).map(|_| OnceLock::new()).collect();
        for place in buffers.iter().take(PREPARED + 1) {
            place.get_or_init(|| Buffer::new(channels));
        }
        Self { channels, buffers, current: AtomicUsize::new(PRIVATE + 1) }
    }

    pub(crate) fn get(&self, index: usize) -> Option<&Buffer> {
        self.buffers.get(index).and_then(OnceLock::get)
    }

    /// Pins the last buffer handed out; it stays as it is until [`Pool::unpin`].
    pub(crate) fn pin(&self) -> usize {
        loop {
            let index = self.current.load(Ordering::SeqCst);
            let Some(buffer) = self.get(index) else {
                continue;
            };
            buffer.pins.fetch_add(1, Ordering::SeqCst);
            // The latch looks at the pins after it moved `current`: one of the two sees the other.
            if self.current.load(Ordering::SeqCst) == index {
                return index;
            }
            buffer.pins.fetch_sub(1, Ordering::SeqCst);
        }
    }

    pub(crate) fn unpin(&self, index: usize) {
        if let Some(buffer) = self.get(index) {
            buffer.pins.fetch_sub(1, Ordering::SeqCst);
        }
    }

    /// A buffer that the latch may fill: a free one, or the private one when readers hold all
    /// (None instead when `grow` was asked for and the largest size is reached).
    pub(crate) fn free(&self, grow: bool) -> Option<usize> {
        let current = self.current.load(Ordering::SeqCst);
        for (index, place) in self.buffers.iter().enumerate().skip(PRIVATE + 1) {
            match place.get() {
                Some(buffer) if index != current && buffer.pins.load(Ordering::SeqCst) == 0 => {
                    return Some(index);
                }
                Some(_) => {}
                None if grow => {
                    place.get_or_init(|| Buffer::new(self.channels));
                    return Some(index);
                }
                None => return Some(PRIVATE),
            }
        }
        (!grow).then_some(PRIVATE)
    }

    /// Hands a filled buffer out (the private one stays private).
    pub(crate) fn show(&self, index: usize) {
        if index != PRIVATE {
            self.current.store(index, Ordering::SeqCst);
        }
    }
}

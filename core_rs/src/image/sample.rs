//! A value with its time and quality, and the cell of memory that holds one.

use crate::error::{Error, Result};
use crate::memory::Plain;
use crate::sync::{AtomicI64, AtomicU64, Ordering};

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

impl Sample {
    /// Its quality at an instant: too old is stale; so is too far in the future, for its age is not known.
    pub(crate) fn quality_at(&self, now_ns: i64, stale_after_ns: i64) -> Quality {
        let age_ns = now_ns.saturating_sub(self.time_ns).saturating_abs();
        match self.quality {
            Quality::Good if stale_after_ns != i64::MAX && age_ns > stale_after_ns => Quality::Stale,
            quality => quality,
        }
    }

    /// The value when it was valid when written, else NaN.
    pub(crate) fn usable(&self) -> f64 {
        if self.quality.valid() { self.value } else { f64::NAN }
    }
}

/// 24 bytes that hold a sample, or say that there never was one. Not torn only under somebody's protocol.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Cell {
    value: AtomicU64,
    time_ns: AtomicI64,
    /// Quality in the lowest byte, [`WRITTEN`] above it.
    meta: AtomicU64,
}

const WRITTEN: u64 = 1 << 8;

// SAFETY: atomics only, no padding; unknown bits of `meta` read as a quality of BAD or as never written.
unsafe impl Plain for Cell {}

impl Cell {
    #[cfg(test)]
    pub(crate) fn new() -> Self {
        let cell = Self { value: AtomicU64::new(0), time_ns: AtomicI64::new(0), meta: AtomicU64::new(0) };
        cell.clear();
        cell
    }

    /// Never written: NaN, time 0, stale.
    pub(crate) fn clear(&self) {
        self.value.store(f64::NAN.to_bits(), Ordering::Relaxed);
        self.time_ns.store(0, Ordering::Relaxed);
        self.meta.store(Quality::Stale as u64, Ordering::Relaxed);
    }

    pub(crate) fn store(&self, sample: Sample) {
        self.value.store(sample.value.to_bits(), Ordering::Relaxed);
        self.time_ns.store(sample.time_ns, Ordering::Relaxed);
        self.meta.store(WRITTEN | sample.quality as u64, Ordering::Relaxed);
    }

    /// What it holds, None when nothing was ever written.
    pub(crate) fn load(&self) -> Option<Sample> {
        let meta = self.meta.load(Ordering::Relaxed);
        (meta & WRITTEN != 0).then(|| Sample {
            value: f64::from_bits(self.value.load(Ordering::Relaxed)),
            time_ns: self.time_ns.load(Ordering::Relaxed),
            quality: Quality::from_code(meta as u8),
        })
    }

    pub(crate) fn value(&self) -> f64 {
        f64::from_bits(self.value.load(Ordering::Relaxed))
    }

    /// 0 when nothing was ever written.
    pub(crate) fn time_ns(&self) -> i64 {
        self.time_ns.load(Ordering::Relaxed)
    }
}

/// Copies cells as fast as memory allows. What was being written meanwhile may arrive torn: the caller must find out.
pub(crate) fn copy(from: &[Cell], into: &[Cell]) {
    let count = from.len().min(into.len());
    #[cfg(target_arch = "x86_64")]
    {
        let words = count * (size_of::<Cell>() / 8);
        // SAFETY: both slices hold `words` eight-byte words of atomics, which may be changed through a shared reference;
        // to the compiler the assembly is an access it knows nothing of, so a concurrent writer is no data race in Rust.
        unsafe {
            std::arch::asm!(
                "rep movsq",
                inout("rcx") words => _,
                inout("rsi") from.as_ptr() => _,
                inout("rdi") into.as_ptr() => _,
                options(nostack, preserves_flags)
            );
        }
    }
    #[cfg(not(target_arch = "x86_64"))]
    for (from, into) in from.iter().zip(into).take(count) {
        into.value.store(from.value.load(Ordering::Relaxed), Ordering::Relaxed);
        into.time_ns.store(from.time_ns.load(Ordering::Relaxed), Ordering::Relaxed);
        into.meta.store(from.meta.load(Ordering::Relaxed), Ordering::Relaxed);
    }
}

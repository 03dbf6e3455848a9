//! What an estimator knows that outlives its process, and what that is worth after a time away.

use std::sync::atomic::{AtomicU64, Ordering, fence};

use crate::error::{Error, Result, finite};

/// SOC, and the errors of the current sensor, of one battery at one instant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Memory {
    /// 0..100.
    pub soc_pct: f64,
    /// Its standard deviation.
    pub soc_sigma_pct: f64,
    /// Offset of the current sensor, of one cell.
    pub offset_a: f64,
    /// Its standard deviation.
    pub offset_sigma_a: f64,
    /// Relative error of current gain over capacity.
    pub scale: f64,
    /// Its standard deviation.
    pub scale_sigma: f64,
}

const COUNT: usize = 6;

impl Memory {
    /// Refuses what no estimator can have known.
    pub fn check(&self) -> Result<()> {
        let sigmas = [self.soc_sigma_pct, self.offset_sigma_a, self.scale_sigma];
        self.values().into_iter().try_for_each(|value| finite("a remembered value", value).map(|_| ()))?;
        if !(0.0..=100.0).contains(&self.soc_pct) || sigmas.iter().any(|&sigma| sigma <= 0.0) || self.scale.abs() > 1.0
        {
            return Err(Error::invalid("a memory needs a soc_pct of 0..100, sigmas above 0 and a scale of -1..1"));
        }
        Ok(())
    }

    fn values(&self) -> [f64; COUNT] {
        [self.soc_pct, self.soc_sigma_pct, self.offset_a, self.offset_sigma_a, self.scale, self.scale_sigma]
    }

    fn of([soc_pct, soc_sigma_pct, offset_a, offset_sigma_a, scale, scale_sigma]: [f64; COUNT]) -> Self {
        Self { soc_pct, soc_sigma_pct, offset_a, offset_sigma_a, scale, scale_sigma }
    }
}

/// The last memory of a running estimator: written by the cycle without waiting, read by anybody without tearing.
#[derive(Debug)]
pub struct MemoryBoard {
    /// Odd while the cycle writes, 0 before it ever did.
    sequence: AtomicU64,
    time_ns: AtomicU64,
    values: [AtomicU64; COUNT],
}

impl MemoryBoard {
    pub(super) fn empty() -> Self {
        let values = std::array::from_fn(|_| AtomicU64::new(0));
        Self { sequence: AtomicU64::new(0), time_ns: AtomicU64::new(0), values }
    }

    pub(super) fn write(&self, time_ns: i64, memory: &Memory) {
        let before = self.sequence.load(Ordering::Relaxed);
        self.sequence.store(before.wrapping_add(1), Ordering::Relaxed);
        fence(Ordering::Release);
        self.time_ns.store(time_ns.cast_unsigned(), Ordering::Relaxed);
        for (place, value) in self.values.iter().zip(memory.values()) {
            place.store(value.to_bits(), Ordering::Relaxed);
        }
        self.sequence.store(before.wrapping_add(2), Ordering::Release);
    }

    /// (instant of the cycle's clock, memory) of one step; None before the estimator has begun.
    pub fn read(&self) -> Option<(i64, Memory)> {
        loop {
            let before = self.sequence.load(Ordering::Acquire);
            if before == 0 {
                return None;
            }
            let time_ns = self.time_ns.load(Ordering::Relaxed).cast_signed();
            let values = self.values.each_ref().map(|value| f64::from_bits(value.load(Ordering::Relaxed)));
            fence(Ordering::Acquire);
            if before & 1 == 0 && self.sequence.load(Ordering::Relaxed) == before {
                return Some((time_ns, Memory::of(values)));
            }
            std::hint::spin_loop();
        }
    }
}

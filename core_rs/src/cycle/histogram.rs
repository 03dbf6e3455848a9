//! Durations in fixed buckets: written by one thread, read by anybody, nothing is allocated after it was made.

use std::sync::atomic::{AtomicI64, AtomicU64, AtomicUsize, Ordering};

use crate::clock::SECOND_NS;

const SUB_BITS: u32 = 5;
const SUB: u64 = 1 << SUB_BITS;
const BUCKETS: usize = 1344;
/// A minute in sections: the oldest is forgotten when a new one begins.
const SECTIONS: usize = 6;
const SECTION_NS: i64 = 10 * SECOND_NS;

/// Durations in buckets that are 3 % wide, from 1 ns to more than an hour.
#[derive(Debug)]
pub struct Histogram {
    buckets: Box<[AtomicU64]>,
    largest_ns: AtomicU64,
}

impl Default for Histogram {
    fn default() -> Self {
        Self { buckets: (0..BUCKETS).map(|_| AtomicU64::new(0)).collect(), largest_ns: AtomicU64::new(0) }
    }
}

impl Histogram {
    pub(crate) fn record(&self, duration_ns: i64) {
        let value = duration_ns.max(0).unsigned_abs();
        if let Some(bucket) = self.buckets.get(index(value).min(BUCKETS - 1)) {
            bucket.fetch_add(1, Ordering::Relaxed);
        }
        self.largest_ns.fetch_max(value, Ordering::Relaxed);
    }

    /// The largest duration, in microseconds.
    pub fn max_us(&self) -> f64 {
        self.largest_ns.load(Ordering::Relaxed) as f64 / 1e3
    }

    /// How many durations were recorded.
    pub fn count(&self) -> u64 {
        self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum()
    }

    /// A quantile in microseconds, 0 when nothing was recorded.
    pub fn quantile_us(&self, share: f64) -> f64 {
        let [quantile_us] = self.quantiles_us([share]);
        quantile_us
    }

    /// Rising quantiles in one pass.
    pub fn quantiles_us<const N: usize>(&self, shares: [f64; N]) -> [f64; N] {
        if self.is_empty() {
            return [0.0; N];
        }
        let total = self.count();
        let (mut seen, mut found, max_us) = (0_u64, [0.0; N], self.max_us());
        let mut wanted = found.iter_mut().zip(shares.map(|share| rank(total, share))).peekable();
        for (number, bucket) in self.buckets.iter().enumerate() {
            seen += bucket.load(Ordering::Relaxed);
            while let Some((value, _)) = wanted.next_if(|(_, rank)| seen >= *rank) {
                *value = (middle(number as u64) / 1e3).min(max_us);
            }
        }
        found
    }

    // Without a look at every bucket: stepping by hand measures nothing, and asks each second.
    fn is_empty(&self) -> bool {
        let shortest = self.buckets.first().map_or(0, |bucket| bucket.load(Ordering::Relaxed));
        self.largest_ns.load(Ordering::Relaxed) == 0 && shortest == 0
    }

    // Takes out what another one holds; only the writer calls this.
    fn forget(&self, old: &Self) {
        for (bucket, gone) in self.buckets.iter().zip(&old.buckets) {
            let gone = gone.swap(0, Ordering::Relaxed);
            if gone > 0 {
                bucket.fetch_sub(gone, Ordering::Relaxed);
            }
        }
        old.largest_ns.store(0, Ordering::Relaxed);
    }
}

fn rank(total: u64, share: f64) -> u64 {
    ((total as f64 * share).ceil() as u64).max(1)
}

// Values below 32 have a bucket each; above, 32 buckets for each doubling.
fn index(value: u64) -> usize {
    let shift = (u64::BITS - value.leading_zeros()).saturating_sub(SUB_BITS + 1);
    (u64::from(shift) * SUB + (value >> shift)) as usize
}

fn middle(index: u64) -> f64 {
    let shift = (index / SUB).saturating_sub(1);
    let lowest = (index - shift * SUB) << shift;
    lowest as f64 + ((1_u64 << shift) - 1) as f64 / 2.0
}

/// The last minute, in steps of ten seconds: what it shows rises at once and falls again.
#[derive(Debug)]
pub struct Recent {
    sum: Histogram,
    sections: [Histogram; SECTIONS],
    now: AtomicUsize,
    slot: AtomicI64,
}

impl Default for Recent {
    fn default() -> Self {
        Self {
            sum: Histogram::default(),
            sections: Default::default(),
            now: AtomicUsize::new(0),
            slot: AtomicI64::new(i64::MIN),
        }
    }
}

impl Recent {
    /// `host_ns`: when it was measured, CLOCK_MONOTONIC.
    pub(crate) fn record(&self, host_ns: i64, duration_ns: i64) {
        self.turn(host_ns);
        if let Some(section) = self.sections.get(self.now.load(Ordering::Relaxed)) {
            section.record(duration_ns);
        }
        self.sum.record(duration_ns);
    }

    // Begins a new section for each ten seconds that passed (all are forgotten after a minute of silence).
    fn turn(&self, host_ns: i64) {
        let slot = host_ns.div_euclid(SECTION_NS);
        let passed = slot.saturating_sub(self.slot.load(Ordering::Relaxed));
        for _ in 0..passed.clamp(0, SECTIONS as i64) {
            let next = (self.now.load(Ordering::Relaxed) + 1) % SECTIONS;
            if let Some(oldest) = self.sections.get(next) {
                self.sum.forget(oldest);
            }
            self.now.store(next, Ordering::Relaxed);
        }
        if passed > 0 {
            self.slot.store(slot, Ordering::Relaxed);
        }
    }

    /// The largest duration, in microseconds.
    pub fn max_us(&self) -> f64 {
        self.sections.iter().map(Histogram::max_us).fold(0.0, f64::max)
    }

    /// Rising quantiles in microseconds, 0 when nothing was recorded.
    pub fn quantiles_us<const N: usize>(&self, shares: [f64; N]) -> [f64; N] {
        let max_us = self.max_us();
        self.sum.quantiles_us(shares).map(|value_us| value_us.min(max_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const US: i64 = 1_000;

    #[test]
    fn quantiles_are_right_within_a_bucket() {
        let histogram = Histogram::default();
        assert_eq!(histogram.quantile_us(0.5), 0.0);
        (1..=1000).for_each(|us| histogram.record(us * US));
        let [half, most, max] = histogram.quantiles_us([0.5, 0.99, 1.0]);
        assert!((half / 500.0 - 1.0).abs() < 0.04);
        assert!((most / 990.0 - 1.0).abs() < 0.04);
        assert!((max / 1000.0 - 1.0).abs() < 0.04);
        assert_eq!(half, histogram.quantile_us(0.5));
        assert_eq!(histogram.max_us(), 1000.0);
        histogram.record(i64::MAX);
        histogram.record(-5);
        assert_eq!(histogram.count(), 1002);
    }

    #[test]
    fn buckets_are_contiguous() {
        let mut last = 0;
        for value in 0..100_000_u64 {
            let bucket = index(value);
            assert!(bucket == last || bucket == last + 1, "{value}");
            last = bucket;
            let error = (middle(bucket as u64) - value as f64).abs();
            assert!(error <= value as f64 / 32.0, "{value}");
        }
    }

    #[test]
    fn the_last_minute_rises_at_once_and_falls_after_a_minute() {
        let recent = Recent::default();
        let at = |second: i64, us: i64| recent.record(second * SECOND_NS, us * US);
        at(1000, 9_000);
        (1001..1059).for_each(|second| at(second, 100));
        assert_eq!(recent.max_us(), 9_000.0);
        let [most] = recent.quantiles_us([0.999]);
        assert!((most / 9_000.0 - 1.0).abs() < 0.04, "{most}");
        at(1060, 100);
        let [half, most] = recent.quantiles_us([0.5, 0.999]);
        assert_eq!(recent.max_us(), 100.0);
        assert!((half / 100.0 - 1.0).abs() < 0.04 && most <= 100.0, "{half} {most}");
    }

    #[test]
    fn after_a_minute_of_silence_nothing_old_is_left() {
        let recent = Recent::default();
        (0..60).for_each(|second| recent.record(second * SECOND_NS, 5_000 * US));
        recent.record(100_000 * SECOND_NS, US);
        assert_eq!((recent.max_us(), recent.sum.count()), (1.0, 1));
    }
}

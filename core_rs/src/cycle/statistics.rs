//! Counters and histograms of the cycle: written by the cycle, read by anybody.

use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

const SUB_BITS: u32 = 5;
const SUB: u64 = 1 << SUB_BITS;
const BUCKETS: usize = 1344;

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

    /// A quantile in microseconds, 0 when nothing was recorded.
    pub fn quantile_us(&self, share: f64) -> f64 {
        let total: u64 = self.buckets.iter().map(|bucket| bucket.load(Ordering::Relaxed)).sum();
        let rank = ((total as f64 * share).ceil() as u64).max(1);
        let mut seen = 0_u64;
        for (number, bucket) in self.buckets.iter().enumerate() {
            seen += bucket.load(Ordering::Relaxed);
            if seen >= rank {
                return (middle(number as u64) / 1e3).min(self.max_us());
            }
        }
        0.0
    }
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

/// What a cycle has done so far.
#[derive(Debug, Default)]
pub struct Statistics {
    pub(crate) cycles: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) overruns: AtomicU64,
    pub(crate) late_proposals: AtomicU64,
    pub(crate) refused_proposals: AtomicU64,
    pub(crate) realtime: AtomicBool,
    /// Work of each cycle without the wait for proposals.
    pub work: Histogram,
    /// How much later than its deadline each cycle woke, in host time.
    pub lateness: Histogram,
}

impl Statistics {
    /// Cycles finished.
    pub fn cycles(&self) -> u64 {
        self.cycles.load(Ordering::Relaxed)
    }
    /// Slots left out.
    pub fn skipped(&self) -> u64 {
        self.skipped.load(Ordering::Relaxed)
    }
    /// Cycles that ended after the next one was due.
    pub fn overruns(&self) -> u64 {
        self.overruns.load(Ordering::Relaxed)
    }
    /// Proposals that came after their cycle was decided.
    pub fn late_proposals(&self) -> u64 {
        self.late_proposals.load(Ordering::Relaxed)
    }
    /// Sets of proposals that arbitration could not take: a controller's process wrote nonsense.
    pub fn refused_proposals(&self) -> u64 {
        self.refused_proposals.load(Ordering::Relaxed)
    }
    /// Whether SCHED_FIFO was granted.
    pub fn realtime(&self) -> bool {
        self.realtime.load(Ordering::Relaxed)
    }

    pub(crate) fn count_skipped(&self, skipped: u64) {
        self.skipped.fetch_add(skipped, Ordering::Relaxed);
        self.overruns.fetch_add(u64::from(skipped > 0), Ordering::Relaxed);
    }

    /// Values of [`CYCLE_CHANNELS`], in their order.
    pub(crate) fn channel_values(&self) -> [f64; 7] {
        [
            self.cycles() as f64,
            self.work.quantile_us(0.99),
            self.lateness.quantile_us(0.5),
            self.lateness.quantile_us(0.99),
            self.lateness.max_us(),
            self.overruns() as f64,
            self.skipped() as f64,
        ]
    }
}

/// (address, unit) of the statistics published once a second when the image has them.
pub const CYCLE_CHANNELS: [(&str, &str); 7] = [
    ("cycle/count", ""),
    ("cycle/work_us_p99", "us"),
    ("cycle/lateness_us_p50", "us"),
    ("cycle/lateness_us_p99", "us"),
    ("cycle/lateness_us_max", "us"),
    ("cycle/overruns", ""),
    ("cycle/skipped", ""),
];

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn quantiles_are_right_within_a_bucket() {
        let histogram = Histogram::default();
        assert_eq!(histogram.quantile_us(0.5), 0.0);
        (1..=1000).for_each(|us| histogram.record(us * 1000));
        assert!((histogram.quantile_us(0.5) / 500.0 - 1.0).abs() < 0.04);
        assert!((histogram.quantile_us(0.99) / 990.0 - 1.0).abs() < 0.04);
        assert_eq!(histogram.max_us(), 1000.0);
        histogram.record(i64::MAX);
        histogram.record(-5);
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
}

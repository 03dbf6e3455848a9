//! A short ring of samples per channel. One writer (the latch), any number of readers, nothing ever waits.

use std::sync::Arc;
use std::sync::atomic::{AtomicI64, AtomicU64, Ordering, fence};

use crate::error::Result;
use crate::image::sample::Sample;
use crate::memory::{Plain, Plan, Region, Span, View};

/// One remembered sample.
#[derive(Debug)]
#[repr(C)]
pub(crate) struct Entry {
    time_ns: AtomicI64,
    value: AtomicU64,
}

// SAFETY: atomics only, no padding.
unsafe impl Plain for Entry {}

/// Where the parts lie.
pub(crate) struct HistoryPlan {
    capacity: usize,
    entries: Span<Entry>,
    counts: Span<AtomicU64>,
}

impl HistoryPlan {
    /// `samples` readable entries per channel; one more is kept for the entry being overwritten.
    pub(crate) fn new(plan: &mut Plan, channels: usize, samples: usize) -> Self {
        let capacity = samples.saturating_add(1);
        Self { capacity, entries: plan.take(channels.saturating_mul(capacity)), counts: plan.take(channels) }
    }
}

/// Samples of all channels; a sample that was not valid stands as NaN.
#[derive(Debug)]
pub(crate) struct History {
    capacity: usize,
    entries: View<Entry>,
    counts: View<AtomicU64>,
}

impl History {
    pub(crate) fn new(region: &Arc<Region>, plan: &HistoryPlan) -> Result<Self> {
        let (entries, counts) = (plan.entries.view(region)?, plan.counts.view(region)?);
        Ok(Self { capacity: plan.capacity, entries, counts })
    }

    /// Samples ever pushed to a channel.
    pub(crate) fn count(&self, channel: usize) -> u64 {
        self.counts.get(channel).map_or(0, |count| count.load(Ordering::Acquire))
    }

    /// Time of the newest sample.
    pub(crate) fn newest_time_ns(&self, channel: usize) -> Option<i64> {
        let newest = self.count(channel).checked_sub(1)?;
        Some(self.entry(channel, newest)?.time_ns.load(Ordering::Relaxed))
    }

    /// Appends a sample unless it is there already; only the latch calls this.
    pub(crate) fn remember(&self, channel: usize, sample: Sample) {
        if self.newest_time_ns(channel).is_none_or(|newest_ns| newest_ns < sample.time_ns) {
            self.push(channel, sample.time_ns, sample.usable());
        }
    }

    fn push(&self, channel: usize, time_ns: i64, value: f64) {
        let count = self.count(channel);
        let (Some(entry), Some(counter)) = (self.entry(channel, count), self.counts.get(channel)) else {
            return;
        };
        fence(Ordering::Release);
        entry.time_ns.store(time_ns, Ordering::Relaxed);
        entry.value.store(value.to_bits(), Ordering::Relaxed);
        counter.store(count.wrapping_add(1), Ordering::Release);
    }

    /// Sample number `index` of a channel, None when overwritten meanwhile.
    fn get(&self, channel: usize, index: u64) -> Option<(i64, f64)> {
        let entry = self.entry(channel, index)?;
        let time_ns = entry.time_ns.load(Ordering::Relaxed);
        let value = f64::from_bits(entry.value.load(Ordering::Relaxed));
        fence(Ordering::Acquire);
        let age = self.count(channel).saturating_sub(index);
        (age >= 1 && age < self.capacity as u64).then_some((time_ns, value))
    }

    fn entry(&self, channel: usize, index: u64) -> Option<&Entry> {
        let place = (index % self.capacity as u64) as usize;
        self.entries.get(channel.checked_mul(self.capacity)?.checked_add(place)?)
    }

    /// Value at an instant before `newest`, between it and the samples before it; NaN before them.
    pub(crate) fn interpolate(&self, channel: usize, newest: Sample, time_ns: i64) -> f64 {
        let mut later = (newest.time_ns, newest.usable());
        for index in (0..self.count(channel)).rev() {
            let Some(sample) = self.get(channel, index) else {
                return f64::NAN;
            };
            if sample.0 <= time_ns {
                return between(sample, later, time_ns);
            }
            // What is as new as the newest is that one, or came after the snapshot.
            if sample.0 < newest.time_ns {
                later = sample;
            }
        }
        f64::NAN
    }
}

fn between(earlier: (i64, f64), later: (i64, f64), time_ns: i64) -> f64 {
    if earlier.0 == time_ns {
        return earlier.1;
    }
    // Times of two samples may lie further apart than an i64 can tell, values further than an f64 can.
    let share = time_ns.saturating_sub(earlier.0) as f64 / later.0.saturating_sub(earlier.0) as f64;
    let span = later.1 - earlier.1;
    if span.is_finite() { earlier.1 + span * share } else { earlier.1 * (1.0 - share) + later.1 * share }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Quality;

    fn history(samples: usize) -> History {
        let mut plan = Plan::new();
        let parts = HistoryPlan::new(&mut plan, 1, samples);
        History::new(&Region::private(plan.length().unwrap()).unwrap(), &parts).unwrap()
    }

    fn sample(n: i64) -> Sample {
        Sample { value: n as f64, time_ns: n * 10, quality: Quality::Good }
    }

    fn filled(samples: usize, pushed: i64) -> History {
        let history = history(samples);
        (0..pushed).for_each(|n| history.remember(0, sample(n)));
        history
    }

    #[test]
    fn interpolates_between_samples_and_not_before_them() {
        let history = filled(4, 3);
        assert_eq!(history.interpolate(0, sample(2), 15), 1.5);
        assert_eq!(history.interpolate(0, sample(2), 10), 1.0);
        assert!(history.interpolate(0, sample(2), -1).is_nan());
        assert_eq!(history.interpolate(0, sample(3), 25), 2.5, "not remembered yet");
        assert_eq!(history.interpolate(0, sample(1), 5), 0.5, "a sample newer than the snapshot is not seen");
    }

    #[test]
    fn remembers_each_sample_once_and_forgets_the_oldest() {
        let history = filled(4, 100);
        history.remember(0, sample(99));
        assert_eq!(history.count(0), 100);
        assert_eq!(history.interpolate(0, sample(99), 965), 96.5);
        assert!(history.interpolate(0, sample(99), 955).is_nan());
    }

    #[test]
    fn the_ends_of_all_numbers_are_bridged_without_overflow() {
        let history = history(4);
        let end = |time_ns: i64, value: f64| Sample { time_ns, value, quality: Quality::Good };
        history.remember(0, end(i64::MIN + 1, f64::MIN));
        let middle = history.interpolate(0, end(i64::MAX, f64::MAX), 0);
        assert!(middle.is_finite(), "{middle}");
        assert_eq!(history.interpolate(0, end(i64::MAX, f64::MAX), i64::MAX), f64::MAX);
    }

    #[test]
    fn does_not_bridge_a_bad_sample() {
        let history = filled(8, 2);
        history.remember(0, Sample { quality: Quality::Bad, ..sample(2) });
        history.remember(0, sample(3));
        assert!(history.interpolate(0, sample(4), 15).is_nan());
        assert!(history.interpolate(0, sample(4), 25).is_nan());
        assert_eq!(history.interpolate(0, sample(4), 30), 3.0);
    }
}

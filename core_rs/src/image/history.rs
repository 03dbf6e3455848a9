//! A short ring of samples per channel. One writer (the latch), any number of readers, nothing ever waits.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering, fence};

#[derive(Debug)]
struct Entry {
    time_ns: AtomicI64,
    value: AtomicU64,
}

/// Samples of all channels; a sample that was not valid stands as NaN.
#[derive(Debug)]
pub(crate) struct History {
    capacity: usize,
    entries: Box<[Entry]>,
    counts: Box<[AtomicU64]>,
}

impl History {
    /// `samples` readable entries per channel; one more is kept for the entry being overwritten.
    pub(crate) fn new(channels: usize, samples: usize) -> Self {
        let capacity = samples.saturating_add(1);
        let entry = || Entry { time_ns: AtomicI64::new(i64::MIN), value: AtomicU64::new(f64::NAN.to_bits()) };
        Self {
            capacity,
            entries: (0..channels.saturating_mul(capacity)).map(|_| entry()).collect(),
            counts: (0..channels).map(|_| AtomicU64::new(0)).collect(),
        }
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

    /// Appends a sample; only the latch calls this.
    pub(crate) fn push(&self, channel: usize, time_ns: i64, value: f64) {
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

    /// Value at an instant, from the first `count` samples only; NaN before them.
    pub(crate) fn interpolate(&self, channel: usize, count: u64, time_ns: i64) -> f64 {
        let mut later: Option<(i64, f64)> = None;
        for index in (0..count).rev() {
            let Some(sample) = self.get(channel, index) else {
                return f64::NAN;
            };
            if sample.0 <= time_ns {
                return between(sample, later, time_ns);
            }
            later = Some(sample);
        }
        f64::NAN
    }
}

fn between(earlier: (i64, f64), later: Option<(i64, f64)>, time_ns: i64) -> f64 {
    let Some(later) = later.filter(|_| earlier.0 != time_ns) else {
        return earlier.1;
    };
    let share = (time_ns - earlier.0) as f64 / (later.0 - earlier.0) as f64;
    earlier.1 + (later.1 - earlier.1) * share
}

#[cfg(test)]
mod tests {
    use super::*;

    fn filled(samples: usize, pushed: i64) -> History {
        let history = History::new(1, samples);
        (0..pushed).for_each(|n| history.push(0, n * 10, n as f64));
        history
    }

    #[test]
    fn interpolates_between_samples_and_not_before_them() {
        let history = filled(4, 3);
        assert_eq!(history.interpolate(0, 3, 15), 1.5);
        assert_eq!(history.interpolate(0, 3, 10), 1.0);
        assert_eq!(history.interpolate(0, 3, 99), 2.0);
        assert!(history.interpolate(0, 3, -1).is_nan());
        assert_eq!(history.interpolate(0, 2, 15), 1.0, "a sample newer than the snapshot is not seen");
    }

    #[test]
    fn forgets_the_oldest() {
        let history = filled(4, 100);
        assert_eq!(history.interpolate(0, 100, 965), 96.5);
        assert!(history.interpolate(0, 100, 955).is_nan());
    }

    #[test]
    fn does_not_bridge_a_bad_sample() {
        let history = filled(8, 2);
        history.push(0, 20, f64::NAN);
        history.push(0, 30, 3.0);
        assert!(history.interpolate(0, 4, 15).is_nan());
        assert!(history.interpolate(0, 4, 25).is_nan());
        assert_eq!(history.interpolate(0, 4, 30), 3.0);
    }
}

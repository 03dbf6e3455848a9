//! Events per window.

use std::collections::VecDeque;

use super::{hours, sane_time, seconds, window_ns};
use crate::error::{Error, Result};

const LARGEST: usize = 65_536;

/// Counts the events of the last `window_s` seconds, `(now - window, now]`: starts per hour, trips per day. Exact up to
/// `capacity`, at which it stands still (`capacity` is the answer to "at least so many"). Times in monotonic nanoseconds;
/// one older than the newest counts as the newest, so that a count is never too low.
#[derive(Clone, Debug)]
pub struct RateCounter {
    window_ns: i64,
    capacity: usize,
    events: VecDeque<i64>,
    newest_ns: i64,
    on: Option<bool>,
}

impl RateCounter {
    /// `window_s` 0.001 to a leap year, `capacity` 1 to 65536.
    pub fn new(window_s: f64, capacity: usize) -> Result<Self> {
        if !(1..=LARGEST).contains(&capacity) {
            return Err(Error::invalid(format!("capacity must be 1 to {LARGEST}, not {capacity}")));
        }
        let events = super::touched(capacity, 0);
        Ok(Self { window_ns: window_ns(window_s)?, capacity, events, newest_ns: i64::MIN, on: None })
    }

    /// An event. A time that is nonsense (73 years away) counts as the newest known; false, and not counted, when none is.
    pub fn event(&mut self, time_ns: i64) -> bool {
        let time_ns = self.forget(time_ns);
        if time_ns == i64::MIN {
            return false;
        }
        if self.events.len() == self.capacity {
            self.events.pop_front();
        }
        self.events.push_back(time_ns);
        true
    }

    /// Counts the change from false to true. The first call only tells where it stands: no event.
    pub fn step(&mut self, on: bool, time_ns: i64) -> usize {
        if self.on.replace(on) == Some(false) && on {
            self.event(time_ns);
        }
        self.count(time_ns)
    }

    /// Events of the window that ends now.
    pub fn count(&mut self, now_ns: i64) -> usize {
        self.forget(now_ns);
        self.events.len()
    }

    /// The count as a rate.
    pub fn per_hour(&mut self, now_ns: i64) -> f64 {
        self.count(now_ns) as f64 / hours(self.window_ns)
    }

    /// Seconds until one more event keeps the window at `limit` or below; 0 when it does now, None for a limit that never
    /// allows one (0) or that lies above `capacity` and so cannot be judged.
    pub fn wait_s(&mut self, limit: usize, now_ns: i64) -> Option<f64> {
        if limit == 0 || limit > self.capacity {
            return None;
        }
        let now_ns = self.forget(now_ns);
        let Some(&oldest_ns) = self.events.len().checked_sub(limit).and_then(|index| self.events.get(index)) else {
            return Some(0.0);
        };
        Some(seconds(oldest_ns.saturating_add(self.window_ns).saturating_sub(now_ns)).max(0.0))
    }

    /// Forgets everything.
    pub fn reset(&mut self) {
        self.events.clear();
        (self.newest_ns, self.on) = (i64::MIN, None);
    }

    // The newest time known; what lies a window before it is over.
    fn forget(&mut self, now_ns: i64) -> i64 {
        if sane_time(now_ns) {
            self.newest_ns = self.newest_ns.max(now_ns);
        }
        let begin_ns = self.newest_ns.saturating_sub(self.window_ns);
        while self.events.front().is_some_and(|&oldest_ns| oldest_ns <= begin_ns) {
            self.events.pop_front();
        }
        self.newest_ns
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::clock::SECOND_NS;

    #[test]
    fn six_starts_per_hour() {
        let mut starts = RateCounter::new(3600.0, 6).unwrap();
        let minute = 60 * SECOND_NS;
        for number in 0..6 {
            assert_eq!(starts.wait_s(6, number * minute), Some(0.0));
            assert!(starts.event(number * minute));
        }
        assert_eq!((starts.count(10 * minute), starts.wait_s(6, 10 * minute)), (6, Some(3000.0)));
        assert_eq!(starts.wait_s(3, 10 * minute), Some(53.0 * 60.0));
        assert_eq!((starts.wait_s(0, 10 * minute), starts.wait_s(7, 10 * minute)), (None, None));
        assert_eq!((starts.count(60 * minute - 1), starts.count(60 * minute)), (6, 5));
        assert_eq!(starts.per_hour(60 * minute), 5.0);
        starts.reset();
        assert_eq!(starts.count(60 * minute), 0);
        assert!(RateCounter::new(0.0, 1).is_err() && RateCounter::new(1.0, 0).is_err());
        assert!(RateCounter::new(f64::NAN, 1).is_err() && RateCounter::new(1.0, LARGEST + 1).is_err());
    }

    #[test]
    fn only_a_rising_edge_is_an_event() {
        let mut starts = RateCounter::new(10.0, 4).unwrap();
        let counts = [true, true, false, true, true, false, true].map(|on| starts.step(on, SECOND_NS));
        assert_eq!(counts, [0, 0, 0, 1, 1, 1, 2]);
    }

    #[test]
    fn time_never_runs_backwards_for_it() {
        let mut events = RateCounter::new(10.0, 4).unwrap();
        assert!(!events.event(i64::MAX));
        assert!(events.event(100 * SECOND_NS) && events.event(50 * SECOND_NS));
        assert_eq!(events.count(105 * SECOND_NS), 2);
        assert!(events.event(i64::MIN));
        assert_eq!(events.count(114 * SECOND_NS), 1, "the last one counted at 105 s");
    }

    proptest! {
        #[test]
        fn counts_as_a_full_list_would_and_keeps_its_memory(waits in proptest::collection::vec(0_i64..3_000, 1..300)) {
            let (mut counter, mut all, mut now_ns) = (RateCounter::new(1e-3, 50).unwrap(), Vec::new(), 0);
            let memory = counter.events.capacity();
            for wait_ns in waits {
                now_ns += wait_ns * 100;
                all.push(now_ns);
                counter.event(now_ns);
                let truth = all.iter().filter(|&&time_ns| time_ns > now_ns - 1_000_000).count();
                prop_assert_eq!(counter.count(now_ns), truth.min(50));
            }
            prop_assert_eq!(counter.events.capacity(), memory);
        }
    }
}

//! Lowest and highest of a quantity within a sliding window of time, in fixed memory.

use std::collections::VecDeque;

/// Spans kept. Values closer together than a share of the window share a span.
const CAPACITY: usize = 256;

#[derive(Clone, Copy, Debug)]
struct Span {
    first_ns: i64,
    last_ns: i64,
    low: f64,
    high: f64,
}

/// Exact for values at least a 256th of the window apart; denser ones are forgotten up to that share later.
/// (Never earlier: the extremes may be too wide, never too narrow.)
#[derive(Clone, Debug)]
pub(crate) struct Extremes {
    window_ns: i64,
    spacing_ns: i64,
    spans: VecDeque<Span>,
}

impl Extremes {
    pub(crate) fn new(window_ns: i64) -> Self {
        let nothing = Span { first_ns: 0, last_ns: 0, low: 0.0, high: 0.0 };
        let spans = super::touched(CAPACITY + 2, nothing);
        Self { window_ns, spacing_ns: window_ns / CAPACITY as i64, spans }
    }

    pub(crate) fn clear(&mut self) {
        self.spans.clear();
    }

    /// Never before the newest one: an older time counts as that one's.
    pub(crate) fn push(&mut self, time_ns: i64, value: f64) {
        let full = self.spans.len() >= CAPACITY + 2;
        if let Some(newest) = self.spans.back_mut() {
            let time_ns = time_ns.max(newest.last_ns);
            if full || time_ns.saturating_sub(newest.first_ns) < self.spacing_ns {
                *newest = newest.with(time_ns, value);
                return;
            }
        }
        let first_ns = self.spans.back().map_or(time_ns, |newest| time_ns.max(newest.last_ns));
        self.spans.push_back(Span { first_ns, last_ns: first_ns, low: value, high: value });
    }

    /// Of a quantity that holds until its next value: keeps the one that held when the window began.
    pub(crate) fn forget_replaced(&mut self, now_ns: i64) {
        let begin_ns = now_ns.saturating_sub(self.window_ns);
        while self.spans.get(1).is_some_and(|next| next.first_ns <= begin_ns) {
            self.spans.pop_front();
        }
    }

    /// Of a quantity that counts for the window's length and no longer.
    pub(crate) fn forget_past(&mut self, now_ns: i64) {
        let begin_ns = now_ns.saturating_sub(self.window_ns);
        while self.spans.front().is_some_and(|oldest| oldest.last_ns < begin_ns) {
            self.spans.pop_front();
        }
    }

    /// (lowest, highest); (infinity, -infinity) of nothing.
    pub(crate) fn range(&self) -> (f64, f64) {
        let widen = |(low, high): (f64, f64), span: &Span| (low.min(span.low), high.max(span.high));
        self.spans.iter().fold((f64::INFINITY, f64::NEG_INFINITY), widen)
    }
}

impl Span {
    fn with(self, time_ns: i64, value: f64) -> Self {
        Self { last_ns: time_ns, low: self.low.min(value), high: self.high.max(value), ..self }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn what_held_when_the_window_began_still_counts() {
        let mut extremes = Extremes::new(4_000);
        [(0, 5.0), (1_000, 9.0), (2_000, 7.0)].iter().for_each(|&(time, value)| extremes.push(time, value));
        extremes.forget_replaced(4_999);
        assert_eq!(extremes.range(), (5.0, 9.0), "5 held until 1000, after the window began at 999");
        extremes.forget_replaced(5_000);
        assert_eq!(extremes.range(), (7.0, 9.0));
        extremes.forget_past(5_001);
        assert_eq!(extremes.range(), (7.0, 7.0));
        extremes.forget_past(7_000);
        assert_eq!(extremes.range(), (f64::INFINITY, f64::NEG_INFINITY));
    }

    proptest! {
        #[test]
        fn never_narrower_than_the_truth_and_never_larger_than_planned(
            steps in proptest::collection::vec((0_i64..60, -100.0..100.0_f64), 1..2_000),
        ) {
            let mut extremes = Extremes::new(10_000);
            let (memory, mut now_ns, mut all) = (extremes.spans.capacity(), 0, Vec::new());
            for (wait_ns, value) in steps {
                now_ns += wait_ns;
                all.push((now_ns, value));
                extremes.push(now_ns, value);
                extremes.forget_replaced(now_ns);
            }
            let held = all.iter().rposition(|&(time_ns, _)| time_ns <= now_ns - 10_000).unwrap_or(0);
            let (low, high) = extremes.range();
            prop_assert!(all[held..].iter().all(|&(_, value)| (low..=high).contains(&value)));
            let early = all.iter().rposition(|&(time_ns, _)| time_ns <= now_ns - 10_000 - 2 * 39).unwrap_or(0);
            let wide = all[early..].iter().fold((f64::INFINITY, f64::NEG_INFINITY), |w, &(_, v)| (w.0.min(v), w.1.max(v)));
            prop_assert!(wide.0 <= low && high <= wide.1, "a little later, no more");
            prop_assert_eq!(extremes.spans.capacity(), memory);
            prop_assert!(extremes.spans.len() <= CAPACITY + 2);
        }
    }
}

//! Absolute deadlines: multiples of the period, moved a little. Slots that passed are skipped and counted, never bunched.
//!
//! The kernel's tick, and much of what other programs do, comes at whole milliseconds of CLOCK_MONOTONIC. A thread that
//! wakes exactly then waits for all of that first: measured, twice the median lateness of half a millisecond later.

/// From a multiple of the period to the deadline.
const OFF_THE_TICK_NS: i64 = 500_000;

/// The grid of a cycle: slot `n` begins at `n * period + offset`.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Grid {
    period_ns: i64,
    offset_ns: i64,
}

impl Grid {
    pub(crate) fn new(period_ns: i64) -> Self {
        Self { period_ns, offset_ns: OFF_THE_TICK_NS.min(period_ns / 2) }
    }

    /// The slot that an instant lies in.
    pub(crate) fn slot(self, time_ns: i64) -> i64 {
        time_ns.saturating_sub(self.offset_ns).div_euclid(self.period_ns)
    }

    fn after(self, time_ns: i64) -> i64 {
        (self.slot(time_ns) + 1) * self.period_ns + self.offset_ns
    }
}

/// When the next cycle is due.
#[derive(Debug)]
pub(crate) struct Pacer {
    period_ns: i64,
    deadline_ns: i64,
}

impl Pacer {
    /// The first deadline is the next one of the grid after `now_ns`.
    pub(crate) fn new(period_ns: i64, now_ns: i64) -> Self {
        Self { period_ns, deadline_ns: Grid::new(period_ns).after(now_ns) }
    }

    pub(crate) fn deadline_ns(&self) -> i64 {
        self.deadline_ns
    }

    /// Ends a cycle at `now_ns`: how many slots it ran over.
    pub(crate) fn advance(&mut self, now_ns: i64) -> u64 {
        self.deadline_ns += self.period_ns;
        let behind_ns = now_ns - self.deadline_ns;
        if behind_ns <= 0 {
            return 0;
        }
        let skipped = (behind_ns + self.period_ns - 1) / self.period_ns;
        self.deadline_ns += skipped * self.period_ns;
        skipped.unsigned_abs()
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn skips_what_passed_and_keeps_the_grid() {
        let mut pacer = Pacer::new(100, 260);
        assert_eq!(pacer.deadline_ns(), 350);
        assert_eq!((pacer.advance(430), pacer.deadline_ns()), (0, 450));
        assert_eq!((pacer.advance(550), pacer.deadline_ns()), (0, 550));
        assert_eq!((pacer.advance(651), pacer.deadline_ns()), (1, 750));
        assert_eq!((pacer.advance(1500), pacer.deadline_ns()), (7, 1550));
    }

    #[test]
    fn the_grid_stays_off_the_tick_and_each_instant_has_one_slot() {
        let grid = Grid::new(10_000_000);
        assert_eq!((grid.slot(500_000), grid.slot(499_999), grid.slot(10_499_999)), (0, -1, 0));
        assert_eq!((grid.after(499_999), grid.after(500_000)), (500_000, 10_500_000));
        assert_eq!(Grid::new(100_000).after(0), 50_000, "half of a short period");
    }

    proptest! {
        // An injected clock: each cycle wakes late by some time and works for some time.
        #[test]
        fn never_bunched_never_drifting(cycles in proptest::collection::vec((0_i64..500, 0_i64..500), 1..200)) {
            let (mut pacer, mut now, mut slots, mut last) = (Pacer::new(100, 0), 0, 0_u64, -50);
            for (late, work) in cycles {
                let deadline = pacer.deadline_ns();
                prop_assert_eq!(deadline % 100, 50);
                prop_assert!(deadline >= last + 100 && deadline >= now, "two cycles for one slot");
                last = deadline;
                now = deadline + late + work;
                slots += 1 + pacer.advance(now);
            }
            prop_assert_eq!(i64::try_from(slots).unwrap() * 100 + 50, pacer.deadline_ns());
        }
    }
}

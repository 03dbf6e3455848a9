//! Absolute deadlines: multiples of the period. Slots that passed are skipped and counted, never bunched.

/// When the next cycle is due.
#[derive(Debug)]
pub(crate) struct Pacer {
    period_ns: i64,
    deadline_ns: i64,
}

impl Pacer {
    /// The first deadline is the next multiple of the period after `now_ns`.
    pub(crate) fn new(period_ns: i64, now_ns: i64) -> Self {
        let deadline_ns = (now_ns.div_euclid(period_ns) + 1) * period_ns;
        Self { period_ns, deadline_ns }
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
        let mut pacer = Pacer::new(100, 250);
        assert_eq!(pacer.deadline_ns(), 300);
        assert_eq!((pacer.advance(380), pacer.deadline_ns()), (0, 400));
        assert_eq!((pacer.advance(500), pacer.deadline_ns()), (0, 500));
        assert_eq!((pacer.advance(601), pacer.deadline_ns()), (1, 700));
        assert_eq!((pacer.advance(1450), pacer.deadline_ns()), (7, 1500));
    }

    proptest! {
        // An injected clock: each cycle wakes late by some time and works for some time.
        #[test]
        fn never_bunched_never_drifting(cycles in proptest::collection::vec((0_i64..500, 0_i64..500), 1..200)) {
            let (mut pacer, mut now, mut slots, mut last) = (Pacer::new(100, 0), 0, 0_u64, 0);
            for (late, work) in cycles {
                let deadline = pacer.deadline_ns();
                prop_assert_eq!(deadline % 100, 0);
                prop_assert!(deadline >= last + 100 && deadline >= now, "two cycles for one slot");
                last = deadline;
                now = deadline + late + work;
                slots += 1 + pacer.advance(now);
            }
            prop_assert_eq!(i64::try_from(slots).unwrap() * 100 + 100, pacer.deadline_ns());
        }
    }
}

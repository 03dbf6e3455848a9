//! Awake when the snapshot comes: whoever waits gets up a little before it is due and watches for it.
//!
//! A thread that sleeps between cycles of 10 ms is woken late, and finds its code and data gone from the caches. The
//! beat is known ([`Pulse::due`]), so the wait has two parts: sleep until shortly before; then, when the caller has
//! warmed what it will need, watch the event's word for a bounded time. After that it sleeps as ever: nothing depends on
//! a vigil, and its cost is bounded ([`allowance_ns`]).

use std::sync::atomic::{AtomicBool, AtomicI64, Ordering};

use crate::clock::host_now_ns;
use crate::cycle::event::Event;
use crate::cycle::realtime::exact_timers;
use crate::image::Pulse;

/// Of each period, for one waiter.
const SHARE: f64 = 0.03;
const LONGEST_NS: i64 = 300_000;
/// What is shorter brings nothing.
const SHORTEST_NS: i64 = 100_000;
const STEP_NS: i64 = 1_000;
/// A step up for each three down: three of four durations are below.
const UP: i64 = 3;
/// Of a waiter's allowance, for the cycle itself that waits for answers.
const CYCLE_SHARE: i64 = 3;
/// Between being ready and the snapshot.
const MARGIN_NS: i64 = 15_000;
/// One part of so many is kept for a cycle that comes late.
const LATE_SHARE: i64 = 5;

/// How long each vigil may last: [`SHARE`] of the period; 0 when that is too short, or beside the cycle's there is no
/// core for every waiter.
pub(crate) fn allowance_ns(period_ns: i64, waiters: usize, cpus: usize) -> u64 {
    let share_ns = ((period_ns as f64 * SHARE) as i64).min(LONGEST_NS);
    if waiters.max(1) >= cpus || share_ns < SHORTEST_NS { 0 } else { share_ns.unsigned_abs() }
}

/// What one waiter learns and does.
#[derive(Debug)]
pub(crate) struct Vigil {
    late: Usual,
    preparing: Usual,
    rose_ns: AtomicI64,
    until_ns: AtomicI64,
    prompt: AtomicBool,
}

impl Default for Vigil {
    fn default() -> Self {
        let usual = || Usual(AtomicI64::new(50_000));
        Self {
            late: usual(),
            preparing: usual(),
            rose_ns: AtomicI64::new(0),
            until_ns: AtomicI64::new(0),
            prompt: AtomicBool::new(false),
        }
    }
}

/// What three of four durations stay below, learnt.
#[derive(Debug)]
struct Usual(AtomicI64);

impl Usual {
    fn ns(&self) -> i64 {
        self.0.load(Ordering::Relaxed)
    }

    fn learn(&self, duration_ns: i64) {
        let usual_ns = self.ns();
        let step_ns = if duration_ns > usual_ns { UP * STEP_NS } else { -STEP_NS };
        self.0.store((usual_ns + step_ns).clamp(0, LONGEST_NS), Ordering::Relaxed);
    }
}

impl Vigil {
    /// Sleeps until shortly before the next snapshot is due, `deadline_ns` at the latest. True: it is time to prepare,
    /// then to [`Vigil::watch`]. False at once when no vigil is kept; else when what is waited for `came`, or too late.
    pub(crate) fn keep(&self, pulse: &Pulse, event: &Event, deadline_ns: i64, came: impl Fn() -> bool) -> bool {
        let allowance_ns = pulse.vigil.load(Ordering::Relaxed) as i64;
        if allowance_ns == 0 {
            return false;
        }
        self.be_prompt();
        let mut slept = false;
        loop {
            let seen = event.count();
            if pulse.stopped.load(Ordering::SeqCst) != 0 || came() {
                return false;
            }
            let (due_ns, now_ns) = (pulse.due.load(Ordering::Relaxed) as i64, host_now_ns());
            let rise_ns = due_ns.saturating_sub(self.lead_ns(allowance_ns));
            if slept && now_ns >= rise_ns {
                self.late.learn(now_ns - rise_ns);
            }
            if now_ns >= due_ns.min(deadline_ns) {
                return false;
            }
            if now_ns >= rise_ns {
                self.rose_ns.store(now_ns, Ordering::Relaxed);
                self.until_ns.store(now_ns.saturating_add(allowance_ns), Ordering::Relaxed);
                return true;
            }
            event.wait(seen, rise_ns.min(deadline_ns));
            slept = true;
        }
    }

    fn lead_ns(&self, allowance_ns: i64) -> i64 {
        self.late.ns() + (self.preparing.ns() + MARGIN_NS).min(allowance_ns - allowance_ns / LATE_SHARE)
    }

    // Once, for its thread.
    fn be_prompt(&self) {
        if !self.prompt.swap(true, Ordering::Relaxed) {
            exact_timers();
        }
    }

    /// What was to be made ready is: how long that took is learnt.
    pub(crate) fn prepared(&self) {
        let rose_ns = self.rose_ns.swap(0, Ordering::Relaxed);
        if rose_ns > 0 {
            self.preparing.learn(host_now_ns() - rose_ns);
        }
    }

    /// Watches for a signal after `seen` while the vigil lasts. False: sleep instead.
    pub(crate) fn watch(&self, event: &Event, seen: u32) -> bool {
        event.watch(seen, self.until_ns.load(Ordering::Relaxed))
    }
}

/// The cycle's own wait for answers: it watches for them as long as most come while it may, else it sleeps at once.
#[derive(Debug)]
pub(crate) struct Patience {
    answering: Usual,
}

impl Default for Patience {
    fn default() -> Self {
        Self { answering: Usual(AtomicI64::new(0)) }
    }
}

impl Patience {
    /// Until when to watch for answers to a snapshot that was shown at `shown_ns`; not after now: sleep.
    pub(crate) fn until_ns(&self, pulse: &Pulse, shown_ns: i64) -> i64 {
        let most_ns = pulse.vigil.load(Ordering::Relaxed) as i64 / CYCLE_SHARE;
        if self.answering.ns() < most_ns { shown_ns.saturating_add(most_ns) } else { shown_ns }
    }

    /// All answers were there, or waiting for them ended, after so long.
    pub(crate) fn learn(&self, duration_ns: i64) {
        self.answering.learn(duration_ns);
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::image::{Channel, Image};

    const ALLOWANCE_NS: i64 = 300_000;
    const SOON_NS: i64 = 5_000_000;

    fn rig(due_in_ns: i64, allowance_ns: i64) -> (Arc<Image>, Event, Vigil) {
        let image = Image::new(vec![Channel::new("a/b")], 2).unwrap();
        image.pulse().due.store((host_now_ns() + due_in_ns) as u64, Ordering::Relaxed);
        image.pulse().vigil.store(allowance_ns as u64, Ordering::Relaxed);
        (image, Event::local().unwrap(), Vigil::default())
    }

    fn keep(rig: &(Arc<Image>, Event, Vigil), timeout_ns: i64) -> bool {
        rig.2.keep(rig.0.pulse(), &rig.1, host_now_ns() + timeout_ns, || false)
    }

    #[test]
    fn it_costs_a_small_share_of_the_period_and_never_somebody_elses_core() {
        let table = [
            ((10_000_000, 1, 2), 300_000),
            ((100_000_000, 0, 2), 300_000),
            ((5_000_000, 1, 2), 150_000),
            ((1_000_000, 1, 2), 0),
            ((10_000_000, 1, 1), 0),
            ((10_000_000, 2, 2), 0),
            ((10_000_000, 3, 4), 300_000),
            ((10_000_000, 4, 4), 0),
        ];
        for ((period_ns, waiters, cpus), expected_ns) in table {
            let found_ns = allowance_ns(period_ns, waiters, cpus);
            assert_eq!(found_ns, expected_ns, "{period_ns} {waiters} {cpus}");
            assert!(found_ns as f64 <= SHARE * period_ns as f64);
        }
    }

    #[test]
    fn it_rises_before_the_snapshot_is_due_and_watches_no_longer_than_allowed() {
        // A busy host may be late for one; it must succeed within many.
        let kept = (0..200).find_map(|_| {
            let rig = rig(SOON_NS, ALLOWANCE_NS);
            let lead_ns = rig.2.lead_ns(ALLOWANCE_NS);
            keep(&rig, 10 * SOON_NS).then_some((rig, lead_ns))
        });
        let ((image, event, vigil), lead_ns) = kept.unwrap();
        let due_ns = image.pulse().due.load(Ordering::Relaxed) as i64;
        let (rose_ns, until_ns) = (vigil.rose_ns.load(Ordering::Relaxed), vigil.until_ns.load(Ordering::Relaxed));
        assert!((due_ns - lead_ns..due_ns).contains(&rose_ns));
        assert_eq!(until_ns, rose_ns + ALLOWANCE_NS);
        assert!(!vigil.watch(&event, event.count()), "nobody signalled");
        assert!(host_now_ns() >= until_ns);
    }

    #[test]
    fn what_was_signalled_ends_the_watch() {
        let rig = rig(SOON_NS, ALLOWANCE_NS);
        let seen = rig.1.count();
        rig.1.signal();
        rig.2.until_ns.store(i64::MAX, Ordering::Relaxed);
        assert!(rig.2.watch(&rig.1, seen));
    }

    #[test]
    fn none_is_kept_when_it_is_not_allowed_or_not_due_or_over() {
        assert!(!keep(&rig(SOON_NS, 0), i64::MAX / 2), "not allowed");
        assert!(!keep(&rig(-1, ALLOWANCE_NS), i64::MAX / 2), "due before");
        assert!(!keep(&rig(3_600_000_000_000, ALLOWANCE_NS), 1_000_000), "timed out");
        let unknown = rig(0, ALLOWANCE_NS);
        unknown.0.pulse().due.store(0, Ordering::Relaxed);
        assert!(!keep(&unknown, i64::MAX / 2), "stepped by hand");
        let stopped = rig(3_600_000_000_000, ALLOWANCE_NS);
        stopped.0.pulse().stopped.store(1, Ordering::SeqCst);
        assert!(!keep(&stopped, i64::MAX / 2), "stopped");
        let (image, event, vigil) = rig(3_600_000_000_000, ALLOWANCE_NS);
        assert!(!vigil.keep(image.pulse(), &event, i64::MAX / 2, || true), "it came");
    }

    #[test]
    fn the_cycle_watches_for_answers_only_while_most_come_meanwhile() {
        let (image, _, _) = rig(SOON_NS, ALLOWANCE_NS);
        let patience = Patience::default();
        assert_eq!(patience.until_ns(image.pulse(), 1_000), 1_000 + ALLOWANCE_NS / CYCLE_SHARE);
        (0..200).for_each(|_| patience.learn(SOON_NS));
        assert_eq!(patience.until_ns(image.pulse(), 1_000), 1_000, "slow controllers: asleep at once");
        (0..400).for_each(|_| patience.learn(20_000));
        assert!(patience.until_ns(image.pulse(), 1_000) > 1_000, "fast again");
        image.pulse().vigil.store(0, Ordering::Relaxed);
        assert_eq!(patience.until_ns(image.pulse(), 1_000), 1_000, "not allowed");
    }

    #[test]
    fn durations_are_learnt_and_one_odd_one_changes_little() {
        let usual = Usual(AtomicI64::new(0));
        for turn in 0..4_000 {
            usual.learn(if turn % 2 == 0 { 80_000 } else { 120_000 });
        }
        assert!((110_000..=125_000).contains(&usual.ns()), "{}", usual.ns());
        let before = usual.ns();
        usual.learn(i64::MAX);
        assert!(usual.ns() <= before + UP * STEP_NS);
    }
}

//! Counters and histograms of the cycle: written by the cycle, read by anybody.

use std::sync::atomic::{AtomicU64, Ordering};

use crate::clock::host_now_ns;
use crate::cycle::ages::Ages;
use crate::cycle::histogram::{Histogram, Recent};
use crate::cycle::realtime::Grants;

/// What a cycle does, in this order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// `next` becomes the snapshot.
    Latch,
    /// Estimators run on the snapshot.
    Estimate,
    /// Controllers are woken and waited for, until the propose deadline.
    ProposeWait,
    /// Proposals are collected, faults and state looked at, sources arbitrated.
    Arbitrate,
    /// Guards are applied.
    Guard,
    /// Setpoints, reasons, rows and statistics are written, bridges woken.
    Publish,
}

/// Number of phases.
const PHASES: usize = 6;

/// What a cycle has done so far.
#[derive(Debug, Default)]
pub struct Statistics {
    pub(crate) cycles: AtomicU64,
    pub(crate) completed: AtomicU64,
    pub(crate) skipped: AtomicU64,
    pub(crate) overruns: AtomicU64,
    pub(crate) late_proposals: AtomicU64,
    pub(crate) refused_proposals: AtomicU64,
    pub(crate) unfinished_splits: AtomicU64,
    pub(crate) grants: Grants,
    pub(crate) ages: Ages,
    phases: [Histogram; PHASES],
    /// Work of each cycle without the wait for proposals.
    pub work: Histogram,
    /// How much later than its deadline each cycle woke, in host time.
    pub lateness: Histogram,
    /// The same of the last minute.
    pub lateness_1min: Recent,
}

impl Statistics {
    /// Cycles finished.
    pub fn cycles(&self) -> u64 {
        self.cycles.load(Ordering::Relaxed)
    }
    /// Cycles that the thread carried through to their very end: what a watchdog may be kicked by.
    pub fn completed(&self) -> u64 {
        self.completed.load(Ordering::Acquire)
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
    /// Cycles whose shared limits were kept by the simpler split, because the bound on work was met.
    pub fn unfinished_splits(&self) -> u64 {
        self.unfinished_splits.load(Ordering::Relaxed)
    }
    /// What the machine granted to the thread.
    pub fn grants(&self) -> &Grants {
        &self.grants
    }
    /// Ages of the watched inputs.
    pub fn ages(&self) -> &Ages {
        &self.ages
    }
    /// Durations of one phase.
    pub fn phase(&self, phase: Phase) -> Option<&Histogram> {
        self.phases.get(phase as usize)
    }

    pub(crate) fn count_skipped(&self, skipped: u64) {
        self.skipped.fetch_add(skipped, Ordering::Relaxed);
        self.overruns.fetch_add(u64::from(skipped > 0), Ordering::Relaxed);
    }

    /// Values of [`CYCLE_CHANNELS`], in their order.
    pub(crate) fn channel_values(&self) -> [f64; CHANNELS] {
        let [work_p50, work_p99] = self.work.quantiles_us([0.5, 0.99]);
        let [late_p50, late_p99, late_p999] = self.lateness.quantiles_us([0.5, 0.99, 0.999]);
        let [minute_p50, minute_p99, minute_p999] = self.lateness_1min.quantiles_us([0.5, 0.99, 0.999]);
        let [latch, estimate, wait, arbitrate, guard, publish] =
            self.phases.each_ref().map(|phase| phase.quantiles_us([0.5, 0.99]));
        [
            self.cycles() as f64,
            work_p99,
            late_p50,
            late_p99,
            self.lateness.max_us(),
            self.overruns() as f64,
            self.skipped() as f64,
            work_p50,
            self.work.max_us(),
            late_p999,
            minute_p50,
            minute_p99,
            minute_p999,
            self.lateness_1min.max_us(),
            self.late_proposals() as f64,
            latch[0],
            latch[1],
            estimate[0],
            estimate[1],
            wait[0],
            wait[1],
            arbitrate[0],
            arbitrate[1],
            guard[0],
            guard[1],
            publish[0],
            publish[1],
            self.ages.median_s(),
            self.ages.largest_s(),
            f64::from(u8::from(self.grants.realtime())),
            f64::from(u8::from(self.grants.memory_locked())),
            self.refused_proposals() as f64,
            self.unfinished_splits() as f64,
        ]
    }
}

const CHANNELS: usize = 33;

/// (address, unit) of the statistics published once a second when the image has them.
pub const CYCLE_CHANNELS: [(&str, &str); CHANNELS] = [
    ("cycle/count", ""),
    ("cycle/work_us_p99", "us"),
    ("cycle/lateness_us_p50", "us"),
    ("cycle/lateness_us_p99", "us"),
    ("cycle/lateness_us_max", "us"),
    ("cycle/overruns", ""),
    ("cycle/skipped", ""),
    ("cycle/work_us_p50", "us"),
    ("cycle/work_us_max", "us"),
    ("cycle/lateness_us_p999", "us"),
    ("cycle/lateness_1min_us_p50", "us"),
    ("cycle/lateness_1min_us_p99", "us"),
    ("cycle/lateness_1min_us_p999", "us"),
    ("cycle/lateness_1min_us_max", "us"),
    ("cycle/late_proposals", ""),
    ("cycle/latch_us_p50", "us"),
    ("cycle/latch_us_p99", "us"),
    ("cycle/estimate_us_p50", "us"),
    ("cycle/estimate_us_p99", "us"),
    ("cycle/propose_wait_us_p50", "us"),
    ("cycle/propose_wait_us_p99", "us"),
    ("cycle/arbitrate_us_p50", "us"),
    ("cycle/arbitrate_us_p99", "us"),
    ("cycle/guard_us_p50", "us"),
    ("cycle/guard_us_p99", "us"),
    ("cycle/publish_us_p50", "us"),
    ("cycle/publish_us_p99", "us"),
    ("cycle/input_age_s_p50", "s"),
    ("cycle/input_age_s_max", "s"),
    ("cycle/realtime", ""),
    ("cycle/memory_locked", ""),
    ("cycle/refused_proposals", ""),
    ("cycle/unfinished_splits", ""),
];

/// Splits a cycle into its phases; silent until the thread starts it, so that stepping measures no time.
#[derive(Debug, Default)]
pub(crate) struct Stopwatch {
    last_ns: Option<i64>,
}

impl Stopwatch {
    pub(crate) fn start(&mut self, host_ns: i64) {
        self.last_ns = Some(host_ns);
    }

    pub(crate) fn stop(&mut self) {
        self.last_ns = None;
    }

    /// Ends a phase and begins the next one.
    pub(crate) fn lap(&mut self, statistics: &Statistics, phase: Phase) {
        if let Some(last_ns) = &mut self.last_ns {
            let now_ns = host_now_ns();
            if let Some(histogram) = statistics.phase(phase) {
                histogram.record(now_ns - *last_ns);
            }
            *last_ns = now_ns;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use super::*;

    #[test]
    fn each_channel_has_its_name_unit_and_value() {
        let names: HashSet<&str> = CYCLE_CHANNELS.iter().map(|(address, _)| *address).collect();
        assert_eq!(names.len(), CYCLE_CHANNELS.len());
        for (address, unit) in CYCLE_CHANNELS {
            assert_eq!(address.contains("_us_"), unit == "us", "{address}");
            assert_eq!(address.contains("_age_s_"), unit == "s", "{address}");
        }
        let statistics = Statistics::default();
        statistics.work.record(3_000_000);
        statistics.lateness.record(2_000_000);
        statistics.lateness_1min.record(0, 1_000_000);
        statistics.count_skipped(7);
        statistics.ages.store(0.25, 4.0);
        let values = statistics.channel_values();
        let value = |name: &str| values[CYCLE_CHANNELS.iter().position(|(address, _)| *address == name).unwrap()];
        assert_eq!((value("cycle/work_us_max"), value("cycle/lateness_us_max")), (3000.0, 2000.0));
        assert_eq!((value("cycle/lateness_1min_us_max"), value("cycle/skipped")), (1000.0, 7.0));
        assert_eq!((value("cycle/overruns"), value("cycle/realtime")), (1.0, 0.0));
        assert_eq!((value("cycle/input_age_s_p50"), value("cycle/input_age_s_max")), (0.25, 4.0));
    }

    #[test]
    fn a_phase_is_told_under_its_own_name() {
        let phases =
            [Phase::Latch, Phase::Estimate, Phase::ProposeWait, Phase::Arbitrate, Phase::Guard, Phase::Publish];
        let names = ["latch", "estimate", "propose_wait", "arbitrate", "guard", "publish"];
        for (phase, name) in phases.into_iter().zip(names) {
            let statistics = Statistics::default();
            statistics.phase(phase).unwrap().record(1_000_000);
            let told: Vec<&str> = CYCLE_CHANNELS
                .iter()
                .zip(statistics.channel_values())
                .filter(|((_, unit), value)| *unit == "us" && *value > 0.0)
                .map(|((address, _), _)| *address)
                .collect();
            assert_eq!(told, [format!("cycle/{name}_us_p50"), format!("cycle/{name}_us_p99")]);
        }
    }

    #[test]
    fn a_stopwatch_that_nobody_started_measures_nothing() {
        let (statistics, mut stopwatch) = (Statistics::default(), Stopwatch::default());
        stopwatch.lap(&statistics, Phase::Latch);
        stopwatch.start(host_now_ns());
        stopwatch.lap(&statistics, Phase::Guard);
        stopwatch.stop();
        stopwatch.lap(&statistics, Phase::Publish);
        let counts = statistics.phases.each_ref().map(Histogram::count);
        assert_eq!(counts, [0, 0, 0, 0, 1, 0]);
    }
}

//! The beat: a thread on absolute CLOCK_MONOTONIC deadlines that knows nothing of Python.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::sync::mpsc::Sender;
use std::thread;

use crate::clock::{Clock, SECOND_NS, host_now_ns, host_sleep_until};
use crate::cycle::engine::Engine;
use crate::cycle::pacer::Pacer;
use crate::cycle::realtime::{Grants, Realtime};
use crate::cycle::shared::Shared;
use crate::error::Result;

/// A stop is noticed after at most this long a sleep.
const LONGEST_SLEEP_NS: i64 = SECOND_NS / 5;

/// Runs cycles until the shared stop flag is set; gives the engine back. `prepared` is told once the machine answered.
pub(crate) fn run(mut engine: Engine, realtime: Realtime, prepared: &Sender<()>) -> Engine {
    let shared = Arc::clone(&engine.shared);
    // Asked before the thread is bound to a core of its own.
    let cpus = thread::available_parallelism().map_or(1, usize::from);
    realtime.ask(&shared.statistics.grants);
    shared.allow_vigils(cpus);
    // Whoever started the thread may have given up waiting.
    let _ = prepared.send(());
    beat(&mut engine, &shared);
    shared.announce(None);
    engine.stopwatch.stop();
    shared.set_stopped(true);
    shared.wake_everybody();
    engine
}

fn beat(engine: &mut Engine, shared: &Shared) {
    let mut pacer = Pacer::new(shared.period_ns(), shared.clock.now_ns());
    while let Some(deadline_ns) = sleep_until(shared, pacer.deadline_ns()) {
        shared.announce(shared.clock.to_host_ns(pacer.deadline_ns().saturating_add(shared.period_ns())));
        if one_cycle(engine, shared, pacer.deadline_ns(), deadline_ns).is_err() {
            break;
        }
        shared.statistics.completed.fetch_add(1, Ordering::Release);
        shared.statistics.count_skipped(pacer.advance(shared.clock.now_ns()));
    }
}

// The deadline in host time; None when stopped meanwhile.
fn sleep_until(shared: &Shared, time_ns: i64) -> Option<i64> {
    let deadline_ns = shared.clock.to_host_ns(time_ns)?;
    loop {
        if shared.has_stopped() {
            return None;
        }
        let now_ns = host_now_ns();
        if now_ns >= deadline_ns {
            return Some(deadline_ns);
        }
        host_sleep_until(deadline_ns.min(now_ns.saturating_add(LONGEST_SLEEP_NS)));
    }
}

fn one_cycle(engine: &mut Engine, shared: &Shared, slot_ns: i64, deadline_ns: i64) -> Result<()> {
    let woke_ns = host_now_ns();
    engine.stopwatch.start(woke_ns);
    let cycle = engine.begin(shared.clock.now_ns().max(slot_ns), false)?;
    let begun_ns = host_now_ns();
    shared.wait_answers(cycle, propose_deadline_ns(shared, deadline_ns));
    let resumed_ns = host_now_ns();
    engine.finish()?;
    let statistics = &shared.statistics;
    statistics.lateness.record(woke_ns - deadline_ns);
    statistics.lateness_1min.record(woke_ns, woke_ns - deadline_ns);
    statistics.work.record((begun_ns - woke_ns) + (host_now_ns() - resumed_ns));
    Ok(())
}

fn propose_deadline_ns(shared: &Shared, deadline_ns: i64) -> i64 {
    let host_period_ns = shared.period_ns() as f64 / shared.clock.speed();
    deadline_ns.saturating_add((host_period_ns * shared.configuration.propose_share) as i64)
}

/// Lateness in microseconds of a bare sleep loop of the same policy: the reference for the cycle's own.
pub fn bare_sleep_lateness(period_ns: i64, cycles: usize) -> Vec<f64> {
    let measure = move || {
        Realtime::DEFAULT.ask(&Grants::default());
        let mut lateness_us = Vec::with_capacity(cycles);
        let mut deadline_ns = host_now_ns();
        while lateness_us.len() < cycles {
            deadline_ns = deadline_ns.saturating_add(period_ns).max(host_now_ns());
            host_sleep_until(deadline_ns);
            lateness_us.push((host_now_ns() - deadline_ns) as f64 / 1e3);
        }
        lateness_us
    };
    thread::spawn(measure).join().unwrap_or_default()
}

/// Whether a thread can run on this clock.
pub(crate) fn can_run_on(clock: &Clock) -> bool {
    clock.to_host_ns(0).is_some()
}

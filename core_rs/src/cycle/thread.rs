//! The beat: a thread on absolute CLOCK_MONOTONIC deadlines that knows nothing of Python.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::thread;

use crate::clock::{Clock, SECOND_NS, host_now_ns, host_sleep_until};
use crate::cycle::engine::Engine;
use crate::cycle::pacer::Pacer;
use crate::cycle::shared::Shared;
use crate::error::Result;

/// A stop is noticed after at most this long a sleep.
const LONGEST_SLEEP_NS: i64 = SECOND_NS / 5;
const REALTIME_PRIORITY: i32 = 50;

/// Runs cycles until the shared stop flag is set; gives the engine back.
pub(crate) fn run(mut engine: Engine) -> Engine {
    let shared = Arc::clone(&engine.shared);
    shared.statistics.realtime.store(prepare_thread(), Ordering::Relaxed);
    let mut pacer = Pacer::new(shared.period_ns(), shared.clock.now_ns());
    while let Some(deadline_ns) = sleep_until(&shared, pacer.deadline_ns()) {
        if one_cycle(&mut engine, &shared, pacer.deadline_ns(), deadline_ns).is_err() {
            break;
        }
        shared.statistics.count_skipped(pacer.advance(shared.clock.now_ns()));
    }
    shared.set_stopped(true);
    shared.wake_everybody();
    engine
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
    let cycle = engine.begin(shared.clock.now_ns().max(slot_ns), false)?;
    let begun_ns = host_now_ns();
    shared.wait_answers(cycle, propose_deadline_ns(shared, deadline_ns));
    let resumed_ns = host_now_ns();
    engine.finish()?;
    shared.statistics.lateness.record(woke_ns - deadline_ns);
    shared.statistics.work.record((begun_ns - woke_ns) + (host_now_ns() - resumed_ns));
    Ok(())
}

fn propose_deadline_ns(shared: &Shared, deadline_ns: i64) -> i64 {
    let host_period_ns = shared.period_ns() as f64 / shared.clock.speed();
    deadline_ns.saturating_add((host_period_ns * shared.configuration.propose_share) as i64)
}

/// Asks for exact timers and SCHED_FIFO; whether the latter was granted.
fn prepare_thread() -> bool {
    let parameters = libc::sched_param { sched_priority: REALTIME_PRIORITY };
    // SAFETY: both calls concern the calling thread only; `parameters` outlives the call.
    unsafe {
        libc::prctl(libc::PR_SET_TIMERSLACK, 1_u64);
        libc::pthread_setschedparam(libc::pthread_self(), libc::SCHED_FIFO, &raw const parameters) == 0
    }
}

/// Lateness in microseconds of a bare sleep loop of the same policy: the reference for the cycle's own.
pub fn bare_sleep_lateness(period_ns: i64, cycles: usize) -> Vec<f64> {
    let measure = move || {
        prepare_thread();
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

//! Time as the cycle sees it: nanoseconds of one clock, never wall clock. UTC is only derived, for records.

use std::sync::atomic::{AtomicI64, Ordering};

use crate::error::{Error, Result};

/// Nanoseconds in a second.
pub const SECOND_NS: i64 = 1_000_000_000;

/// The one source of time of a process.
#[derive(Debug)]
pub enum Clock {
    /// CLOCK_MONOTONIC of this host.
    Monotonic,
    /// CLOCK_MONOTONIC with a wall clock of its own that steps only when told ([`Clock::set_wall`]): shows that a step
    /// moves records and no cycle, without touching the host's clock.
    Stepped {
        /// Wall clock less CLOCK_MONOTONIC.
        wall_ahead_ns: AtomicI64,
    },
    /// Faster (or slower) than CLOCK_MONOTONIC since an origin.
    Scaled {
        /// CLOCK_MONOTONIC at which both clocks agree.
        origin_ns: i64,
        /// UTC at the origin.
        origin_utc_us: i64,
        /// Seconds of this clock per second of the host.
        speed: f64,
    },
    /// Moves only by [`Clock::advance_to`].
    Simulated {
        /// Now, starting at 0.
        now_ns: AtomicI64,
        /// UTC at 0.
        origin_utc_us: i64,
    },
}

impl Clock {
    /// A scaled clock; `speed` must be finite and above 0.
    pub fn scaled(origin_ns: i64, origin_utc_us: i64, speed: f64) -> Result<Self> {
        if !(speed.is_finite() && speed > 0.0) {
            return Err(Error::invalid(format!("speed must be a finite number above 0, not {speed}")));
        }
        Ok(Self::Scaled { origin_ns, origin_utc_us, speed })
    }

    /// A simulated clock at 0 ns.
    pub fn simulated(origin_utc_us: i64) -> Self {
        Self::Simulated { now_ns: AtomicI64::new(0), origin_utc_us }
    }

    /// CLOCK_MONOTONIC whose wall clock shows `utc_us` now.
    pub fn stepped(utc_us: i64) -> Self {
        Self::Stepped { wall_ahead_ns: AtomicI64::new(ahead_ns(utc_us)) }
    }

    /// Steps the wall clock of a stepped clock.
    pub fn set_wall(&self, utc_us: i64) -> Result<()> {
        let Self::Stepped { wall_ahead_ns } = self else {
            return Err(Error::Order("only a stepped clock has a wall clock that can be set"));
        };
        wall_ahead_ns.store(ahead_ns(utc_us), Ordering::Release);
        Ok(())
    }

    /// Seconds of this clock per second of the host; 0 for a simulated clock.
    pub fn speed(&self) -> f64 {
        match self {
            Self::Monotonic | Self::Stepped { .. } => 1.0,
            Self::Scaled { speed, .. } => *speed,
            Self::Simulated { .. } => 0.0,
        }
    }

    /// Now.
    pub fn now_ns(&self) -> i64 {
        match self {
            Self::Monotonic | Self::Stepped { .. } => host_now_ns(),
            Self::Scaled { origin_ns, speed, .. } => {
                let elapsed = host_now_ns().saturating_sub(*origin_ns);
                origin_ns.saturating_add(scale(elapsed, *speed))
            }
            Self::Simulated { now_ns, .. } => now_ns.load(Ordering::Acquire),
        }
    }

    /// UTC in microseconds of an instant of this clock.
    pub fn utc_us(&self, time_ns: i64) -> i64 {
        match self {
            Self::Monotonic => wall_us(realtime_ns(), host_now_ns(), time_ns),
            Self::Stepped { wall_ahead_ns } => {
                let now_ns = host_now_ns();
                wall_us(now_ns.saturating_add(wall_ahead_ns.load(Ordering::Acquire)), now_ns, time_ns)
            }
            Self::Scaled { origin_ns, origin_utc_us, .. } => {
                origin_utc_us.saturating_add(time_ns.saturating_sub(*origin_ns).div_euclid(1000))
            }
            Self::Simulated { origin_utc_us, .. } => origin_utc_us.saturating_add(time_ns.div_euclid(1000)),
        }
    }

    /// Moves a simulated clock, never backwards.
    pub fn advance_to(&self, time_ns: i64) -> Result<()> {
        let Self::Simulated { now_ns, .. } = self else {
            return Err(Error::Order("only a simulated clock can be advanced"));
        };
        let before = now_ns.fetch_max(time_ns, Ordering::AcqRel);
        if before > time_ns {
            return Err(Error::invalid(format!(
                "a clock never goes backwards: it is at {before} ns, asked for {time_ns} ns"
            )));
        }
        Ok(())
    }

    /// CLOCK_MONOTONIC at which this clock shows `time_ns`; None for a simulated clock.
    pub fn to_host_ns(&self, time_ns: i64) -> Option<i64> {
        match self {
            Self::Monotonic | Self::Stepped { .. } => Some(time_ns),
            Self::Scaled { origin_ns, speed, .. } => {
                let elapsed = scale(time_ns.saturating_sub(*origin_ns), 1.0 / *speed);
                Some(origin_ns.saturating_add(elapsed))
            }
            Self::Simulated { .. } => None,
        }
    }
}

// What a wall clock that shows `wall_ns` now showed (or will show) at `time_ns`, had it never been stepped.
fn wall_us(wall_ns: i64, now_ns: i64, time_ns: i64) -> i64 {
    wall_ns.saturating_sub(now_ns.saturating_sub(time_ns)).div_euclid(1000)
}

fn ahead_ns(utc_us: i64) -> i64 {
    utc_us.saturating_mul(1000).saturating_sub(host_now_ns())
}

// The product of a double and nanoseconds: exact to 1 us after a month, `as` saturates.
fn scale(time_ns: i64, factor: f64) -> i64 {
    (time_ns as f64 * factor).round() as i64
}

/// CLOCK_MONOTONIC in nanoseconds.
pub fn host_now_ns() -> i64 {
    read_clock(libc::CLOCK_MONOTONIC)
}

/// CLOCK_REALTIME in nanoseconds; for records only.
pub fn realtime_ns() -> i64 {
    read_clock(libc::CLOCK_REALTIME)
}

fn read_clock(id: libc::clockid_t) -> i64 {
    let mut time = libc::timespec { tv_sec: 0, tv_nsec: 0 };
    // SAFETY: `time` is a valid timespec for the whole call; both clocks exist on every Linux.
    unsafe { libc::clock_gettime(id, &raw mut time) };
    time.tv_sec.saturating_mul(SECOND_NS).saturating_add(time.tv_nsec)
}

/// Sleeps until an absolute CLOCK_MONOTONIC instant; returns at once when it has passed.
pub fn host_sleep_until(deadline_ns: i64) {
    let time = timespec(deadline_ns);
    loop {
        // SAFETY: `time` outlives the call; no remainder is asked for with TIMER_ABSTIME.
        let code = unsafe {
            libc::clock_nanosleep(libc::CLOCK_MONOTONIC, libc::TIMER_ABSTIME, &raw const time, std::ptr::null_mut())
        };
        if code != libc::EINTR {
            return;
        }
    }
}

/// An instant as the kernel wants it (never negative).
pub(crate) fn timespec(time_ns: i64) -> libc::timespec {
    let time_ns = time_ns.max(0);
    libc::timespec { tv_sec: time_ns / SECOND_NS, tv_nsec: time_ns % SECOND_NS }
}

/// Seconds to nanoseconds; infinity becomes `i64::MAX`.
pub fn seconds_to_ns(seconds: f64) -> i64 {
    (seconds * SECOND_NS as f64).round() as i64
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_simulated_clock_moves_only_forwards() {
        let clock = Clock::simulated(1_000_000);
        clock.advance_to(5_000).unwrap();
        assert_eq!((clock.now_ns(), clock.utc_us(5_000)), (5_000, 1_000_005));
        assert!(clock.advance_to(4_999).is_err());
        assert_eq!(clock.to_host_ns(1), None);
        assert!(Clock::Monotonic.advance_to(1).is_err());
    }

    #[test]
    fn a_scaled_clock_agrees_at_its_origin_and_converts_back() {
        let origin = 77 * SECOND_NS;
        let clock = Clock::scaled(origin, 0, 30.0).unwrap();
        assert_eq!(clock.to_host_ns(origin), Some(origin));
        assert_eq!(clock.to_host_ns(origin + 30 * SECOND_NS), Some(origin + SECOND_NS));
        assert_eq!(clock.utc_us(origin + SECOND_NS), 1_000_000);
        for speed in [0.0, -1.0, f64::NAN, f64::INFINITY] {
            assert!(Clock::scaled(0, 0, speed).is_err());
        }
    }

    #[test]
    fn a_step_of_the_wall_clock_moves_stamps_and_nothing_else() {
        let clock = Clock::stepped(1_000_000_000);
        let before = clock.now_ns();
        assert!((clock.utc_us(before) - 1_000_000_000).abs() < 1_000_000);
        for step_us in [1_000_000, -1_000_000, 86_400_000_000, -86_400_000_000] {
            let stamp = clock.utc_us(before);
            clock.set_wall(clock.utc_us(clock.now_ns()) + step_us).unwrap();
            let moved = clock.utc_us(before) - stamp - step_us;
            assert!(moved.abs() < 1_000_000, "{moved} us");
            assert_eq!(clock.to_host_ns(before), Some(before));
        }
        assert!(clock.now_ns() >= before && clock.speed() == 1.0);
        assert!(Clock::Monotonic.set_wall(0).is_err());
    }

    #[test]
    fn the_hosts_own_wall_clock_is_where_utc_comes_from() {
        let now_us = realtime_ns() / 1000;
        let told = Clock::Monotonic.utc_us(host_now_ns());
        assert!((0..10_000_000).contains(&(told - now_us)));
    }

    #[test]
    fn sleeping_ends_after_the_deadline() {
        let deadline = host_now_ns() + 2_000_000;
        host_sleep_until(deadline);
        assert!(host_now_ns() >= deadline);
    }
}

//! The least that two processes need to wake each other: the reference for a controller's turn in its own process.

use crate::clock::{SECOND_NS, host_now_ns};
use crate::cycle::event::Event;
use crate::error::{Error, Result};
use crate::memory::{Plan, Region};

const LONGEST_NS: i64 = 60 * SECOND_NS;

/// Round trips of a bare futex between this process and a child of it, in microseconds. `pause_ns`: between two of them,
/// so that both sides sleep as they do between cycles. Ends after a minute at the latest.
pub fn ping_pong_us(count: usize, pause_ns: i64) -> Result<Vec<f64>> {
    let mut plan = Plan::new();
    let (ping, pong) = (Event::plan(&mut plan), Event::plan(&mut plan));
    let region = Region::shared(c"simems-ping", plan.length()?)?;
    let both = [Event::shared(&region, &ping)?, Event::shared(&region, &pong)?];
    let end_ns = host_now_ns().saturating_add(LONGEST_NS);
    // SAFETY: the child makes no call but futex and clock system calls on memory that was mapped before, and ends itself.
    match unsafe { libc::fork() } {
        -1 => Err(Error::invalid(format!("no child process could be made: {}", std::io::Error::last_os_error()))),
        0 => answer(&both, count, end_ns),
        child => {
            let times = ask(&both, count, pause_ns, end_ns);
            // SAFETY: reaps the child just made; no status is asked for.
            unsafe { libc::waitpid(child, std::ptr::null_mut(), 0) };
            Ok(times)
        }
    }
}

fn answer([ping, pong]: &[Event; 2], count: usize, end_ns: i64) -> ! {
    for round in 0..count as u32 {
        while ping.count() <= round && host_now_ns() < end_ns {
            ping.wait(round, end_ns);
        }
        pong.signal();
    }
    // SAFETY: ends this process at once, without running what the parent registered.
    unsafe { libc::_exit(0) }
}

fn ask([ping, pong]: &[Event; 2], count: usize, pause_ns: i64, end_ns: i64) -> Vec<f64> {
    let mut times = Vec::with_capacity(count);
    for round in 0..count as u32 {
        crate::clock::host_sleep_until(host_now_ns().saturating_add(pause_ns));
        let start_ns = host_now_ns();
        ping.signal();
        while pong.count() <= round && host_now_ns() < end_ns {
            pong.wait(round, end_ns);
        }
        times.push((host_now_ns() - start_ns) as f64 / 1e3);
    }
    times
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_round_takes_some_time() {
        let times = ping_pong_us(200, 0).unwrap();
        assert_eq!(times.len(), 200);
        assert!(times.iter().all(|&time| time > 0.0));
    }
}
